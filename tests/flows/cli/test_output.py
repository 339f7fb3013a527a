"""A reader that goes away, as `grep -q` and `head` do, changes nothing of what a command does."""

import subprocess
import sys

import pytest

from flows.cli.app import out, tell

COMMAND = """
import sys
from flows.cli.output import Output
out = Output()
out.print("first")
sys.stdin.readline()  # the reader has gone
out.print("second")
out.print("third")
print("said by somebody else")
sys.stderr.write(f"done; unread {out.unread}")
sys.exit(3)
"""


def test_a_command_goes_on_to_its_own_end_when_nobody_reads_any_more():
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        process.stdin.write("gone\n")
        process.stdin.close()

        assert process.stderr.read() == "done; unread True"
        assert process.wait() == 3


def test_a_line_is_not_broken_at_a_width_that_its_reader_does_not_have(capsys: pytest.CaptureFixture[str]):
    line = "digits-now: champion version 3 (rolled back from version 4; later arrivals build on it), " * 3
    out.print(line)
    tell(line)
    assert capsys.readouterr().out == f"{line}\n{line}\n"


def test_a_reader_that_stays_hears_it_all():
    heard = subprocess.run([sys.executable, "-c", COMMAND], input="\n", capture_output=True, text=True)

    assert heard.stdout == "first\nsecond\nthird\nsaid by somebody else\n"
    assert heard.stderr == "done; unread False"
