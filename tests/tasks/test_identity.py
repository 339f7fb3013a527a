"""Whoever writes to a journal signs so that a reader finds the process."""

import getpass
import os
import pwd
import socket

import pytest

from tasks.identity import signed


def test_a_command_is_signed_by_its_user_machine_and_process():
    assert signed("grasp pause") == f"grasp pause {getpass.getuser()}@{socket.gethostname()}:{os.getpid()}"


def test_a_user_without_a_name_as_in_a_container_signs_with_a_number(monkeypatch: pytest.MonkeyPatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert signed("watch") == f"watch {os.getuid()}@{socket.gethostname()}:{os.getpid()}"
