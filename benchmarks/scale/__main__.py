"""What 10^6 sources, 10^3 targets and 10^2 GPUs do to each store and queue: `python -m benchmarks.scale`.

Simulates arrivals and GPUs, and multiplies with what one thing costs (costs.py). Minutes at most, no servers.
"""

import argparse

from benchmarks.scale.costs import MEASURED
from benchmarks.scale.simulate import DAY_S, Outcome, World, simulate


def main() -> None:
    """Print the table of loads and waits."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--sources-a-year", type=float, default=1e6)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--gpus", type=int, nargs="*", default=[5, 10, 20, 50, 100])
    parser.add_argument("--absorb-seconds", type=float, nargs="*", default=[60, 600])
    parser.add_argument("--days", type=float, default=3)
    parser.add_argument("--burst", type=int, default=1, help="sources that are published together")
    parser.add_argument("--skew", type=float, default=1.0, help="0: all targets alike")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print("| absorb, s | GPUs | busy | wait p50, s | p95, s | p99, s | longest queue | open in the end |")
    print("|---|---|---|---|---|---|---|---|")
    for absorb_s in asked.absorb_seconds:
        for gpus in asked.gpus:
            world = World(
                arrivals_a_day=asked.sources_a_year / 365,
                targets=asked.targets,
                gpus=gpus,
                absorb_s=absorb_s,
                days=asked.days,
                burst=asked.burst,
                skew=asked.skew,
                run_start_s=MEASURED.run_start_s,
            )
            print(row(world, outcome := simulate(world, seed=asked.seed)))
    print()
    print(*loads(world, outcome), sep="\n")


def row(world: World, outcome: Outcome) -> str:
    """Give a line of the table."""
    waits = " | ".join(f"{outcome.wait(share):,.0f}" for share in (0.5, 0.95, 0.99))
    return (
        f"| {world.absorb_s:g} | {world.gpus} | {outcome.busy:.0%} | {waits} | {outcome.longest_queue} "
        f"| {outcome.open_at_end} |"
    )


def loads(world: World, outcome: Outcome) -> list[str]:
    """Say what each store and queue sees, by what one thing costs."""
    absorbs, runs = outcome.absorbed / world.days / DAY_S, outcome.runs / world.days / DAY_S
    cost, watches = MEASURED, 1 / world.watch_every_s
    watch_s = cost.watch_s + world.targets * cost.watch_target_s
    rows = (
        watches * cost.prefect_rows_watch + runs * cost.prefect_rows_run + absorbs * cost.prefect_rows_absorb
    )
    polls = world.targets * cost.watch_target_requests / max(world.watch_every_s, watch_s)
    decided = world.arrivals_a_day * 365
    return [
        f"absorbs: {absorbs:.3f}/s in {runs:.3f} runs/s",
        f"one watch over {world.targets} targets: {watch_s:.0f} s (interval {world.watch_every_s:g} s)",
        f"bucket: {polls:.0f} requests/s of the watch, "
        f"{absorbs * cost.bucket_requests_absorb:.1f}/s of absorbs",
        f"MLflow: {absorbs * cost.mlflow_requests_absorb:.1f} requests/s",
        f"Prefect's database: {rows:.1f} rows/s, {rows * DAY_S:,.0f} a day",
        f"journal: {absorbs * cost.journal_entries_absorb:.2f} entries/s; "
        f"after a year {decided:,.0f} decisions, "
        f"{decided * cost.state_bytes_decided / 1e6:,.0f} MB of state.json in all",
        f"manifests after a year: {decided:,.0f}, {decided / 1000:,.0f} pages of a listing, "
        f"{decided * cost.manifest_bytes / 1e9:.1f} GB",
    ]


if __name__ == "__main__":
    main()
