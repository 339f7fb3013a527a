"""A unit of the person's own systemd, so that the stack comes back after a reboot."""

import hashlib
import re
import sys
from pathlib import Path

from deployments.machine.layout import Layout

UNIT = """\
# written by `grasp up --systemd`
[Unit]
Description=GRASP pipeline in {directory}
After=network-online.target

[Service]
ExecStart={python} -P -m deployments.machine {quoted}
WorkingDirectory={directory}
Restart=on-failure
RestartSec=10
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=default.target
"""


def unit_name(layout: Layout) -> str:
    """Give the unit's name: told by the directory's, and another for each directory."""
    short = re.sub(r"[^a-z0-9]+", "-", layout.directory.name.lower()).strip("-") or "stack"
    return f"grasp-{short}-{hashlib.sha256(str(layout.directory).encode()).hexdigest()[:6]}.service"


def unit_text(layout: Layout) -> str:
    """Write the unit. A stack that `grasp down` stopped stays down until the next boot."""
    directory = str(layout.directory).replace("%", "%%")  # WorkingDirectory= knows no quotes, ExecStart= does
    quoted = directory.replace("\\", "\\\\").replace('"', '\\"')
    python = sys.executable.replace("%", "%%")
    return UNIT.format(directory=directory, python=f'"{python}"', quoted=f'"{quoted}"')


def write_unit(layout: Layout, *, home: Path) -> Path:
    """Write the unit where systemd looks for it; nothing is enabled or started."""
    path = home / ".config" / "systemd" / "user" / unit_name(layout)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit_text(layout))
    return path
