"""Wait until the demo is gone, however it went, then end everything that it left behind.

Started as `python -m flows.demo.servers.guard MARK` with a pipe as standard input: the kernel closes the
pipe when the demo ends, by kill -9 too.
"""

import signal
import sys

from deployments.marks import end_marked


def main() -> None:
    """Block on the pipe; then clean up."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_marked(sys.argv[1])


if __name__ == "__main__":
    main()
