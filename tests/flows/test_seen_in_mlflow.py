"""What a person sees of a target in MLflow's pages, in a browser, is what the API says.

SCREENSHOTS=docs/ui keeps the pictures of docs/ui.md there.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from flows.absorb import absorb
from tasks import pages
from tasks.contracts.target import GateSettings
from tasks.experiments import experiment_of, runs_of
from tasks.mlflow_api import connect
from tests.flows.conftest import World

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
# A browser that has been here before: without the assistant beside every page.
BEEN_HERE = """try {
  localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');
  localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
} catch (e) {}"""


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator:
    """A page of a headless Chromium that knows nothing of this machine's user."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(BEEN_HERE)
        page = context.new_page()
        page.set_default_timeout(90_000)
        yield page
        browser.close()


@pytest.fixture
def shoot(page, tmp_path: Path):
    """Keep a picture of the page, once it stopped moving."""
    directory = Path(os.environ.get("SCREENSHOTS") or tmp_path)

    def shoot(name: str) -> None:
        page.wait_for_timeout(2500)
        page.screenshot(path=directory / f"{name}.png")

    return shoot


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return connect(mlflow_server.uri)


@pytest.fixture
def absorbed(world: World, client: MlflowClient) -> dict[str, Run]:
    """A target that took three sources; its runs in MLflow by name."""
    world.replace_target(gate=GateSettings(policy="non_inferior"))
    for number, year in ((1, 2011), (2, 2012), (4, 2014)):
        world.publish(number, year=year)
    absorb(world.target.name)
    found = runs_of(client, experiment_of(client, world.target.name), "")
    return {run.info.run_name: run for run in found}


def test_pages_show_what_the_api_says(
    world: World, client: MlflowClient, absorbed: dict[str, Run], mlflow_server, page, shoot
):
    uri, target = mlflow_server.uri, world.target.name
    experiment = experiment_of(client, target)
    rows = {name: run for name, run in absorbed.items() if name.startswith("absorb/")}
    assert sorted(rows) == ["absorb/0001/2011", "absorb/0002/2012", "absorb/0003/2014"]

    def visit(address: str) -> None:
        page.goto("about:blank")  # addresses differ behind the # only, which loads nothing anew
        page.goto(address)

    # one row per source, sorted by accuracy, on the "Model training" pages
    visit(pages.runs_page(uri, experiment))
    page.get_by_text("absorb/0001/2011").wait_for()
    page.get_by_text("Sort: gate_accuracy").wait_for()
    shown = [name for name in page.inner_text("body").splitlines() if name in absorbed]
    accuracies = [absorbed[name].data.metrics["gate_accuracy"] for name in shown]
    assert set(shown) == set(absorbed)
    assert accuracies == sorted(accuracies, reverse=True)
    shoot("runs")

    # a source: its figures, decision and note
    run = rows["absorb/0003/2014"]
    visit(pages.run_page(uri, experiment, run.info.run_id))
    page.get_by_text("test_accuracy", exact=True).wait_for()
    lines = page.inner_text("body").split("\n")
    for name in ("gate_accuracy", "test_accuracy", "transferred_fraction"):
        assert float(lines[lines.index(name) + 1]) == run.data.metrics[name]
    assert any(line.startswith(f"{run.data.tags['decision']} as version") for line in lines)
    shoot("run")

    # its alignment by layer, its confusion matrix
    for picture in ("alignment", "confusion"):
        visit(pages.run_page(uri, experiment, run.info.run_id, tab=f"artifacts/{picture}.png"))
        page.get_by_text(f"artifacts/{picture}.png").wait_for()
        shoot(picture)

    # the lineage: one chart of accuracies over sources
    lineage = absorbed["lineage/main"].info.run_id
    visit(pages.run_page(uri, experiment, lineage, tab="model-metrics"))
    page.get_by_text("lineage/main (gate_accuracy)").first.wait_for()
    assert len(client.get_metric_history(lineage, "gate_accuracy")) == 3
    shoot("lineage")

    # the registered model: aliases, tags
    visit(pages.model_page(uri, target))
    page.get_by_text("@ champion").wait_for()
    body = page.inner_text("body")
    state = world.journal.state()
    assert f"Version {state.champion}" in body
    tags = client.get_model_version(target, str(state.champion)).tags
    for name in ("decision", "gate_accuracy", "test_accuracy", "period"):
        assert f"{name}\n: {tags[name]}\n" in body
    shoot("model")

    # two versions side by side
    versions = {int(v.version): str(v.run_id) for v in client.search_model_versions(f"name = '{target}'")}
    first, last = min(versions), max(versions)
    visit(pages.compare_page(uri, target, {first: versions[first], last: versions[last]}))
    page.get_by_text("Comparing 2 Versions").first.wait_for()
    page.get_by_text("gate_accuracy_after_fine_tune", exact=True).first.wait_for()
    body = page.inner_text("body")
    assert "Show diff only" in body
    assert versions[first] in body
    assert versions[last] in body
    shoot("compare")
