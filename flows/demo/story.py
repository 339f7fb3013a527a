"""What the demo plays: which periods of drifting digits are published, when, and for which target."""

from datetime import date
from typing import NamedTuple

from tasks.contracts.base import Architecture, InputSpec, Period
from tasks.contracts.target import AbsorbSettings, GateSettings

TARGET = "digits-now"
SERIES = "digits"
STRENGTH = 1.0  # of the drift
LABELS = 60  # that the target has, those for validation included
GATE_SAMPLES = 150
PERIODS = 7
ARCHITECTURE = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
INPUT = InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))
# 40 steps on 45 images: the defaults are made for networks a thousand times this size.
ABSORB = AbsorbSettings(lr=1e-3, epochs=20, initial_epochs=20)
GATE = GateSettings(policy="non_inferior", margin=0.01)


class Chapter(NamedTuple):
    """One source: the year it is of, and where that lies in the drift, from 1 to PERIODS."""

    year: int
    number: int

    @property
    def period(self) -> Period:
        """Give the period of the manifest."""
        return Period(label=str(self.year), start=date(self.year, 1, 1), end=date(self.year, 12, 31))


IN_TIME = tuple(Chapter(2013 + number, number) for number in (1, 2, 4, 5, 6, 7))
LATE = Chapter(2016, 3)  # published when 2020 has been absorbed already
BROKEN = Chapter(2021, PERIODS)  # its file's bytes are not those that the manifest declares
