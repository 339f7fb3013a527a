"""The loader that registered versions name: each that was ever logged says `tasks.serving`, so it stays."""

from pathlib import Path

from tasks.tracking.serving import Classifier, load


def _load_pyfunc(data_path: str) -> Classifier:
    """Load a model for MLflow, which calls this name."""
    return load(Path(data_path))
