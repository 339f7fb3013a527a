"""The S3 client: made here and nowhere else, with what servers other than AWS need."""

from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config
from pydantic import SecretStr

from tasks.errors import InvalidSettings
from tasks.settings import StoreSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def client_of(settings: StoreSettings) -> "S3Client":
    """Make the client that the settings describe; nothing is sent yet. Raises InvalidSettings."""
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": settings.addressing},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=32,
    )
    try:
        client = boto3.client(
            "s3",
            endpoint_url=settings.endpoint_url,
            region_name=settings.region,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=_plain(settings.secret_access_key),
            aws_session_token=_plain(settings.session_token),
            config=config,
        )
    except ValueError as error:
        raise InvalidSettings(
            f"AWS_ENDPOINT_URL: {error}; needs an address such as https://s3.example.org"
        ) from error
    client.meta.events.register("before-call.s3.HeadBucket", _follow_no_redirect)
    return client


def neighbour_of(service: Literal["sns", "sqs"], settings: StoreSettings) -> Any:
    """Make a client of a service beside the bucket: its topics, its queues. Nothing is sent yet."""
    make: Any = boto3.client  # its stubs know one service at a time
    return make(
        service,
        # queues have an address of their own; topics are the store's own business with Ceph
        endpoint_url=settings.endpoint_url if service == "sns" else None,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=_plain(settings.secret_access_key),
        aws_session_token=_plain(settings.session_token),
    )


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _follow_no_redirect(context: dict[str, Any], **_: object) -> None:
    """Let a redirected HeadBucket be an error: the client asks it where a redirect leads, so without end."""
    if redirect := context.get("s3_redirect"):
        redirect["redirected"] = True
