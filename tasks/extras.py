"""What is installed beside the base: who publishes or watches needs neither torch nor MLflow."""

from importlib.util import find_spec

from tasks.errors import NotInstalled

ABSORB = ("torch", "torchvision", "timm", "safetensors", "mlflow", "sklearn", "scipy", "matplotlib")
DEMO = ("moto",)


def can_absorb() -> bool:
    """Say whether all of the extra `absorb` is installed; nothing is imported."""
    return not _missing(ABSORB)


def need_absorb(what: str) -> None:
    """Raise NotInstalled unless the extra `absorb` is there; what: a subject, such as "grasp promote"."""
    _need(what, ABSORB, "absorb")


def need_demo(what: str) -> None:
    """Raise NotInstalled unless the extra `demo` is there, which brings all of `absorb`."""
    _need(what, (*ABSORB, *DEMO), "demo")


def _need(what: str, modules: tuple[str, ...], extra: str) -> None:
    if missing := _missing(modules):
        raise NotInstalled(
            f"{what} needs {', '.join(missing)}, not installed here: "
            f"pip install 'grasp-pipeline[{extra}]'; nothing was done"
        )


def _missing(modules: tuple[str, ...]) -> list[str]:
    return [module for module in modules if find_spec(module) is None]
