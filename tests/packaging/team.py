"""A team without torch: it makes data and a target, and publishes a source, by commands alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from grasp_core.models.architectures import build
from tasks.weights.files import save
from tests.packaging.fixtures import Installed
from tests.servers.fixtures import Server

PERIOD = ("--series", "shapes", "--period", "2014", "--start", "2014-01-01", "--end", "2014-12-31")
ARRIVAL = "manifests/shapes/2014/1.json"


@dataclass(frozen=True)
class Team:
    """Commands on a bucket of its own, in an environment."""

    installed: Installed
    settings: dict[str, str]

    def said(self, *words: object) -> str:
        return self.installed.said(*words, **self.settings)

    def refused(self, *words: object) -> str:
        """Give the one line of a command that has to fail."""
        done = self.installed.run(*words, **self.settings)
        assert done.returncode == 1, done.stdout + done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        return done.stderr

    def file(self, name: str) -> Path:
        return self.installed.directory / name

    def make_weights(self, name: str) -> Path:
        """Weights as a training elsewhere leaves them, always the same."""
        torch.manual_seed(0)
        path = self.file(name)
        save(build("grasp/digits-cnn", in_channels=1, num_classes=2), path)
        return path

    def make_target(self, name: str) -> str:
        """From a folder of images to a target; gives what the commands said."""
        images = self.file("images")
        for label, grey in (("dark", 40), ("light", 200)):
            (images / label).mkdir(parents=True, exist_ok=True)
            for number in range(24):
                picture = np.full((8, 8), grey + number, np.uint8)
                Image.fromarray(picture).save(images / label / f"{number}.png")
        shape = ("--size", "8", "--channels", "1", "--mean", "0.5", "--std", "0.5", "--val", "0.25")
        prepare = ("dataset", "prepare", images, "--to", self.file("prepared"), "--name", "shapes", *shape)
        said = self.said("probe", "--create") + self.said(*prepare, "--overwrite")
        key = self.said("dataset", "publish", self.file("prepared")).split()[-1]
        create = ("target", "create", name, "--series", "shapes", "--dataset", key)
        return said + key + "\n" + self.said(*create, "--architecture", "grasp/digits-cnn")


def team_of(installed: Installed, server: Server, bucket: str, **more: str) -> Team:
    """A team on a bucket of this server."""
    settings = {
        "GRASP_BUCKET": bucket,
        "AWS_ENDPOINT_URL_S3": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",  # looking asks MLflow nothing
        "GRASP_CACHE_DIR": str(installed.directory / "cache"),
    }
    return Team(installed, settings | more)
