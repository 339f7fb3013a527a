"""The bucket itself: made in the region of the settings, unless it is there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from tasks.errors import NotThere, StoreRefused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ONE_PLACE = "us-east-1"  # the region that a new bucket is in when none is said, and must not say


def ensure_bucket(
    client: "S3Client", bucket: str, *, errors: Callable[[], AbstractContextManager[None]]
) -> None:
    """Create the bucket unless it is there. errors: turns the client's failures into ours."""

    def create(place: dict[str, Any]) -> None:
        options: dict[str, Any] = {"CreateBucketConfiguration": place} if place else {}
        with errors():
            client.create_bucket(Bucket=bucket, **options)

    try:
        with errors():
            client.head_bucket(Bucket=bucket)
    except NotThere:
        region = client.meta.region_name
        place = {} if region == ONE_PLACE else {"LocationConstraint": region}
        try:
            create(place)
        except StoreRefused as error:
            if not place or "InvalidLocationConstraint" not in str(error):
                raise
            create({})  # a server of one place, which it calls by another name
