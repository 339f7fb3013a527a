"""What an absorb tells of how it was computed."""

import torch

from grasp_core.absorbed import Absorbed
from grasp_core.levers import OFF, Levers
from grasp_core.models.evaluate import Metrics
from tasks.candidates.candidate import Candidate
from tasks.candidates.figures import figures_of, outcome_of
from tasks.candidates.measure import Measured, handing_of
from tasks.candidates.outcome import Outcome

METRICS = Metrics(accuracy=0.5, loss=1.0, samples=2, confusion=((1, 0), (1, 0)))
MEASURED = Measured(gate=METRICS, test=METRICS, correct=torch.tensor([True, False]).numpy())


def outcome(
    monkeypatch,
    *,
    levers: Levers = OFF,
    pieces: int = 1,
    devices: int = 1,
    gpu: dict[str, float] | None = None,
) -> Outcome:
    monkeypatch.setattr("tasks.candidates.figures.unit_key", lambda _: "0" * 64)
    absorbed = Absorbed(
        mode="guarded",
        choice="absorbed",
        alpha=0.5,
        scores={},
        scalars_transferred=1,
        scalars_total=2,
        before=METRICS,
        after_transfer=METRICS,
        after_fine_tune=METRICS,
        epochs=(),
        kept=(1,),
        gradient_passes=600,
        pieces=pieces,
    )
    candidate = Candidate(
        absorbed=absorbed,
        before=MEASURED,
        after_transfer=MEASURED,
        seconds={"fine_tune": 2.0},
        gpu=gpu or {},
        levers=levers,
        devices=devices,
    )
    return outcome_of(candidate, None, device="cpu")


def test_levers_that_change_bits_and_a_batch_in_pieces_are_recorded(monkeypatch):
    told = outcome(monkeypatch, levers=Levers(bf16=True, channels_last=True, ahead=2), pieces=2)
    assert told.environment["levers"] == "channels_last bf16"
    assert told.environment["pieces"] == "2"


def test_the_number_of_ranks_is_recorded(monkeypatch):
    assert outcome(monkeypatch, devices=2).environment["devices"] == "2"


def test_a_plain_absorb_records_what_it_always_did(monkeypatch):
    assert set(outcome(monkeypatch).environment) == {"torch", "threads", "cpu_capability", "device"}


def test_images_per_second_and_the_gpus_figures_are_metrics(monkeypatch):
    figures = figures_of(outcome(monkeypatch, gpu={"power_w": 300.0}))
    assert figures["images_per_second"] == 300
    assert figures["gpu/power_w"] == 300.0


def test_batches_are_handed_to_a_device_as_the_levers_say():
    device = torch.device("cuda:1")
    assert handing_of(Levers(on_device=True, ahead=2, evaluation_batch=9), device).device == device
    assert handing_of(OFF, device).device.type == "cpu"
