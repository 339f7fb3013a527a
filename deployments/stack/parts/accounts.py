"""The pipeline's account on the MLflow server; the administrator's is made when the server first starts."""

from http import HTTPStatus

import requests

from deployments.stack.layout import Layout
from deployments.supervision.unit import HOST

TIMEOUT_S = 30


def make_accounts(layout: Layout) -> None:
    """Make the account, unless it is there. Raises requests' errors."""
    api = f"http://{HOST}:{layout.ports.mlflow}/api/2.0/mlflow/users"
    admin = ("admin", layout.secrets.mlflow_admin)
    with requests.Session() as session:
        session.trust_env = False
        session.auth = admin
        found = session.get(f"{api}/get", params={"username": "pipeline"}, timeout=TIMEOUT_S)
        if found.status_code != HTTPStatus.NOT_FOUND:
            found.raise_for_status()
            return
        account = {"username": "pipeline", "password": layout.secrets.mlflow_pipeline}
        session.post(f"{api}/create", json=account, timeout=TIMEOUT_S).raise_for_status()
