"""What a person sees in MLflow's pages after a demo, in a browser, is what the API says.

SCREENSHOTS=docs/ui keeps the pictures of docs/operations/ui.md there.
"""

import re
from collections.abc import Iterator

import pytest
from mlflow.entities import Run

from tasks.tracking.api import connect
from tasks.tracking.experiments import experiment_of, runs_of
from tasks.tracking.pages import COLUMNS, lineages_page, model_page, picture_page, runs_page
from tasks.tracking.runs import log_lineage_point
from tests.flows.demo import mlflow_pages
from tests.flows.demo.demo_runs import DemoRun
from tests.servers.browser import CHROMIUM
from tests.servers.fixtures import mlflow_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


# What a chart draws: its lines by name, the title of its axis, how many points a person sees.
DRAWN = """chart => ({
  ...Object.fromEntries(chart.data.map(line => [line.name, line.y])),
  title: chart.layout.xaxis.title.text,
  points: chart.querySelectorAll('.point').length,
})"""


@pytest.fixture
def uri(demo: DemoRun) -> Iterator[str]:
    """An MLflow server on what the demo logged."""
    assert demo.exit_code == 0, demo.output.read_text()
    with mlflow_of(demo.directory / "mlflow") as server:
        yield server.uri


def test_pages_show_what_the_api_says(demo: DemoRun, uri: str, page, shoot):
    target, client = demo.summary["target"], connect(uri)
    experiment = experiment_of(client, target)
    absorbed: dict[str, Run] = {run.info.run_name: run for run in runs_of(client, experiment, "")}
    rows = {name.split("/")[-1]: run for name, run in absorbed.items() if name.startswith("absorb/")}
    taken = [each["period"] for each in demo.summary["arrivals"] if each["decision"] != "quarantined"]
    assert sorted(rows) == sorted(taken)

    def visit(address: str) -> None:
        page.goto("about:blank")  # addresses differ behind the # only, which loads nothing anew
        page.goto(address)

    # the saved view that we link to: a row for every decision, what matters first on a usual screen
    visit(runs_page(uri, experiment))
    page.get_by_text("quarantined/").first.wait_for()
    header = page.locator(".ag-header-cell")
    cells = header.evaluate_all(
        "all => all.map(c => [c.getBoundingClientRect().x, c.getAttribute('col-id')])"
    )
    drawn = [column for _, column in sorted(cells)]
    first = list(COLUMNS)[:4]
    assert [column for column in drawn if column in COLUMNS][:4] == first, drawn
    assert "lineage/main" not in page.inner_text("body")
    shoot("runs")

    # one row per source, sorted by accuracy, on the "Model training" pages
    visit(mlflow_pages.runs_page(uri, experiment))
    page.get_by_text("absorb/0001/2014").wait_for()
    page.get_by_text("Sort: gate_accuracy").wait_for()
    shown = [name for name in page.inner_text("body").splitlines() if name in absorbed]
    found = [absorbed[name].data.metrics.get("gate_accuracy", -1.0) for name in shown]
    assert set(shown) == set(absorbed)
    assert found == sorted(found, reverse=True)  # those that made no model stand last

    # a source: its figures, decision and note
    champion = demo.summary["champion"]["registry_version"]
    run = next(run for run in rows.values() if run.data.tags["registry_version"] == str(champion))
    visit(mlflow_pages.run_page(uri, experiment, run.info.run_id))
    page.get_by_text("test_accuracy", exact=True).wait_for()
    lines = page.inner_text("body").split("\n")
    for name in ("gate_accuracy", "test_accuracy", "transferred_fraction"):
        assert float(lines[lines.index(name) + 1]) == run.data.metrics[name]
    assert any(line.startswith(f"{run.data.tags['decision']} as version") for line in lines)
    shoot("run")

    # its alignment by layer, its confusion matrix
    for picture in ("alignment", "confusion"):
        visit(mlflow_pages.run_page(uri, experiment, run.info.run_id, tab=f"artifacts/{picture}.png"))
        page.get_by_text(f"artifacts/{picture}.png").wait_for()
        shoot(picture)

    # the lineage: one chart of accuracies over sources
    lineage = absorbed["lineage/main"].info.run_id
    visit(mlflow_pages.run_page(uri, experiment, lineage, tab="model-metrics"))
    page.get_by_text("lineage/main (gate_accuracy)").first.wait_for()
    points = client.get_metric_history(lineage, "gate_accuracy")
    made = [run.data.metrics["gate_accuracy"] for run in rows.values() if "gate_accuracy" in run.data.metrics]
    assert {point.value for point in points} == set(made)
    assert len(points) == len(made)
    shoot("lineage")

    # what is marked on it
    visit(picture_page(uri, experiment, lineage))
    page.locator("img[src^='blob:'], .image-container, canvas, img[alt*='lineage']").first.wait_for()
    shoot("marked")

    # two lineages over each other: what is drawn is what was logged
    beside = "backfill-2014-3f0c"
    for index, point in enumerate(points[:3], start=1):
        log_lineage_point(
            client, target, lineage=beside, index=index, gate_accuracy=point.value / 2, test_accuracy=0.5
        )
    visit(lineages_page(uri, experiment))
    page.locator(".js-plotly-plot .point").nth(len(points) + 2).wait_for()
    lines = page.locator(".js-plotly-plot").first.evaluate(DRAWN)
    assert lines["title"] == "Step"
    assert lines["lineage/main"] == [point.value for point in points]
    assert lines[f"lineage/{beside}"] == [point.value / 2 for point in points[:3]]
    assert lines["points"] == len(points) + 3
    shoot("lineages")

    # the registered model: its champion, its history, links, aliases, tags
    visit(model_page(uri, target))
    page.get_by_text("@ champion").wait_for()
    body = page.inner_text("body")
    assert f"Champion: version {champion}" in body
    assert body.count("quarantined") == 1
    links = page.locator("a").evaluate_all("all => all.map(a => a.href)")
    for address in (runs_page, lineages_page):
        shared = address("", experiment).partition("viewStateShareKey=")[2].partition("&")[0]
        assert any(f"viewStateShareKey={shared}" in link for link in links)
    tags = client.get_model_version(target, str(champion)).tags
    for name in ("decision", "gate_accuracy", "test_accuracy", "period"):
        assert f"{name}\n: {tags[name]}\n" in body
    shoot("model")

    # two versions side by side: tick both, Compare
    versions = {int(v.version): str(v.run_id) for v in client.search_model_versions(f"name = '{target}'")}
    first, last = min(versions), max(versions)
    for version in (first, last):
        link = page.get_by_role("link", name=f"Version {version}", exact=True)
        page.get_by_role("row").filter(has=link).locator("input[type=checkbox]").click(force=True)
    page.get_by_test_id("compareButton").click()
    page.get_by_text("Comparing 2 Versions").first.wait_for()
    page.get_by_text("gate_accuracy_after_fine_tune", exact=True).first.wait_for()
    body = page.inner_text("body")
    assert versions[first] in body
    assert versions[last] in body
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", body)]  # the page rounds
    for version in (first, last):
        needed = client.get_run(versions[version]).data.metrics["gate_accuracy_after_fine_tune"]
        assert min(abs(number - needed) for number in numbers) < 1e-3
    shoot("compare")
