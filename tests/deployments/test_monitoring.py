"""Alert rules and dashboard speak of metrics that exist; each alert has a page that says what to do."""

import json
import re
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tasks.operations.metrics.exposition import text_of
from tasks.operations.metrics.history import History
from tasks.operations.metrics.look import Champion, Facts, TargetFacts

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deployments" / "monitoring"
RULES = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
NAME = re.compile(r"\bgrasp_\w+")


def metrics() -> set[str]:
    """Every sample that `grasp metrics` can tell."""
    now = datetime.now(UTC)
    target = TargetFacts(
        name="t",
        entries=1,
        paused=False,
        behind=False,
        open=Counter(),
        oldest_s=0.0,
        decisions=Counter(),
        history=History(),
        champion=Champion(1, now, 0.5, 0.5),
    )
    facts = Facts((target,), unreadable=0, bucket_up=True, prefect_up=True, last_watch=now, seconds=0.1)
    families = text_string_to_metric_families(text_of(facts))
    return {sample.name for family in families for sample in family.samples}


def test_every_alert_asks_for_metrics_that_exist():
    asked = {name for rule in RULES for name in NAME.findall(rule["expr"])}
    assert asked <= metrics()


def test_every_panel_of_the_dashboard_asks_for_metrics_that_exist():
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [variable["query"] for variable in dashboard["templating"]["list"]]
    asked = [set(NAME.findall(expression)) for expression in expressions]
    assert set().union(*asked) <= metrics()
    assert metrics() - {"grasp_attempts_created"} <= set().union(*asked)  # and shows all that there is


def test_every_metric_is_explained():
    page = (ROOT / "docs" / "operations" / "metrics.md").read_text()
    explained = set(NAME.findall(page))
    assert {re.sub("_(sum|count|bucket)$", "", name) for name in metrics()} <= explained


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
def test_alerts_fire_when_they_should_and_not_before():
    done = subprocess.run(
        ["promtool", "test", "rules", MONITORING / "alerts-test.yml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire():
    fired = (MONITORING / "alerts-test.yml").read_text()
    assert [rule["alert"] for rule in RULES if rule["alert"] not in fired] == []


def test_every_alert_has_a_page_that_says_what_it_means_and_what_to_do():
    pages = {rule["alert"]: ROOT / rule["annotations"]["runbook"] for rule in RULES}
    for alert, page in pages.items():
        assert f"Alert `{alert}`." in page.read_text()
    assert sorted(pages.values()) == sorted((ROOT / "docs" / "operations" / "alerts").glob("*.md"))
