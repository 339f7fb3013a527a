"""What this server answers: errors and listings, as S3 writes them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from xml.etree.ElementTree import Element, SubElement, tostring

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

Tree = Mapping[str, "str | Tree | Iterable[str | Tree]"]


class Refused(Exception):
    """A request that is answered with an error; what it names is S3's code."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def no_such_key(key: str) -> Refused:
    """Give the answer for an object that is not there."""
    return Refused(HTTPStatus.NOT_FOUND, "NoSuchKey", f"{key}: is not there")


def not_implemented(what: str) -> Refused:
    """Give the answer for what this server cannot do."""
    return Refused(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"{what}: this server does not do that")


def bad_request(code: str, message: str) -> Refused:
    """Give the answer for a request that makes no sense."""
    return Refused(HTTPStatus.BAD_REQUEST, code, message)


def error_xml(refused: Refused) -> bytes:
    """Write an error as S3 does."""
    return document("Error", {"Code": refused.code, "Message": str(refused)}, namespace="")


def document(name: str, tree: Tree, *, namespace: str = NAMESPACE) -> bytes:
    """Write a tree as XML: a mapping is an element with children, several values are siblings of one name."""
    root = Element(name, {"xmlns": namespace} if namespace else {})
    _grow(root, tree)
    body: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return body


def time_of(at_s: float) -> str:
    """Write a time as listings have it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def quoting(encode: bool) -> Callable[[str], str]:
    """Give how names are written in a listing: as they are, or as the client can read any of them."""
    from urllib.parse import quote

    return (lambda name: quote(name, safe="/")) if encode else str


def _grow(parent: Element, tree: Tree) -> None:
    for name, value in tree.items():
        for each in [value] if isinstance(value, str | Mapping) else value:
            child = SubElement(parent, name)
            if isinstance(each, str):
                child.text = each
            else:
                _grow(child, each)
