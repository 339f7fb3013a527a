"""All settings, from the environment or a `.env` file in the working directory. The docs site lists them."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings

from tasks import patterns
from tasks.credentials.discretion import be_discreet
from tasks.credentials.logins import Login, parted, without_login
from tasks.credentials.redact import learn, shown_address
from tasks.errors import InvalidSettings
from tasks.hardware import CONFIG, HardwareSettings
from tasks.problems import settings_problems

BucketName = Annotated[str, StringConstraints(pattern=patterns.BUCKET)]
LOGIN = {"MLFLOW_TRACKING_USERNAME": "mlflow_username", "MLFLOW_TRACKING_PASSWORD": "mlflow_password"}
S = TypeVar("S", bound=BaseSettings)


class StoreSettings(BaseSettings):
    """What is needed to reach the bucket; credentials come from the standard AWS variables and files."""

    model_config = CONFIG

    bucket: BucketName = Field(validation_alias="GRASP_BUCKET", description="name of the bucket")
    endpoint_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        description="address of the store; AWS without it",
    )
    region: str = Field(
        default="us-east-1",
        validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"),
        description="region of the bucket",
    )
    access_key_id: str | None = Field(
        default=None, validation_alias="AWS_ACCESS_KEY_ID", description="else AWS's files and roles count"
    )
    secret_access_key: SecretStr | None = Field(
        default=None, validation_alias="AWS_SECRET_ACCESS_KEY", description="the key's secret"
    )
    session_token: SecretStr | None = Field(
        default=None, validation_alias="AWS_SESSION_TOKEN", description="of temporary credentials"
    )
    addressing: Literal["path", "virtual"] = Field(
        default="path",
        validation_alias="GRASP_S3_ADDRESSING",
        description="where the bucket's name stands in an address: path or virtual",
    )
    single_publisher: bool = Field(
        default=False,
        validation_alias="GRASP_SINGLE_PUBLISHER",
        description="with the next one: allow a store without atomic conditional writes",
    )
    single_worker: bool = Field(
        default=False,
        validation_alias="GRASP_SINGLE_WORKER",
        description="both true: only one publisher and one worker write, and you answer for that",
    )

    @field_validator("endpoint_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError(f"is {shown_address(url)!r}, needs an address such as https://s3.example.org")
        return without_login(url) if url else url  # S3 signs with keys: a login in the address has no use

    @field_validator("secret_access_key", "session_token")
    @classmethod
    def _hidden(cls, secret: SecretStr | None) -> SecretStr | None:
        learn(secret.get_secret_value() if secret else None)
        return secret


class WatchSettings(StoreSettings):
    """What noticing arrivals needs: the bucket, and how patient and how thorough to be."""

    pending_limit_h: float = Field(
        default=24,
        gt=0,
        validation_alias="GRASP_PENDING_LIMIT_H",
        description="hours after which a manifest without its blob is quarantined",
    )
    full_list_limit: int = Field(
        default=10_000,
        ge=0,
        validation_alias="GRASP_FULL_LIST_LIMIT",
        description="up to how many manifests every poll lists all of them",
    )
    reconcile_every_min: float = Field(
        default=10,
        gt=0,
        validation_alias="GRASP_RECONCILE_EVERY_MIN",
        description="beyond that number: minutes between two full listings",
    )
    unbegun_limit_s: float = Field(
        default=600,
        gt=0,
        validation_alias="GRASP_UNBEGUN_LIMIT_S",
        description="seconds until a run that was taken but never began counts as dead",
    )


class TrackingSettings(BaseSettings):
    """What is needed to reach MLflow."""

    model_config = CONFIG

    mlflow_tracking_uri: str = Field(
        validation_alias="MLFLOW_TRACKING_URI", description="address of the MLflow server"
    )
    mlflow_username: str | None = Field(
        default=None,
        validation_alias="MLFLOW_TRACKING_USERNAME",
        repr=False,
        description="login of the MLflow server; one in its address works, too",
    )
    mlflow_password: SecretStr | None = Field(
        default=None, validation_alias="MLFLOW_TRACKING_PASSWORD", description="the login's password"
    )
    runbook_url: str | None = Field(
        default=None,
        validation_alias="GRASP_RUNBOOK_URL",
        pattern=patterns.ADDRESS,
        description="address of your runbook, such as these docs: a registered model's description links it",
    )

    @model_validator(mode="before")
    @classmethod
    def _part_login(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Take user and password out of MLflow's address; they go before those of the other variables."""
        names = ("MLFLOW_TRACKING_URI", "mlflow_tracking_uri")
        name = next((each for each in names if isinstance(given.get(each), str)), None)
        address, login = parted(given[name]) if name else ("", None)
        if name is None or login is None:
            return given
        rest = {key: value for key, value in given.items() if key not in (*LOGIN, *LOGIN.values())}
        return rest | {name: address, "mlflow_username": login.user, "mlflow_password": login.password}

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _is_a_server(cls, uri: str) -> str:
        if not uri.startswith(("http://", "https://")):
            raise ValueError(
                f"is {shown_address(uri)!r}, needs the address of an MLflow server, "
                "such as http://127.0.0.1:5000"
            )
        return without_login(uri)

    @property
    def mlflow_login(self) -> Login | None:
        """Give user and password for MLflow, if any were set."""
        if self.mlflow_username is None and self.mlflow_password is None:
            return None
        password = self.mlflow_password.get_secret_value() if self.mlflow_password else ""
        return Login(self.mlflow_username or "", password)


class Settings(TrackingSettings, WatchSettings, HardwareSettings):
    """What the pipeline needs: the bucket, MLflow, and how it works on this machine."""

    cache_dir: Path = Field(
        default=Path("~/.cache/grasp"),
        validation_alias="GRASP_CACHE_DIR",
        validate_default=True,
        description="where workers keep verified blobs and data",
    )
    cache_limit_gb: float = Field(
        default=50,
        gt=0,
        validation_alias="GRASP_CACHE_LIMIT_GB",
        description="size of that cache; what was used longest ago goes first",
    )

    @field_validator("cache_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()


def load_settings(kind: type[S]) -> S:
    """Read the settings; InvalidSettings names every variable that is missing or wrong.

    From here on nothing that this process says shows what is secret among them.
    """
    be_discreet()
    try:
        return kind()
    except ValidationError as error:
        raise InvalidSettings("; ".join(settings_problems(kind.model_fields, error))) from error
