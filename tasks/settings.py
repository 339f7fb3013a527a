"""All settings, from the environment or a `.env` file in the working directory. The docs site lists them."""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AliasChoices, Field, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks import patterns
from tasks.errors import InvalidSettings
from tasks.problems import what_is_wrong

BucketName = Annotated[str, StringConstraints(pattern=patterns.BUCKET)]
S = TypeVar("S", bound="StoreSettings")


class StoreSettings(BaseSettings):
    """What is needed to reach the bucket; credentials come from the standard AWS variables and files."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

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
        default=None,
        validation_alias="AWS_ACCESS_KEY_ID",
        description="credentials; without them the standard AWS files and roles are asked",
    )
    secret_access_key: str | None = Field(
        default=None, validation_alias="AWS_SECRET_ACCESS_KEY", repr=False, description="the key's secret"
    )
    session_token: str | None = Field(
        default=None, validation_alias="AWS_SESSION_TOKEN", repr=False, description="of temporary credentials"
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
            raise ValueError(f"is {url!r}, needs an address such as https://s3.example.org")
        return url


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


class Settings(WatchSettings):
    """What the pipeline needs: the bucket, MLflow, and how it works on this machine."""

    mlflow_tracking_uri: str = Field(
        validation_alias="MLFLOW_TRACKING_URI", description="address of the MLflow server"
    )
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
    device: str = Field(
        default="auto", validation_alias="GRASP_DEVICE", description="auto, cpu, cuda or such as cuda:1"
    )

    @field_validator("cache_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _is_a_server(cls, uri: str) -> str:
        if not uri.startswith(("http://", "https://")):
            raise ValueError(
                f"is {uri!r}, needs the address of an MLflow server, such as http://127.0.0.1:5000"
            )
        return uri


def load_settings(kind: type[S]) -> S:
    """Read the settings; InvalidSettings names every variable that is missing or wrong."""
    try:
        return kind()
    except ValidationError as error:
        raise InvalidSettings("; ".join(_problems(kind, error))) from error


def _problems(kind: type[StoreSettings], error: ValidationError) -> list[str]:
    said = []
    for problem in error.errors(include_url=False):
        variable = _variable(kind, str(problem["loc"][0]))
        if problem["type"] == "missing":
            said.append(f"{variable} is not set; set it in the environment or in .env")
        else:
            said.append(f"{variable}: {what_is_wrong(problem)}")
    return said


def _variable(kind: type[StoreSettings], loc: str) -> str:
    field = kind.model_fields.get(loc)
    alias = field.validation_alias if field else loc
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else str(alias)
