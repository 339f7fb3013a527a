"""The demo's one error: what broke, and where its log lies."""

from tasks.errors import TerminalError


class DemoFailed(TerminalError):
    """A part of the demo did not start, ended early, took too long, or gave a wrong result."""
