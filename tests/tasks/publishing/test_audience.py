"""Before a rev is used up: who would take the source, and who would not and why."""

import json

import pytest

from tasks.bucket.store import Store
from tasks.contracts.manifest import Manifest
from tasks.errors import StoreRefused
from tasks.publishing.audience import untaken


@pytest.fixture
def manifest(bucket):
    """Give a manifest with changes."""
    return lambda **changes: Manifest.model_validate_json(json.dumps(bucket.manifest(**changes)))


def target(store: Store, manifest: Manifest, name: str, **changes: object) -> None:
    """Write a target of the manifest's kind."""
    fields = {
        **{field: getattr(manifest, field) for field in ("architecture", "classes", "input")},
        "name": name,
        "series": [manifest.series],
        "dataset": f"datasets/n/{'0' * 64}/dataset.json",
        **changes,
    }
    from tasks.contracts.target import Target

    body = Target.model_validate(fields).model_dump_json(by_alias=True, exclude_none=True)
    store.put(f"targets/{name}/target.json", body.encode())


def test_every_target_of_the_series_is_named_with_what_it_would_refuse(store: Store, manifest):
    source = manifest()
    target(store, source, "one", classes=[*source.classes[:-1], "other"])
    target(store, source, "two", input=source.input.model_copy(update={"height": 16}))
    first, second = untaken(store, source, series=source.series)
    assert first == ("target one would refuse its classes: found '9' at place 10; needed 'other' at place 10")
    assert second.startswith("target two would refuse its input: found height 8")


def test_nothing_is_said_when_one_target_takes_it_or_none_is_there(store: Store, manifest):
    source = manifest()
    assert untaken(store, source, series=source.series) == ()
    target(store, source, "one", classes=[*source.classes[:-1], "other"])
    target(store, source, "fits")
    assert untaken(store, source, series=source.series) == ()


def test_a_series_that_no_target_absorbs_is_said(store: Store, manifest):
    target(store, manifest(), "one")
    assert untaken(store, manifest(), series="digit") == ("no target absorbs series digit (there are: one)",)


def test_a_broken_target_hides_no_other(store: Store, manifest):
    store.put("targets/broken/target.json", b"{}")
    target(store, manifest(), "one", classes=[*manifest().classes[:-1], "other"])
    assert len(untaken(store, manifest(), series="digits")) == 1


def test_who_may_not_look_publishes_without_a_word(store: Store, manifest):
    class Blind(Store):
        def list(self, *_: object, **__: object):
            raise StoreRefused("denied")

    store.__class__ = Blind
    assert untaken(store, manifest(), series="digits") == ()
