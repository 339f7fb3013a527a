"""Ask at a stack's doors as anybody may: through nginx, with its certificate, with or without credentials."""

import json
import ssl
import urllib.error
import urllib.request

from deployments.stack.layout import Layout
from deployments.supervision.unit import HOST


def ask(layout: Layout, door: str, path: str, *, body: bytes | None = None, **headers: str) -> int:
    """Ask at a door, which sends what it is given; gives the status."""
    context = ssl.create_default_context(cafile=str(layout.authority))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    address = f"https://{HOST}:{getattr(layout.ports, door)}{path}"
    request = urllib.request.Request(address, data=body, headers=headers)
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def knock(layout: Layout, body: bytes, **headers: str) -> int:
    """Bring the receiver a notification; gives the status."""
    return ask(layout, "receiver_tls", "/events", body=body, **headers)


def notification(key: str, *, secret: str = "") -> bytes:
    """Write what a store sends of an object that was made in the stack's bucket."""
    record = {"eventName": "ObjectCreated:Put", "opaqueData": secret}
    record["s3"] = {"bucket": {"name": "grasp"}, "object": {"key": key}}
    return json.dumps({"Records": [record]}).encode()
