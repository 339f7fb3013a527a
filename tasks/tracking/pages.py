"""The address of MLflow's page for people: "Model training", whatever the server's UI opens with."""

TRAINING = "workflowType=machine_learning"  # else the UI opens its GenAI pages


def model_page(uri: str, target: str) -> str:
    """Give the list of a target's registered versions."""
    return f"{uri}/#/models/{target}?{TRAINING}"
