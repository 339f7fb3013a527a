"""Listings that are whole, whatever a server leaves out."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tasks.bucket.objects import etag_of
from tasks.errors import StoreRefused

Page = Callable[[dict[str, Any]], Mapping[str, Any]]

UNTOLD = datetime.max.replace(tzinfo=UTC)  # late, so that what may be new counts as new


class Listed(NamedTuple):
    """One key of a listing.

    etag: in lower case, to compare with: servers mix the cases of one ETag. modified: UNTOLD where the
    server does not say.
    """

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
    last, token, names = after, "", list[str]()
    while True:
        page = page_of({"ContinuationToken": token} if token else {"StartAfter": last})
        _need_listing(page, where)
        behind = after if token else last
        items = page.get("Contents", [])
        found = [item for item in items if item["Key"] > behind]
        before, token = token, page.get("NextContinuationToken", "")
        more = token or page.get("IsTruncated")
        names, names_before = [item["Key"] for item in items], names
        goes_on = token != before if token else bool(found or before)
        if more and (not goes_on or (names and names == names_before)):
            raise StoreRefused(
                f"{where}: the listing says that there is more behind {last!r} and does not go on; "
                "needs a server with ListObjectsV2; nothing below this prefix was decided"
            )
        yield from map(_listed, found)
        if not more:
            return
        last = found[-1]["Key"] if found else last


def _listed(item: Mapping[str, Any]) -> Listed:
    return Listed(item["Key"], item["Size"], etag_of(item).lower(), item.get("LastModified", UNTOLD))


def _need_listing(page: Mapping[str, Any], where: str) -> None:
    whole = all("Key" in item and "Size" in item for item in page.get("Contents", []))
    if not whole or not page.keys() & {"IsTruncated", "KeyCount", "Name"}:
        raise StoreRefused(
            f"{where}: what was answered is no listing; a proxy may have given it: "
            "check AWS_ENDPOINT_URL; nothing below this prefix was decided"
        )
