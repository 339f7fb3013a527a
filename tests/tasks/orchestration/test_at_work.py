"""Who is at work is asked of Prefect by plain requests; one that is away is said, and holds up nothing."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tasks.orchestration.at_work import Orchestrator
from tests.servers.threads import in_background

RUN = {
    "id": "r1",
    "name": "absorb-t",
    "tags": ["target:t"],
    "parameters": {},
    "start_time": "2026-11-25T20:00:00Z",
    "infrastructure_pid": "gpu-1:4711",
}
ANSWERS = {
    "/api/flow_runs/filter": [RUN, RUN | {"id": "r2", "tags": [], "parameters": {"target": "other"}}],
    "/api/task_runs/filter": [{"name": "absorb digits 2015 r1 into t"}],
    "/api/flows/filter": [{"id": "f1"}],
    "/api/deployments/filter": [],
    "/api/artifacts/filter": [{"description": "digits 2015 r1: epoch 3 of 5, val accuracy 0.5"}],
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """A Prefect that wants a token and a login, and gives what a test says."""
    answers = dict(ANSWERS)

    class Prefect(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send({"token": "tok"})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            may = self.headers.get("Prefect-Csrf-Token") == "tok" and "Authorization" in self.headers
            if may:
                said = answers[self.path]
                self._send(said(asked) if callable(said) else said)
            else:
                self.send_error(403)

        def _send(self, said: object) -> None:
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Prefect)
    in_background(server)
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_port}/api")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "team:pass-word")
    yield answers
    server.shutdown()
    server.server_close()


def test_source_step_epoch_since_when_and_worker_are_told(server: dict):
    orchestrator = Orchestrator()
    (run,) = orchestrator.at_work("t")
    assert (run.doing, run.worker, run.flow) == ("absorb digits 2015 r1 into t", "gpu-1", "absorb-t")
    assert run.progress == "digits 2015 r1: epoch 3 of 5, val accuracy 0.5"
    assert f"{run.since:%H:%M}" == "20:00"
    assert [each.flow_run for each in orchestrator.at_work("other")] == ["r2"]
    assert orchestrator.at_work("nobody") == ()


def test_the_progress_of_a_source_before_is_not_told_of_this_one(server: dict):
    server["/api/artifacts/filter"] = [{"description": "digits 2014 r1: epoch 5 of 5"}]
    (run,) = Orchestrator().at_work("t")
    assert run.progress is None


@pytest.mark.parametrize(("percent", "shown"), [(60, True), (100, False)])
def test_with_its_step_unknown_a_fine_tune_is_told_until_it_is_done(
    server: dict, percent: float, shown: bool
):
    server["/api/task_runs/filter"] = []
    server["/api/artifacts/filter"] = [{"description": "digits 2015 r1: epoch 3 of 5", "data": percent}]
    (run,) = Orchestrator().at_work("t")
    assert (run.progress is not None, run.doing) == (shown, None)


def test_a_prefect_that_refuses_or_is_away_is_said(server: dict, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PREFECT_API_AUTH_STRING")
    refused = Orchestrator()
    assert refused.at_work("t") == ()
    assert "answered 403" in refused.away
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    away = Orchestrator()
    assert away.at_work("t") == ()
    assert "ConnectionError" in away.away


def test_without_an_address_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    none = Orchestrator()
    assert none.at_work("t") == ()
    assert none.away == ""  # who has no Prefect is not warned of it


def test_when_a_watch_last_ended_is_told(server: dict):
    server["/api/flow_runs/filter"] = [{"end_time": "2026-11-25T20:00:30Z"}]
    assert f"{Orchestrator().last_watch():%H:%M:%S}" == "20:00:30"
    server["/api/flow_runs/filter"] = []
    never = Orchestrator()
    assert (never.last_watch(), never.away) == (None, "")


def test_of_watches_that_share_the_targets_the_most_silent_one_counts(server: dict):
    server["/api/deployments/filter"] = [{"id": "d1"}, {"id": "d2"}]
    ended = {"d1": [{"end_time": "2026-11-25T20:00:30Z"}], "d2": [{"end_time": "2026-11-25T19:00:00Z"}]}
    server["/api/flow_runs/filter"] = lambda asked: ended[asked["deployments"]["id"]["any_"][0]]
    assert f"{Orchestrator().last_watch():%H:%M}" == "19:00"
    ended["d1"] = []
    assert Orchestrator().last_watch() is None


def test_the_page_of_all_absorbs_is_found_where_the_pages_lie_beside_the_api(server: dict):
    page = Orchestrator().absorb_page()
    assert page is not None
    assert page.endswith("/flows/flow/f1")
    assert "/api" not in page
    server["/api/flows/filter"] = []
    assert Orchestrator().absorb_page() is None
    assert Orchestrator("http://127.0.0.1:9/elsewhere").absorb_page() is None
