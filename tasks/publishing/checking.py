"""Check a publisher's weights as far as this machine can: all of it with torch, else the file by itself."""

from pathlib import Path

from tasks.contracts.base import Architecture, ModelSignature
from tasks.extras import can_absorb
from tasks.weights.alone import check_alone

NEEDED = "pip install 'grasp-pipeline[absorb]'"


def check_network(signature: ModelSignature) -> str | None:
    """Check that there is such a network and that it can see such images; give what was not checked here.

    Raises UnknownArchitecture, InvalidConfig.
    """
    if can_absorb():
        from tasks.weights.sight import check_seen

        check_seen(signature.architecture, signature.input)
        return None
    return (
        f"whether there is a network {signature.architecture.id} that sees such images was not looked up: "
        f"that needs torch, {NEEDED}"
    )


def check_weights(path: Path, architecture: Architecture, *, object: str) -> str | None:  # noqa: A002
    """Check a weights file; give what was not checked here and why, None when all was.

    Raises BadArrival as check_source does, UnknownArchitecture.
    """
    if can_absorb():
        from tasks.weights.files import check_source

        check_source(path, architecture, object=object)
        return None
    check_alone(path, object=object)
    return (
        f"the tensors were not compared with {architecture.id}, a target does that on arrival; "
        f"to do it here: {NEEDED}"
    )
