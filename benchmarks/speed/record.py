"""What one process measured."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """One variant in a process of its own. Times are of the work alone, without imports and data."""

    variant: str
    network: str
    images: int
    epochs: int
    threads: int
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    accuracy: float
    seed: int  # of the network, its order of images and what is drawn for each
    load: float  # of the machine, over the last minute
