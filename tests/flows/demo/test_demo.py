import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from deployments.deploy import PROJECT
from deployments.ports import HOST, choose_ports
from flows.demo import story
from flows.demo.champion import Answer
from flows.demo.rows import Row, follow
from flows.demo.servers.addresses import Addresses, environment_of
from flows.demo.servers.deploy import WATCH_INTERVAL_S, hasty
from flows.demo.servers.failure import DemoFailed
from flows.demo.servers.workspace import LOCK, workspace
from flows.demo.summary import Summary
from flows.demo.view import PlainView
from tasks.contracts.journal import Accepted, Attempted, Decided, Reason
from tasks.contracts.keys import arrival_id, manifest_key

AT = datetime(2026, 11, 21, tzinfo=UTC)
ADDRESSES = Addresses(s3="http://h:1", mlflow="http://h:2", prefect="http://h:3")


def accepted(seq, year):
    key = manifest_key("digits", str(year), 1)
    return Accepted(
        seq=seq, at=AT, by="watch", arrival_id=arrival_id(key), key=key, manifest="{}", size_bytes=2,
        digest="0" * 64, etag="e",
    )  # fmt: skip


def attempted(seq, year):
    key = manifest_key("digits", str(year), 1)
    return Attempted(seq=seq, at=AT, by="absorb", arrival_id=arrival_id(key), n=1, flow_run="f")


def decided(seq, year, decision, code, *, version=None, accuracy=None, found="this"):
    figures = {} if accuracy is None else {"test_accuracy_after_fine_tune": accuracy}
    return Decided(
        seq=seq, at=AT, by="absorb", arrival_id=arrival_id(manifest_key("digits", str(year), 1)),
        decision=decision, reason_code=code, registry_version=version, figures=figures,
        reason=Reason(object="o", found=found, needed="that", next="n"),
    )  # fmt: skip


def entries(*, last="quarantined", champion_accuracy=0.8):
    broken = story.BROKEN.year
    first = decided(4, 2014, "promoted", "first", version=1, accuracy=0.7)
    second = decided(5, 2015, "promoted", "better", version=2, accuracy=champion_accuracy)
    code = "blob_digest" if last == "quarantined" else "no_gain"
    end = decided(6, broken, last, code, found=f"SHA-256 {'ab' * 32}")
    return [accepted(1, 2014), accepted(2, 2015), accepted(3, broken), first, second, end]


def summary(journal, *, accuracy=0.8):
    champion = Answer(registry_version=2, test_accuracy=accuracy, choices={})
    return Summary(rows=list(follow({}, journal).values()), champion=champion, addresses=ADDRESSES)


def test_rows_follow_the_journal_from_arrival_to_decision():
    rows = follow({}, [accepted(1, 2014), accepted(2, 2015), attempted(3, 2014)])
    assert [(row.source.label, row.status) for row in rows.values()] == [
        ("2014", "absorbing"),
        ("2015", "ready"),
    ]
    rows = follow(rows, [decided(4, 2014, "promoted", "first", accuracy=0.7)])
    first = next(iter(rows.values()))
    assert (first.status, first.accuracy["after_fine_tune"], first.accuracy["before"]) == (
        "promoted",
        0.7,
        None,
    )


def test_the_demo_succeeds_when_all_is_decided_and_the_champion_beats_the_first_target():
    assert summary(entries()).problems() == []


@pytest.mark.parametrize(
    ("journal", "accuracy", "problem"),
    [
        (entries()[:-1], 0.8, "no decision on 2021"),
        (entries(last="rejected"), 0.8, "not quarantined"),
        (entries(), 0.7, "not above the first target's 70.0%"),
        (entries()[:3], 0.8, "not above"),
    ],
)
def test_the_demo_fails_when_one_promise_is_broken(journal, accuracy, problem):
    assert problem in " ".join(summary(journal, accuracy=accuracy).problems())


def test_the_summary_holds_target_champion_and_one_arrival_per_row(tmp_path):
    summary(entries()).write(tmp_path / "summary.json")
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["target"] == story.TARGET
    assert found["champion"]["registry_version"] == 2
    assert [arrival["period"] for arrival in found["arrivals"]] == ["2014", "2015", "2021"]
    for field in ("series", "period", "rev", "decision", "reason", "registry_version", "accuracy"):
        assert field in found["arrivals"][0]
    assert found["arrivals"][1]["accuracy"]["after_fine_tune"] == 0.8


def test_the_table_names_every_decision_with_its_reason_and_shortens_digests(capsys):
    console = Console(width=150)
    summary(entries()).show(console)
    shown = capsys.readouterr().out
    for text in (
        "quarantined",
        "blob_digest",
        "abababababab…",
        "needed",
        "promoted first",
        "version 2 (2015)",
    ):
        assert text in " ".join(shown.replace("│", " ").split())
    assert "ab" * 32 not in shown


def test_plain_output_has_one_line_per_change(capsys):
    view = PlainView(Console(width=150))
    rows = follow({}, [accepted(1, 2014)])
    for now in (rows, rows, follow(rows, [attempted(2, 2014)])):
        view.rows(now)
    assert [line.split("] ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "digits 2014: ready",
        "digits 2014: absorbing",
    ]


def test_an_occupied_port_is_replaced_by_a_free_one():
    with socket.socket() as taken, socket.socket() as everywhere:
        for listener, host in ((taken, HOST), (everywhere, "0.0.0.0")):
            listener.bind((host, 0))
            listener.listen()
        usual = [taken.getsockname()[1], everywhere.getsockname()[1]]
        found = choose_ports([*usual, usual[0]])
    assert len({*found, *usual}) == 5


def test_a_free_usual_port_is_taken():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    assert choose_ports([port]) == [port]


def test_a_second_demo_in_the_same_directory_is_refused(tmp_path):
    with workspace(tmp_path / "d"), pytest.raises(DemoFailed, match="another demo"):
        workspace(tmp_path / "d").__enter__()


def test_every_demo_starts_clean(tmp_path):
    with workspace(tmp_path / "d") as first:
        (first / "prefect").mkdir()
        (first / "prefect" / "prefect.db").write_text("old")
        (first / "summary.json").write_text("old")
    with workspace(tmp_path / "d") as again:
        assert sorted(path.name for path in again.iterdir()) == [LOCK, "logs"]


def test_a_directory_with_somebodys_files_is_never_emptied(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DemoFailed, match="holds files that no demo wrote"), workspace(tmp_path):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_the_demo_deploys_prefect_yaml_with_a_faster_watch():
    theirs = {each["name"]: each for each in yaml.safe_load(PROJECT.read_text())["deployments"]}
    ours = {each["name"]: each for each in yaml.safe_load(hasty(PROJECT.read_text()))["deployments"]}
    assert [each["interval"] for each in ours["watch"]["schedules"]] == [WATCH_INTERVAL_S]
    assert ours.keys() == theirs.keys()
    for name, deployment in ours.items():
        assert deployment["entrypoint"] == theirs[name]["entrypoint"]
        assert deployment["work_pool"] == theirs[name]["work_pool"]


def test_a_persons_own_settings_stay_out_of_the_demo(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example.org/api")
    monkeypatch.setenv("AWS_PROFILE", "work")
    found = environment_of(ADDRESSES, Path("/demo"))
    assert found.keys().isdisjoint({"MLFLOW_TRACKING_TOKEN", "AWS_PROFILE"})
    assert found["PREFECT_API_URL"] == "http://h:3/api"


def test_a_late_period_lies_before_what_was_published_in_time():
    years = [chapter.year for chapter in story.IN_TIME]
    assert len(years) == 6
    assert years == sorted(years)
    assert years[0] < story.LATE.year < years[-1]
    assert isinstance(next(iter(follow({}, entries()).values())), Row)
