"""MLflow with accounts refuses a version of a registered model that is not there; others say so."""

from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import RestException

from tasks.arrivals.unit import Unit
from tasks.contracts.target import Target
from tasks.errors import NotThere, TrackingRefused
from tasks.registry.registry import aliases, register
from tasks.tracking.logged import Logged, read_logged
from tests.tasks.registry.test_registry import log, logged

__all__ = ["log", "logged"]  # fixtures

pytestmark = pytest.mark.integration


class WithAccounts:
    """A client of a server that refuses versions: of models that are not there, or of all."""

    def __init__(self, client: MlflowClient, *, of_all: bool = False):
        self._client, self._of_all = client, of_all

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_model_version(self, name: str, *args: Any, **given: Any) -> Any:
        try:
            self._client.get_registered_model(name)
        except RestException:
            there = False
        else:
            there = True
        if self._of_all or not there:
            raise RestException({"error_code": "PERMISSION_DENIED", "message": "Permission denied"})
        return self._client.create_model_version(name, *args, **given)


class Hiding:
    """A client of a server with accounts that has lost everything: it refuses to show what is not there."""

    def __init__(self, client: MlflowClient):
        self._client = client

    def __getattr__(self, name: str) -> Any:
        def ask(*args: Any, **given: Any) -> Any:
            try:
                return getattr(self._client, name)(*args, **given)
            except RestException as error:
                raise RestException({"error_code": "PERMISSION_DENIED", "message": "no"}) from error

        return ask


def test_what_accounts_hide_of_a_lost_server_counts_as_lost(client: MlflowClient, target: Target):
    assert aliases(Hiding(client), target.name) == {}
    with pytest.raises(NotThere, match="or hides it from this account"):
        read_logged(Hiding(client), "0" * 32)


def test_the_first_version_makes_the_model_that_accounts_hide(
    client: MlflowClient, logged: Logged, unit: Unit
):
    assert register(WithAccounts(client), logged, unit=unit) == 1


def test_a_refusal_of_a_model_that_is_there_stays_one(
    client: MlflowClient, logged: Logged, unit: Unit, target: Target
):
    client.create_registered_model(target.name)
    with pytest.raises(TrackingRefused, match="MLflow refused"):
        register(WithAccounts(client, of_all=True), logged, unit=unit)


def test_a_model_that_the_journal_knows_and_accounts_hide_was_deleted(
    client: MlflowClient, logged: Logged, unit: Unit
):
    with pytest.raises(NotThere):
        register(WithAccounts(client), logged, unit=unit, known={1})
