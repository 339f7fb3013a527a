"""Serve the champion once, as anybody would: by its alias, through MLflow's generic loader.

Started as `python -m flows.demo.champion QUESTION.json ANSWER.json`, because importing mlflow takes longer
than all that the demo's own process does.
"""

import sys
from pathlib import Path

from pydantic import BaseModel

from flows.demo import story


class Question(BaseModel):
    """seed: of the demo's data. mlflow_run_ids: of the absorbs whose choice is asked for."""

    seed: int
    mlflow_run_ids: list[str]


class Answer(BaseModel):
    """What the alias gave: the version, its accuracy on the test split, and each absorb's choice."""

    registry_version: int
    test_accuracy: float
    choices: dict[str, str | None]


def ask(question: Question) -> Answer:
    """Load models:/<target>@champion, predict the test split, look the choices up."""
    import mlflow

    from grasp_core.data import digits

    client = mlflow.MlflowClient()
    champion = mlflow.pyfunc.load_model(f"models:/{story.TARGET}@champion")
    test = digits.target(
        budget=story.LABELS, strength=story.STRENGTH, seed=question.seed, gate=story.GATE_SAMPLES
    ).test
    chances = champion.predict(test.images)
    return Answer(
        registry_version=int(client.get_model_version_by_alias(story.TARGET, "champion").version),
        test_accuracy=float((chances.argmax(1) == test.labels).mean()),
        choices={run: client.get_run(run).data.tags.get("choice") for run in question.mlflow_run_ids},
    )


def main() -> None:
    """Answer the question in one file in the other."""
    asked, answered = Path(sys.argv[1]), Path(sys.argv[2])
    answer = ask(Question.model_validate_json(asked.read_bytes()))
    answered.write_text(answer.model_dump_json())


if __name__ == "__main__":
    main()
