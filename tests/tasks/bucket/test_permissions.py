"""The documented policies, applied to a server that enforces them: each part can do its work and no more."""

import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from tasks.arrivals.refuse import refuse_arrival
from tasks.arrivals.triage import triage
from tasks.bucket.probe import probe
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.manifest import Manifest
from tasks.errors import AlreadyThere, BadArrival, StoreRefused
from tasks.journal.log import Journal
from tasks.publishing.publish import publish, weights_of
from tasks.weights.intake import take_in
from tests.tasks.arrivals.bad_arrivals import good
from tests.tasks.conftest import Bucket

POLICIES = Path(__file__).parents[3] / "deployments" / "policies"
pytestmark = pytest.mark.integration


def statements(policy: str, bucket: str, user: str) -> list[dict]:
    text = (POLICIES / f"{policy}.json").read_text().replace("BUCKET", bucket).replace("SERIES", "digits")
    return [
        each | {"Principal": {"AWS": [f"arn:aws:iam:::user/{user}"]}, "Sid": f"{user}{number}"}
        for number, each in enumerate(json.loads(text)["Statement"])
    ]


class Parts:
    """A bucket with its owner, publisher, pipeline, operator and who tidies up, each with keys of its own."""

    def __init__(self, rgw) -> None:
        self._rgw = rgw
        self.owner = rgw.store()
        name = self.owner.bucket
        names = ("publisher", "pipeline", "operator", "tidier")
        users = {part: f"{part}-{uuid.uuid4().hex[:8]}" for part in names}
        granted = [
            *statements("publisher", name, users["publisher"]),
            *statements("pipeline", name, users["pipeline"]),
            *statements("pipeline", name, users["operator"]),
            *statements("operator", name, users["operator"]),
            *statements("housekeeping", name, users["tidier"]),
        ]
        for number, each in enumerate(granted):
            each["Sid"] = f"s{number}"
        self.publisher, self.pipeline, self.operator, self.tidier = map(self._connect, users.values())
        policy = json.dumps({"Version": "2012-10-17", "Statement": granted})
        self.owner._client.put_bucket_policy(Bucket=name, Policy=policy)

    def _connect(self, user: str) -> Store:
        self._rgw.add_user(user)
        return self._rgw.store(self.owner.bucket, access_key_id=user, secret_access_key=f"secret-{user}")


@pytest.fixture(scope="module")
def parts(rgw) -> Parts:
    return Parts(rgw)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    (tmp_path / "w.safetensors").write_bytes(good())
    return tmp_path / "w.safetensors"


def manifest(parts: Parts, file: Path, label: str, **changes: object) -> Manifest:
    fields = Bucket(parts.owner).manifest(label, **changes) | {"weights": weights_of(file).model_dump()}
    return Manifest.model_validate_json(json.dumps(fields))


def test_a_publisher_publishes_without_the_right_to_look_around(parts: Parts, file: Path):
    described = manifest(parts, file, "2014")
    assert publish(parts.publisher, file, manifest=described).new
    assert parts.pipeline.get(described.weights.key).body == good()
    assert len(list(parts.owner.list(keys.NOTICES))) == 1
    again = manifest(parts, file, "2015")  # the same blob
    assert publish(parts.publisher, file, manifest=again).new


def test_a_publisher_publishes_the_same_again_and_is_told(parts: Parts, file: Path):
    described = manifest(parts, file, "2018")
    assert publish(parts.publisher, file, manifest=described).new
    assert not publish(parts.publisher, file, manifest=manifest(parts, file, "2018", publisher="me")).new


def test_a_publisher_who_finds_another_source_overwrites_nothing(parts: Parts, file: Path):
    described = manifest(parts, file, "2017")
    parts.owner.put(described.weights.key, good())
    parts.owner.put(described.key, b"of another publisher")
    with pytest.raises(AlreadyThere, match="rev 2"):
        publish(parts.publisher, file, manifest=described)
    assert parts.owner.get(described.key).body == b"of another publisher"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda store: store.put("journal/digits-now/000000000001.json", b"{}"),
        lambda store: store.put("journal/digits-now/state.json", b"{}"),
        lambda store: store.put("targets/digits-now/target.json", b"{}"),
        lambda store: store.put(f"datasets/digits/{'0' * 64}/dataset.json", b"{}"),
        lambda store: store.put("manifests/other/2014/1.json", b"{}"),
        lambda store: store.put("anything", b""),
        lambda store: list(store.list("manifests/")),
        lambda store: list(store.list("journal/")),
        lambda store: store.get("probe-object"),
        lambda store: store.get("manifests/other/2014/1.json"),
        lambda store: store.get("manifests/digits"),
        lambda store: store.get(keys.blob_key("0" * 64)),
        lambda store: store.get("journal/other/000000000001.json"),
        lambda store: list(store.list("manifests/digits/")),
        lambda store: store.delete("manifests/digits/2014/1.json"),
        lambda store: store.delete(keys.blob_key("0" * 64)),
    ],
)
def test_a_publisher_can_do_nothing_else(parts: Parts, attempt):
    for key in ("probe-object", "manifests/other/2014/1.json", "manifests/digits", keys.blob_key("0" * 64)):
        parts.owner.put(key, b"x")
    parts.owner.put("journal/other/000000000001.json", b"{}")
    with pytest.raises(StoreRefused, match="403"):
        attempt(parts.publisher)


def test_the_pipeline_does_its_work(parts: Parts, file: Path, tmp_path: Path):
    probe(parts.pipeline, parts._rgw.settings(parts.owner.bucket))
    described = manifest(parts, file, "2016")
    publish(parts.publisher, file, manifest=described)
    bad = Bucket(parts.owner).put_manifest("manifests/digits/1999/1.json", b"junk")
    target = Bucket(parts.owner).target
    journal = Journal(parts.pipeline, target.name, by="pipeline")
    found = triage(parts.pipeline, target, journal, pending_limit=timedelta(hours=1))
    (ready,) = [each for each in found.ready if each.manifest.period.label == "2016"]
    take_in(parts.pipeline, ready.manifest.weights, target.architecture, cache_dir=tmp_path)
    refuse_arrival(journal, ready.id, BadArrival("loss", object="o", found="f", needed="n"))
    assert {ready.id, bad} <= set(Journal(parts.pipeline, target.name, by="x").state().closed)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda store: store.put("manifests/digits/2020/1.json", b"{}"),
        lambda store: store.put(keys.blob_key("0" * 64), b"{}"),
        lambda store: store.put("targets/digits-now/target.json", b"{}"),
        lambda store: store.put(f"datasets/digits/{'0' * 64}/dataset.json", b"{}"),
        lambda store: store.delete("manifests/digits/2014/1.json"),
        lambda store: store.delete("journal/digits-now/000000000001.json"),
        lambda store: store.delete("targets/digits-now/target.json"),
    ],
)
def test_the_pipeline_neither_publishes_nor_changes_targets_nor_deletes(parts: Parts, attempt):
    with pytest.raises(StoreRefused, match="403"):
        attempt(parts.pipeline)


def test_an_operator_creates_targets_and_data_but_deletes_nothing(parts: Parts):
    parts.operator.create(f"targets/t-{uuid.uuid4().hex[:8]}/target.json", b"{}")
    parts.operator.create(f"datasets/d/{'1' * 64}/dataset.json", b"{}")
    with pytest.raises(StoreRefused):
        parts.operator.delete(f"datasets/d/{'1' * 64}/dataset.json")


def test_who_tidies_up_deletes_blobs_targets_and_journals_and_nothing_else(parts: Parts):
    kept = [f"manifests/digits/{uuid.uuid4().hex}/1.json", f"datasets/d/{'2' * 64}/dataset.json"]
    gone = [f"{prefix}/{uuid.uuid4().hex}" for prefix in ("blobs/sha256", "targets/t", "journal/t")]
    for key in (*kept, *gone):
        parts.owner.put(key, b"x")
    for key in gone:
        parts.tidier.delete(key)
        assert parts.owner.head(key) is None
    for key in kept:
        with pytest.raises(StoreRefused):
            parts.tidier.delete(key)


def test_every_policy_is_a_document_of_the_folder():
    assert sorted(path.stem for path in POLICIES.glob("*.json")) == [
        "housekeeping",
        "operator",
        "pipeline",
        "publisher",
        "publisher-create-only",
    ]
    for path in POLICIES.glob("*.json"):
        assert all("BUCKET" in str(each["Resource"]) for each in json.loads(path.read_text())["Statement"])
