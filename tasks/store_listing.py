"""Listings that are whole, whatever a server leaves out."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tasks.errors import StoreRefused
from tasks.transfers import etag_of

Page = Callable[[dict[str, Any]], Mapping[str, Any]]


class Listed(NamedTuple):
    """One key of a listing."""

    key: str
    size_bytes: int
    etag: str
    modified: datetime


def listing(page_of: Page, *, where: str, after: str) -> Iterator[Listed]:
    """List the keys behind `after`, page by page.

    page_of: asks ListObjectsV2 with these options. where: the address of the prefix, for errors.
    A server may leave out the token of the next page, or not heed StartAfter. One that says that there is
    more and then does not go on, or answers with something else, raises StoreRefused.
    """
    last, token = after, ""
    while True:
        page = page_of({"ContinuationToken": token} if token else {"StartAfter": last})
        _need_listing(page, where)
        behind = after if token else last
        found = [item for item in page.get("Contents", []) if item["Key"] > behind]
        for item in found:
            yield Listed(item["Key"], item["Size"], etag_of(item), item["LastModified"])
        before, token = token, page.get("NextContinuationToken", "")
        if not token and not page.get("IsTruncated"):
            return
        if not found and token == before:
            raise StoreRefused(
                f"{where}: the listing says that there is more behind {last!r} and does not go on; "
                "needs a server with ListObjectsV2; nothing below this prefix was decided"
            )
        last = found[-1]["Key"] if found else last


def _need_listing(page: Mapping[str, Any], where: str) -> None:
    if not page.keys() & {"IsTruncated", "KeyCount", "Name"}:
        raise StoreRefused(
            f"{where}: what was answered is no listing; a proxy may have given it: "
            "check AWS_ENDPOINT_URL; nothing below this prefix was decided"
        )
