"""Make the servers ready for the workers: a fit bucket, pools, automations, deployments.

Example: python -m deployments.machine.settle, with the settings in the environment
"""

import sys

from deployments.bootstrap import bootstrap
from deployments.deploy import deploy
from deployments.supervision.supervisor import HOPELESS
from tasks.bucket.probe import probe
from tasks.bucket.store import Store
from tasks.credentials.discretion import be_discreet
from tasks.errors import GraspError, TerminalError
from tasks.settings import Settings, load_settings


def main() -> int:
    """Settle, as often as you like; one line on an error, and an exit code that says whether to try again."""
    be_discreet()
    try:
        settings = load_settings(Settings)
        store = Store.from_settings(settings)
        store.create_bucket()
        probe(store, settings)
        bootstrap()
        deploy()
    except GraspError as error:
        sys.stderr.write(f"settle: {error}\n")
        return HOPELESS if isinstance(error, TerminalError) else 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
