"""One live version per unit, bytes that are what was logged, and aliases that follow the journal."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tasks.arrivals.unit import Unit
from tasks.candidates.candidate import Candidate
from tasks.contracts.journal import Decided
from tasks.contracts.target import Target
from tasks.errors import NotThere, StoredDiffers
from tasks.journal.ancestry import Ancestor
from tasks.registry.aside import set_aside_others
from tasks.registry.registry import aliases, find_version, register, set_aliases
from tasks.registry.stored import ModelDigests, fetch_version, verify_stored
from tasks.registry.tags import tag_damaged, tag_decision, tag_duplicate
from tasks.tracking.logged import Logged, log_outcome
from tasks.tracking.runs import open_run

pytestmark = pytest.mark.integration


@pytest.fixture
def log(client: MlflowClient, unit: Unit, target: Target, downloads: Path) -> Callable[..., Logged]:
    def log(candidate: Candidate, ancestors: tuple[Ancestor, ...] = ()) -> Logged:
        run_id = open_run(client, unit, target=target, flow_run="flow", device="cpu")
        return log_outcome(
            client,
            run_id,
            candidate,
            unit=unit,
            target=target,
            ancestors=ancestors,
            device="cpu",
            scratch=downloads,
        )

    return log


@pytest.fixture
def logged(log: Callable[..., Logged], candidate: Candidate) -> Logged:
    return log(candidate)


@pytest.fixture
def version(client: MlflowClient, unit: Unit, logged: Logged) -> int:
    return register(client, logged, unit=unit)


FOR_PEOPLE = (
    "decision",
    "reason",
    "period",
    "gate_accuracy",
    "test_accuracy",
    "parent_version",
    "transferred",
    "series",
)
FOR_CODE = ("lineage", "arrival_id", "unit", "served_sha256", "stem_sha256")


def digests(candidate: Candidate) -> ModelDigests:
    return ModelDigests(served=candidate.files.served_sha256, stem=candidate.files.stem_sha256)


def all_versions(client: MlflowClient, target: Target) -> list[int]:
    return sorted(int(v.version) for v in client.search_model_versions(f"name = '{target.name}'"))


def test_a_version_says_where_it_comes_from(client: MlflowClient, target: Target, version: int, unit: Unit):
    tags = client.get_model_version(target.name, str(version)).tags
    assert set(tags) == {*FOR_PEOPLE, *FOR_CODE}
    assert len(FOR_PEOPLE) <= 8
    assert (tags["series"], tags["period"], tags["decision"]) == ("digits", "2014-q3", "candidate")
    assert 0 <= float(tags["gate_accuracy"]) <= 1


def test_what_a_version_was_computed_from_is_in_the_parameters_of_its_model(
    client: MlflowClient, target: Target, version: int, unit: Unit
):
    model_id = client.get_model_version(target.name, str(version)).source.removeprefix("models:/")
    params = client.get_logged_model(model_id).params
    assert params["source_sha256"] == unit.source.weights_sha256
    assert (params["config_digest"], params["data_digest"]) == (unit.digests.config, unit.digests.data)
    assert (params["index"], params["rev"]) == ("7", "1")


def test_a_versions_description_is_one_sentence(client: MlflowClient, target: Target, version: int):
    said = client.get_model_version(target.name, str(version)).description
    assert said.startswith("digits 2014-q3 r1, as the first target: candidate with gate accuracy")
    assert (said.count("\n"), said[-1]) == (0, ".")


def test_registering_again_finds_the_version(
    client: MlflowClient, unit: Unit, target: Target, logged: Logged, version: int
):
    assert register(client, logged, unit=unit) == version
    assert find_version(client, unit) == version
    assert all_versions(client, target) == [version]


@pytest.mark.parametrize(
    "other", [{"lineage": "backfill-1"}, {"arrival_id": "e" * 64}, {"parent_version": 9}]
)
def test_the_version_of_another_unit_is_not_found(
    client: MlflowClient, unit: Unit, version: int, other: dict
):
    assert find_version(client, replace(unit, **other)) is None


class SentTwice:
    """A client whose request to create a version is repeated by the network."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def __getattr__(self, name: str):
        return getattr(self._client, name)

    def create_model_version(self, *args, **kwargs):
        self._client.create_model_version(*args, **kwargs)
        return self._client.create_model_version(*args, **kwargs)


def test_a_request_that_was_sent_twice_leaves_one_live_version(
    client: MlflowClient, unit: Unit, target: Target, logged: Logged
):
    assert register(SentTwice(client), logged, unit=unit) == 1
    assert all_versions(client, target) == [1, 2]
    assert client.get_model_version(target.name, "2").tags["duplicate_of"] == "1"
    assert find_version(client, unit) == 1


def test_rivals_with_equal_weights_share_a_version(
    client: MlflowClient, unit: Unit, log: Callable[..., Logged], candidate: Candidate
):
    first, second = log(candidate), log(candidate)
    assert first.outcome.model_id != second.outcome.model_id
    assert register(client, first, unit=unit) == register(client, second, unit=unit)


def test_a_rivals_other_weights_are_another_version_until_it_is_set_aside(
    client: MlflowClient,
    unit: Unit,
    target: Target,
    log: Callable[..., Logged],
    candidate: Candidate,
    make_candidate: Callable[[int], Candidate],
):
    lost = register(client, log(candidate), unit=unit)
    won = register(client, log(make_candidate(1)), unit=unit)
    assert (lost, won) == (1, 2)
    tag_duplicate(client, target.name, version=lost, of=won)
    assert find_version(client, unit) == won


def test_a_decision_is_written_on_its_version(
    client: MlflowClient, target: Target, version: int, decided: Decided
):
    for _ in range(2):
        tag_decision(client, target.name, version=version, decided=decided)
    tags = client.get_model_version(target.name, str(version)).tags
    assert tags["decision"] == "promoted"
    assert tags["reason"].startswith("first: ")


def test_stored_bytes_are_those_that_were_logged(
    client: MlflowClient, target: Target, version: int, candidate: Candidate, downloads: Path
):
    verify_stored(client, target.name, version=version, expected=digests(candidate), scratch=downloads)


@pytest.mark.parametrize("file", ["served.safetensors", "stem.safetensors"])
def test_a_file_that_changed_in_the_store_is_found(
    client: MlflowClient,
    target: Target,
    logged: Logged,
    version: int,
    candidate: Candidate,
    file: str,
    downloads: Path,
):
    (downloads / file).write_bytes(candidate.files.served.read_bytes()[:-1] + b"x")
    client.log_model_artifact(logged.outcome.model_id, str(downloads / file), "data")
    with pytest.raises(StoredDiffers, match=file):
        verify_stored(client, target.name, version=version, expected=digests(candidate), scratch=downloads)


def test_a_damaged_version_is_registered_anew(
    client: MlflowClient, unit: Unit, target: Target, logged: Logged, version: int
):
    tag_damaged(client, target.name, version=version, reason="its bytes changed")
    assert find_version(client, unit) is None
    assert register(client, logged, unit=unit) == version + 1


def test_a_stem_that_should_be_there_is_missed(
    client: MlflowClient,
    target: Target,
    log: Callable[..., Logged],
    unit: Unit,
    candidate: Candidate,
    downloads: Path,
):
    files = replace(candidate.files, stem=None, stem_sha256=None)
    version = register(client, log(replace(candidate, files=files)), unit=unit)
    verify_stored(
        client,
        target.name,
        version=version,
        expected=replace(digests(candidate), stem=None),
        scratch=downloads,
    )
    with pytest.raises(StoredDiffers, match="no file"):
        verify_stored(client, target.name, version=version, expected=digests(candidate), scratch=downloads)


def test_a_fetched_version_explains_itself(
    client: MlflowClient,
    unit: Unit,
    target: Target,
    log: Callable[..., Logged],
    candidate: Candidate,
    downloads: Path,
):
    parent = Ancestor(index=6, source=unit.source, choice="first", alpha=None)
    version = register(client, log(candidate, (parent,)), unit=unit)
    files = fetch_version(
        client, target.name, version=version, directory=downloads, expected=digests(candidate)
    )
    assert files.served.read_bytes() == candidate.files.served.read_bytes()
    assert files.stem.read_bytes() == candidate.files.stem.read_bytes()
    assert files.signature.classes == target.classes
    assert [ancestor.index for ancestor in files.ancestors] == [6, 7]


def test_what_is_gone_is_not_there(
    client: MlflowClient, mlflow_server, target: Target, logged: Logged, version: int, downloads: Path
):
    with pytest.raises(NotThere, match="version 99"):
        fetch_version(client, target.name, version=99, directory=downloads)
    (model,) = mlflow_server.artifacts.rglob(logged.outcome.model_id)
    shutil.rmtree(model)
    with pytest.raises(NotThere, match=f"version {version}"):
        fetch_version(client, target.name, version=version, directory=downloads)


def test_aliases_are_written_only_where_they_differ(
    client: MlflowClient, target: Target, version: int, unit: Unit, logged: Logged
):
    name = target.name
    assert aliases(client, name) == {}
    assert set_aliases(client, name, champion=version, previous=None)
    assert not set_aliases(client, name, champion=version, previous=None)
    tag_duplicate(client, name, version=version, of=2)
    second = register(client, logged, unit=unit)
    assert set_aliases(client, name, champion=second, previous=version)
    assert aliases(client, name) == {"champion": second, "previous": version}
    assert set_aliases(client, name, champion=version, previous=None)
    assert aliases(client, name) == {"champion": version}


class Recorded:
    """A client that remembers which aliases were set, in order."""

    def __init__(self, client: MlflowClient) -> None:
        self._client, self.order = client, []

    def __getattr__(self, name: str):
        return getattr(self._client, name)

    def set_registered_model_alias(self, target: str, alias: str, version: str) -> None:
        self.order.append(alias)
        self._client.set_registered_model_alias(target, alias, version)


def test_previous_is_written_before_champion(client: MlflowClient, target: Target, version: int):
    recorded = Recorded(client)
    set_aliases(recorded, target.name, champion=version, previous=version)
    assert recorded.order == ["previous", "champion"]


def test_a_writer_that_was_overtaken_between_two_aliases_does_not_write_the_second(
    client: MlflowClient, target: Target, version: int
):
    asked: list[bool] = []

    def holds() -> bool:
        asked.append(True)
        return len(asked) == 1

    assert set_aliases(client, target.name, champion=version, previous=version, holds=holds)
    assert aliases(client, target.name) == {"previous": version}


def test_a_target_without_versions_has_no_aliases(client: MlflowClient, target: Target):
    assert aliases(client, target.name) == {}
    assert not set_aliases(client, target.name, champion=1, previous=None)
    assert aliases(client, target.name) == {}


def test_an_alias_of_a_deleted_version_is_left_out_and_holds_back_no_other(
    client: MlflowClient, target: Target, version: int, unit: Unit, logged: Logged
):
    name = target.name
    tag_duplicate(client, name, version=version, of=2)
    second = register(client, logged, unit=unit)
    client.delete_model_version(name, str(version))
    client.set_registered_model_alias(name, "previous", str(second))
    assert set_aliases(client, name, champion=second, previous=version)
    assert aliases(client, name) == {"champion": second}
    assert not set_aliases(client, name, champion=version, previous=None)
    assert aliases(client, name) == {"champion": second}  # who serves it is served on


def test_nothing_is_registered_under_numbers_that_the_journal_gave_to_others(
    client: MlflowClient, unit: Unit, logged: Logged
):
    with pytest.raises(NotThere, match=f"registered model {unit.target}: was deleted in MLflow"):
        register(client, logged, unit=unit, known={1, 2})
    client.create_registered_model(unit.target)
    with pytest.raises(NotThere, match="nothing was decided"):
        register(client, logged, unit=unit, known={1, 2})
    assert find_version(client, unit) is None


def test_what_an_attempt_with_other_settings_left_behind_is_set_aside(
    client: MlflowClient, unit: Unit, target: Target, logged: Logged, version: int
):
    changed = replace(unit, digests=unit.digests.model_copy(update={"config": "f" * 64}))
    committed = register(client, logged, unit=changed)
    assert committed != version
    decided_before, later = [committed], replace(unit, arrival_id="e" * 64)
    assert set_aside_others(client, later, of=committed, known=decided_before) == []
    assert set_aside_others(client, changed, of=committed, known=decided_before) == [version]
    assert client.get_model_version(target.name, str(version)).tags["duplicate_of"] == str(committed)
    assert find_version(client, changed) == committed
