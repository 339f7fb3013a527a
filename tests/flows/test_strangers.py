"""A bucket full of everything that strangers may publish: watch and absorb decide it, good ones win."""

import pytest

from flows import watch as module
from flows.absorb import absorb
from flows.watch import watch
from tasks.contracts.journal import Decided
from tests.flows.conftest import World
from tests.tasks.arrivals.bad_arrivals import CASES, Shelf
from tests.tasks.conftest import Bucket

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def test_every_bad_arrival_is_decided_by_watch_and_absorb_and_the_good_ones_are_absorbed(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    asked: list[list[str]] = []
    monkeypatch.setattr(module, "trigger_absorb", lambda target, *, ready: asked.append(ready))
    before = world.publish(1, year=2001).arrival_id
    bad = {}
    for number, case in enumerate(case for case in CASES if not case.code.startswith("blob_")):
        bad[case.publish(Shelf(Bucket(world.store), f"{1000 + number}"))] = case
    after = world.publish(2, year=2002).arrival_id

    watch()
    assert before in asked[0]
    absorb(world.target.name)

    decided = {entry.arrival_id: entry for entry in world.journal.entries() if isinstance(entry, Decided)}
    assert decided.keys() == {before, after, *bad}
    wrong = {
        case.name: (decided[arrival].decision, decided[arrival].reason_code)
        for arrival, case in bad.items()
        if (decided[arrival].decision, decided[arrival].reason_code) != (case.decision, case.code)
    }
    assert wrong == {}
    assert [decided[each].decision for each in (before, after)] == ["promoted", "promoted"]
    blobs = sorted(path.name for path in (world.cache_dir / "blobs").iterdir())
    assert blobs == sorted(f"{world.manifest(n, 2000 + n).weights.sha256}.safetensors" for n in (1, 2))
    assert list((world.cache_dir / "work").iterdir()) == []
