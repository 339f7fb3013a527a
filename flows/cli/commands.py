"""Every command of `grasp` by name, so that one is found without importing the others."""

from typing import NamedTuple


class Command(NamedTuple):
    """The modules of flows.cli that define a command, and the line that `grasp --help` gives it."""

    modules: tuple[str, ...]
    help: str


COMMANDS = {
    "publish": Command(
        ("sources.publish",), "Publish a source: checked here, blob first, manifest last, then a notice."
    ),
    "validate": Command(
        ("sources.validate",), "Run every check that an arrival goes through; nothing is sent."
    ),
    "train-source": Command(
        ("sources.train_source",), "Train a source with the paper's recipe, then publish it."
    ),
    "dataset": Command(("sources.dataset",), "Prepare and publish a target's data."),
    "target": Command(
        ("targets.target", "targets.look", "targets.change"), "Create targets, look at them and change them."
    ),
    "status": Command(("targets.status",), "Show targets, their champion, open arrivals and decisions."),
    "metrics": Command(
        ("targets.metrics",),
        "Tell Prometheus of open arrivals, decisions, absorbs, champions and the watch, from the journals.",
    ),
    "explain": Command(
        ("sources.arrival",),
        "Tell why an arrival was absorbed, refused or waits; its attempts, and when it is tried again.",
    ),
    "requeue": Command(
        ("sources.arrival",),
        "Try a quarantined or parked arrival again, or at once one that waits between two attempts.",
    ),
    "pause": Command(
        ("targets.operate",), "Absorb nothing until resumed; a source that is being absorbed is finished."
    ),
    "resume": Command(("targets.operate",), "Go on absorbing."),
    "promote": Command(
        ("targets.operate",),
        "Make a version the champion by a person's word (gate policy manual, or against the gate).",
    ),
    "rollback": Command(
        ("targets.operate",), "Move the champion back to an earlier one, at once; later arrivals build on it."
    ),
    "champion": Command(("targets.champion",), "Use the champion elsewhere."),
    "predict": Command(
        ("targets.champion",),
        "Classify images with the champion, on this machine: classes, probabilities, and which version "
        "said so.",
    ),
    "serve": Command(
        ("targets.serve",),
        "Answer requests with the champion, as mlflow does; another champion takes over without a request "
        "lost.",
    ),
    "compare": Command(
        ("targets.champion",),
        "Compare two versions on the target's data: accuracy, McNemar's test, classes, sources in between.",
    ),
    "backfill": Command(
        ("targets.lineage",),
        "Absorb periods again, in order, as a new lineage; by default only say what would happen.",
    ),
    "retract": Command(
        ("targets.lineage",), "Withdraw a source, and build the lineage again without it, through the gate."
    ),
    "verify": Command(
        ("targets.lineage",),
        "Compute a version again from its lineage, on this machine's CPU, and compare bit for bit.",
    ),
    "prune": Command(
        ("targets.prune",),
        "Delete weights of old versions and of sources that no alias, lineage or open arrival needs.",
    ),
    "repair": Command(
        ("targets.repair",),
        "Say what was deleted in MLflow, or is in the journal's way, and bring back what can be.",
    ),
    "probe": Command(
        ("sources.probe",),
        "Try credentials, addressing and conditional writes of the bucket; leaves nothing behind.",
    ),
    "deploy": Command(
        ("pipeline.deploy",), "Make the Prefect server ready: pools, limits, automations, deployments."
    ),
    "worker": Command(("pipeline.worker",), "Work for a pool: cpu runs the watch, gpu absorbs."),
    "watch": Command(("pipeline.watch",), "Notice new sources and start absorbs, once."),
    "absorb": Command(("pipeline.absorb",), "Absorb every ready source, here and now."),
    "reproduce": Command(
        ("pipeline.reproduce",),
        "Reproduce the paper's table: sources of all periods, absorbed in order, beside peers and controls.",
    ),
    "up": Command(
        ("pipeline.up",),
        "Run the pipeline on this machine: S3, MLflow, Prefect, both workers; kept running, data kept.",
    ),
    "down": Command(("pipeline.up",), "Stop what grasp up started, within seconds; all data are kept."),
    "demo": Command(
        ("pipeline.demo",),
        "Play the whole pipeline with real servers and images: publish, watch, absorb, promote.",
    ),
}
