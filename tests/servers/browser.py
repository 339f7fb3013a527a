"""A headless Chromium for the tests that look at the web UIs."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
# A browser that has been here before: without the assistant beside every page of MLflow's.
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
def shoot(page, tmp_path: Path) -> Callable[[str], None]:
    """Keep a picture of the page, once it stopped moving; SCREENSHOTS=docs/ui keeps it there."""
    directory = Path(os.environ.get("SCREENSHOTS") or tmp_path)

    def shoot(name: str) -> None:
        page.wait_for_timeout(2500)
        page.screenshot(path=directory / f"{name}.png")

    return shoot
