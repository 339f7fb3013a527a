"""Ask a door of this container whether it does well: exit code 0 if it does. HEALTH_URL names the door.

Where none is named, that the container's own process (1) lives is all that is asked: it has no door.
"""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 8.0


def main() -> int:
    """Give 0 when the door answers with success."""
    url = os.environ.get("HEALTH_URL")
    if not url:
        return 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - our own address
            return 0 if answer.status < 400 else 1
    except (urllib.error.URLError, OSError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
