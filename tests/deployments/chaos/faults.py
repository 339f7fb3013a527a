"""What is done to a stack: each fault is a function of the scene, and heals by itself or is healed."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from deployments.stack.programs import program
from tests.deployments.chaos.proxy import Proxy
from tests.deployments.stack.running import Stack

SERVERS = (
    "mlflow",
    "prefect-a",
    "prefect-b",
    "prefect-services",
    "postgres",
    "redis",
    "s3",
    "receiver",
    "nginx",
)


@dataclass
class Scene:
    """A stack, the proxies at its doors, and how long what is held is held."""

    stack: Stack
    proxies: dict[str, Proxy]
    rng: random.Random
    held_s: float
    stopped_s: float
    has_small_cache: bool


def kill(scene: Scene, unit: str) -> None:
    """kill -9 of a unit and all below it."""
    if pid := scene.stack.pid(unit):
        _kill_tree(pid)


def kill_flow_process(scene: Scene) -> None:
    """kill -9 of the process of an absorb, when there is one within some seconds; its worker lives."""
    if process := _flow_process(scene, within_s=20):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def kill_worker_at_pending(scene: Scene) -> None:
    """kill -9 of the gpu worker just when it has started a flow process, which is PENDING still."""
    before = {process.pid for process in _flow_processes(scene)}
    limit = time.monotonic() + 25
    while time.monotonic() < limit:
        if any(process.pid not in before for process in _flow_processes(scene)):
            break
        time.sleep(0.05)
    kill(scene, "worker-gpu")


def stop_flow_process(scene: Scene) -> None:
    """SIGSTOP of the process of an absorb, past its lease and its heartbeat; then it goes on."""
    if process := _flow_process(scene, within_s=20):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
            time.sleep(scene.stopped_s)
            process.resume()


def flush_redis(scene: Scene) -> None:
    """Empty Redis while everybody works."""
    layout = scene.stack.layout
    command = ["redis-cli", "-p", str(layout.ports.redis), "-a", layout.secrets.redis, "FLUSHALL"]
    subprocess.run([program("redis-cli"), *command[1:]], check=False, capture_output=True)


def fill_cache(scene: Scene) -> None:
    """Fill the disk of the workers' cache for a while; never this machine's own."""
    if not scene.has_small_cache:
        return
    hog = scene.stack.directory / "cache" / "hog"
    with contextlib.suppress(OSError), hog.open("wb") as file:
        while True:
            file.write(bytes(65536))
            file.flush()
    time.sleep(scene.held_s)
    hog.unlink(missing_ok=True)


def trouble(mode: str) -> Callable[[Scene], None]:
    """Give a fault of the network at one of the doors."""

    def at_a_door(scene: Scene) -> None:
        proxy = scene.rng.choice(list(scene.proxies.values()))
        proxy.set(mode)
        time.sleep(scene.held_s)
        proxy.set("cut")  # what hung is ended, as by a time-out
        proxy.set("open")

    at_a_door.__name__ = mode
    return at_a_door


def power_cut(scene: Scene) -> None:
    """Everything at once; then the machine starts again."""
    scene.stack.power_cut()
    scene.stack.start()


def _server(unit: str) -> Callable[[Scene], None]:
    def kill_it(scene: Scene) -> None:
        kill(scene, unit)

    kill_it.__name__ = f"kill_{unit}"
    return kill_it


FAULTS: dict[str, Callable[[Scene], None]] = {
    **{f"kill {unit}": _server(unit) for unit in (*SERVERS, "worker-cpu", "worker-gpu")},
    "kill flow process": kill_flow_process,
    "kill worker at PENDING": kill_worker_at_pending,
    "FLUSHALL": flush_redis,
    "cut": trouble("cut"),
    "delay": trouble("delay"),
    "half-open": trouble("half-open"),
    "cache disk full": fill_cache,
    "SIGSTOP": stop_flow_process,
    "power cut": power_cut,
}


def mount_small(directory: Path, size: str = "16m") -> bool:
    """Put a small file system where the cache lies, so that it can be full; says whether one may."""
    directory.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(directory)]
    return os.getuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0


def _flow_processes(scene: Scene) -> list[psutil.Process]:
    pid = scene.stack.pid("worker-gpu")
    try:
        below = psutil.Process(pid).children(recursive=True) if pid else []
        return [each for each in below if "prefect.engine" in each.cmdline()]
    except psutil.Error:
        return []


def _flow_process(scene: Scene, *, within_s: float) -> psutil.Process | None:
    limit = time.monotonic() + within_s
    while time.monotonic() < limit:
        if found := _flow_processes(scene):
            return found[0]
        time.sleep(0.2)
    return None


def _kill_tree(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
