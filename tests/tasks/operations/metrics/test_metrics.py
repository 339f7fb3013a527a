"""What Prometheus is told of a bucket: open arrivals by reason, decisions, attempts, champions, the watch."""

import json
import socket
import threading
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from flows.cli.app import app
from flows.cli.targets import metrics as _metrics  # noqa: F401 - registers the command
from tasks.absorbing.decide import break_off, claim
from tasks.contracts.journal import Attempted, RolledBack
from tasks.errors import OperationRefused
from tasks.journal.targets import create_target
from tasks.operations.metrics.endpoint import Endpoint
from tasks.operations.metrics.exposition import text_of
from tasks.operations.metrics.look import Observer
from tests.tasks.conftest import DAY, Bucket


@pytest.fixture
def watched(bucket: Bucket) -> Bucket:
    create(bucket)
    return bucket


def create(bucket: Bucket) -> None:
    bucket.store.put(bucket.target.dataset, b"its data are not looked at")
    create_target(bucket.store, bucket.target)


@pytest.fixture
def observer(bucket: Bucket) -> Observer:
    return Observer(bucket.store, pending_limit=DAY)


def samples(text: str) -> dict[str, float]:
    """Every sample, named as in an expression: metric{label="value"}."""
    return {
        sample.name + json.dumps(dict(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(observer: Observer, name: str, **labels: str) -> float | None:
    every = {"target": "digits-now", **labels} if labels.pop("whole", None) is None else labels
    return samples(text_of(observer.look())).get(name + json.dumps(dict(sorted(every.items()))))


def test_open_arrivals_are_told_by_what_they_wait_for(watched: Bucket, observer: Observer):
    watched.publish("2014", blob=b"one")
    watched.publish("2015", blob=b"two")
    watched.publish("2016", rev=1, blob=b"three")
    watched.publish("2016", rev=2, blob=b"three")
    missing = watched.manifest("2017", blob=b"never uploaded")
    watched.put_manifest("manifests/digits/2017/1.json", missing)
    watched.watch()
    arrival = next(each for each in watched.watch().ready if each.manifest.period.label == "2015")
    claim(watched.journal, watched.target, arrival, flow_run="f")
    break_off(watched.journal, arrival, reason="it broke")

    assert told(observer, "grasp_open_arrivals", reason="ready") == 2
    assert told(observer, "grasp_open_arrivals", reason="twin_first") == 1
    assert told(observer, "grasp_open_arrivals", reason="blob_pending") == 1
    assert told(observer, "grasp_open_arrivals", reason="between_attempts") == 1
    assert told(observer, "grasp_open_arrivals", reason="refused") == 0
    assert told(observer, "grasp_attempts_total") == 1
    assert told(observer, "grasp_open_arrival_oldest_seconds") > 0


def test_what_lies_outside_of_the_window_is_counted_and_grows_no_age(bucket: Bucket):
    bucket.target = bucket.target.model_copy(update={"from_": datetime(2020, 1, 1, tzinfo=UTC).date()})
    create(bucket)
    bucket.publish("2014")
    bucket.watch()
    observer = Observer(bucket.store, pending_limit=DAY)
    assert told(observer, "grasp_open_arrivals", reason="outside_window") == 1
    assert told(observer, "grasp_open_arrival_oldest_seconds") == 0


def test_decisions_absorb_seconds_and_the_champion_are_told(watched: Bucket, observer: Observer):
    first, second = watched.publish("2014", blob=b"one"), watched.publish("2015", blob=b"two")
    watched.watch()
    begin(watched, first)
    watched.absorb(first, version=1, figures={"gate_accuracy": 0.9, "test_accuracy": 0.8})
    watched.absorb(second, decision="rejected", version=2, figures={"gate_accuracy": 0.7})

    assert told(observer, "grasp_decisions", decision="promoted") == 1
    assert told(observer, "grasp_decisions", decision="rejected") == 1
    assert told(observer, "grasp_decisions", decision="quarantined") == 0
    assert told(observer, "grasp_absorb_seconds_count") == 1
    assert told(observer, "grasp_absorb_seconds_bucket", le="+Inf") == 1
    assert told(observer, "grasp_champion_version") == 1
    assert told(observer, "grasp_champion_gate_accuracy") == 0.9
    assert told(observer, "grasp_champion_test_accuracy") == 0.8
    since = told(observer, "grasp_champion_since_timestamp_seconds")
    assert abs(watched.store.clock.timestamp() - since) < 60
    assert told(observer, "grasp_target_behind") == 1  # nothing was ever projected here


def begin(bucket: Bucket, arrival_id: str) -> None:
    """Say that an attempt began a while ago."""

    def think(state, stamp):
        at = stamp.at - timedelta(seconds=70)
        return Attempted(**stamp._asdict() | {"at": at}, arrival_id=arrival_id, n=1, flow_run="f")

    bucket.journal.transact(think)


def test_a_rollback_moves_the_time_since_when_the_champion_serves(watched: Bucket, observer: Observer):
    for number, label in enumerate(("2014", "2015"), start=1):
        watched.absorb(watched.publish(label, blob=label.encode()), version=number)
    before = told(observer, "grasp_champion_since_timestamp_seconds")

    def think(state, stamp):
        later = stamp.at + timedelta(hours=1)
        return RolledBack(**stamp._asdict() | {"at": later}, registry_version=1, reason="r")

    watched.journal.transact(think)
    assert told(observer, "grasp_champion_version") == 1
    assert told(observer, "grasp_champion_since_timestamp_seconds") > before + 3000


def test_a_second_look_counts_only_what_came_since(watched: Bucket, observer: Observer):
    watched.absorb(watched.publish("2014", blob=b"one"))
    observer.look()
    second = watched.publish("2015", blob=b"two")
    watched.watch()
    begin(watched, second)
    (facts,) = observer.look().targets
    (again,) = observer.look().targets
    assert (facts.history.attempts, again.history.attempts) == (1, 1)


def test_a_target_that_cannot_be_read_is_counted_and_hides_no_other(watched: Bucket, observer: Observer):
    watched.store.put("targets/broken/target.json", b"{}")
    facts = observer.look()
    assert (facts.unreadable, [target.name for target in facts.targets]) == (1, ["digits-now"])


def test_a_bucket_that_is_away_is_told_so(watched: Bucket, moto):
    gone = Observer(moto.store("no-such-bucket-here"), pending_limit=DAY)
    assert told(gone, "grasp_bucket_up", whole="") == 0


def test_a_prefect_that_is_away_is_told_so_and_the_watch_is_not(watched, observer, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert told(observer, "grasp_prefect_up", whole="") == 0
    assert told(observer, "grasp_watch_last_end_timestamp_seconds", whole="") is None


def test_the_endpoint_serves_the_newest_look(watched: Bucket, observer: Observer):
    watched.publish("2014")
    watched.watch()
    stop = threading.Event()
    with Endpoint(observer, host="127.0.0.1", port=0) as endpoint:
        stop.set()
        endpoint.follow(stop, every_s=1)
        with urllib.request.urlopen(endpoint.address) as answer:
            found = samples(answer.read().decode())
    assert found['grasp_open_arrivals{"reason": "ready", "target": "digits-now"}'] == 1


@pytest.fixture
def configured(watched: Bucket, monkeypatch: pytest.MonkeyPatch, moto):
    settings = moto.settings(watched.store.bucket)
    monkeypatch.setenv("GRASP_BUCKET", watched.store.bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", settings.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", settings.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", settings.secret_access_key.get_secret_value())


@pytest.mark.usefixtures("configured")
def test_the_command_prints_what_prometheus_reads():
    done = CliRunner().invoke(app, ["metrics"])
    assert samples(done.output)["grasp_bucket_up{}"] == 1


@pytest.mark.usefixtures("configured")
def test_a_port_that_is_taken_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = CliRunner().invoke(app, ["metrics", "--port", str(port)])
    assert isinstance(refused.exception, OperationRefused)
    said = f"127.0.0.1:{port}: cannot listen there (Address already in use); needs an address of this machine"
    assert str(refused.exception).startswith(said)
