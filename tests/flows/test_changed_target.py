"""A living target is changed: the next source heeds it, and on new data like is compared with like."""

import pytest
import torch
from typer.testing import CliRunner

from flows import absorb_units
from flows.absorb import absorb
from flows.cli.app import command_line
from flows.target_set import target_set
from tasks.contracts.changed import Measured
from tasks.contracts.target import AbsorbSettings, GateSettings
from tests.flows.conftest import World, _dataset

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _every_source_gives_a_version(world: World):
    torch.set_num_threads(1)
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=3, initial_epochs=3))


def grasp(*words: str) -> str:
    done = CliRunner(env={"COLUMNS": "400"}).invoke(command_line(), words)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_running_absorb_heeds_a_change_from_its_next_source_on(world: World, monkeypatch):
    for number in (1, 2):
        world.publish(number, year=2000 + number)
    shown, changed = absorb_units.show_decisions, []

    def then_change(*args, **kwargs):
        shown(*args, **kwargs)
        if not changed:
            changed.append(grasp("target", "set", world.target.name, "seed=7", "--apply"))

    monkeypatch.setattr(absorb_units, "show_decisions", then_change)
    absorb(world.target.name)

    first, second = world.decided()
    assert first.digests.config != second.digests.config
    assert [entry.kind for entry in world.journal.entries()].count("changed") == 1


def test_on_new_data_champions_are_measured_before_anything_is_decided(world: World):
    for number in (4, 2):  # the better one first: the best earlier champion is none of the last
        world.publish(number, year=2006 - number)
        absorb(world.target.name)
    before = world.journal.state()
    new = _dataset(world.store, seed=5)
    said = grasp("target", "set", world.target.name, "--dataset", new)
    assert "measures the champion" in said
    assert "nothing was changed" in said
    assert world.journal.state().seq == before.seq

    grasp("target", "set", world.target.name, "policy=non_inferior", "margin=1", "--dataset", new, "--apply")
    world.target = world.target.model_copy(update={"gate": GateSettings()})
    world.publish(3, year=2007)
    absorb(world.target.name)

    kinds = [entry.kind for entry in world.journal.entries(after=before.seq)]
    assert kinds.index("changed") < kinds.index("measured") < kinds.index("decided")
    (measured,) = [entry for entry in world.journal.entries() if isinstance(entry, Measured)]
    assert {each.registry_version for each in measured.versions} == {1, 2}
    on_new = {each.registry_version: each.gate_accuracy for each in measured.versions}
    figures = world.decided()[-1].figures
    assert figures["champion_gate_accuracy"] == pytest.approx(on_new[2])
    if on_new[1] > on_new[2]:
        assert (figures["best_version"], figures["best_gate_accuracy"]) == (1, pytest.approx(on_new[1]))
    assert measured.data == new.split("/")[-2]


def test_the_form_says_what_a_change_means_and_changes_only_when_told(world: World):
    name = world.target.name

    asked = target_set(name, ["epochs=5"], return_state=True)
    assert asked.message.startswith("would change epochs 3 -> 5; ")
    assert world.journal.state().seq == 0

    done = target_set(name, ["epochs=5"], reason="more labels", then="apply", return_state=True)
    assert done.message == "changed epochs 3 -> 5 (journal entry 1); the next source heeds it"
    again = target_set(name, ["epochs=5"], then="apply", return_state=True)
    assert again.message == f"target {name} is that already"
    assert [(entry.kind, entry.reason) for entry in world.journal.entries()] == [("changed", "more labels")]
