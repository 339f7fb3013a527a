"""Prepare a Prefect server for prefect.yaml, as often as you like: pools, queues, limits, automations.

Example: PREFECT_API_URL=http://127.0.0.1:4200/api python -m deployments.bootstrap --create-bucket
"""

import argparse
import sys
from typing import get_args

from deployments.automations import ensure_automation, zombie_automations
from deployments.notifications import BLOCK, NotifySettings, ensure_webhook, notifications
from deployments.pools import CPU, GPU, Kind, ensure_pool
from tasks.bucket.store import Store
from tasks.credentials.discretion import be_discreet
from tasks.errors import GraspError
from tasks.orchestration.flow_runs import connected
from tasks.settings import StoreSettings, load_settings


def bootstrap(*, gpu_limit: int | None = None, gpu_pool: Kind | None = None) -> dict[str, str]:
    """Make everything exist that prefect.yaml needs; give what was done to each thing.

    Where GRASP_NOTIFY_URL is set, people are told what happens; without it what was set before stays.
    gpu_limit: how many absorbs may run at once; by default 1 for a new pool, and an existing pool's own.
    gpu_pool: its type; by default process for a new pool, and an existing pool's own.
    Raises OrchestrationUnavailable or OrchestrationRefused, OperationRefused for a pool of another type.
    """
    with connected() as client:
        done = {
            "work pool cpu": ensure_pool(client, CPU),
            "work pool gpu": ensure_pool(client, GPU, limit=gpu_limit, kind=gpu_pool),
        }
        automations = [*zombie_automations()]
        if (url := load_settings(NotifySettings).notify_url) is not None:
            block_id, done[f"block webhook/{BLOCK}"] = ensure_webhook(url)
            automations += notifications(block_id)
        for automation in automations:
            done[f"automation {automation.name!r}"] = ensure_automation(client, automation)
    return done


def create_bucket() -> str:
    """Create the bucket that GRASP_BUCKET names, unless it is there; give its name."""
    store = Store.from_settings(load_settings(StoreSettings))
    store.create_bucket()
    return store.bucket


def main() -> int:
    """Bootstrap from the command line; one line per thing, exit code 1 and one line on an error."""
    be_discreet()
    parser = argparse.ArgumentParser(prog="python -m deployments.bootstrap", description=__doc__)
    parser.add_argument("--gpu-limit", type=int, help="absorbs that may run at once on the gpu pool")
    parser.add_argument("--gpu-pool", choices=get_args(Kind), help="type of the gpu pool")
    parser.add_argument("--create-bucket", action="store_true", help="create GRASP_BUCKET too")
    options = parser.parse_args()
    try:
        done = bootstrap(gpu_limit=options.gpu_limit, gpu_pool=options.gpu_pool)
        if options.create_bucket:
            done[f"bucket {create_bucket()}"] = "there"
    except GraspError as error:
        sys.stderr.write(f"bootstrap: {error}\n")
        return 1
    sys.stdout.writelines(f"{thing}: {what}\n" for thing, what in done.items())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
