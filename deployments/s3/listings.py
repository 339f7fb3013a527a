"""Listings, and the deletion of what is listed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import ParseError, fromstring

from deployments.s3.answers import Tree, bad_request, quoting, time_of
from deployments.s3.objects import LAST, Entry, Objects

PAGE = 1000
_ENTITY = b"<!"


def bucket_list(buckets: Iterable[tuple[str, float]]) -> Tree:
    """Give the list of all buckets."""
    each: list[str | Tree] = [{"Name": name, "CreationDate": time_of(made)} for name, made in buckets]
    return {"Owner": {"ID": "grasp"}, "Buckets": {"Bucket": each}}


def object_list(objects: Objects, bucket: str, options: Mapping[str, str]) -> Tree:
    """Give a page of a listing, of either version of the request. Raises Refused."""
    limit = _limit(options.get("max-keys", str(PAGE)))
    prefix, delimiter = options.get("prefix", ""), options.get("delimiter", "")
    second, after = options.get("list-type") == "2", options.get("marker", "")
    if second:
        after = _told(options.get("continuation-token", "")) or options.get("start-after", "")
    elif delimiter and after.endswith(delimiter):
        after += LAST
    entries = objects.page(bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit + 1)
    more, entries = bool(limit) and len(entries) > limit, entries[:limit]
    write = quoting(options.get("encoding-type") == "url")
    page: dict[str, str | Tree | Iterable[str | Tree]] = {
        "Name": bucket,
        "Prefix": write(prefix),
        "MaxKeys": str(limit),
        "IsTruncated": str(more).lower(),
        "Contents": [_contents(entry, write(entry.key)) for entry in entries if not entry.common],
        "CommonPrefixes": [{"Prefix": write(entry.key)} for entry in entries if entry.common],
    }
    if "encoding-type" in options:
        page["EncodingType"] = options["encoding-type"]
    if second:
        page["KeyCount"] = str(len(entries))
    if more and second:
        last = entries[-1].key + (LAST if entries[-1].common else "")
        page["NextContinuationToken"] = urlsafe_b64encode(last.encode()).decode()
    elif more:
        page["NextMarker"] = write(entries[-1].key)
    return page


def deleted(objects: Objects, bucket: str, listed: bytes) -> Tree:
    """Delete the objects of a list; gives what was. Raises Refused."""
    try:
        if _ENTITY in listed:
            raise ValueError
        keys = [each.text or "" for each in fromstring(listed).findall("{*}Object/{*}Key")]  # noqa: S314
    except (ParseError, ValueError):
        raise bad_request("MalformedXML", "the list of keys cannot be read") from None
    for key in keys:
        objects.delete(bucket, key)
    return {"Deleted": [{"Key": key} for key in keys]}


def _contents(entry: Entry, name: str) -> Tree:
    return {
        "Key": name,
        "LastModified": time_of(entry.modified),
        "ETag": f'"{entry.etag}"',
        "Size": str(entry.size),
        "StorageClass": "STANDARD",
    }


def _limit(given: str) -> int:
    if not given.isdecimal():
        raise bad_request("InvalidArgument", "max-keys is a number")
    return min(int(given), PAGE)


def _told(token: str) -> str:
    try:
        return urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise bad_request("InvalidArgument", "the continuation token is none of ours") from None
