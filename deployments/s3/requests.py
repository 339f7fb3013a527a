"""What is asked of the server, and who answers it."""

import re
from collections.abc import Callable
from http import HTTPStatus

from deployments.s3.answers import Tree, bad_request, document, not_implemented
from deployments.s3.checks import receive
from deployments.s3.listings import bucket_list, deleted, object_list
from deployments.s3.messages import Answer, Request
from deployments.s3.objects import Objects
from deployments.s3.reads import read_object
from deployments.s3.uploads import Uploads

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
MAX_KEY_BYTES = 1024
MAX_LISTED_BYTES = 4 * 1024 * 1024


def answer(request: Request, objects: Objects, uploads: Uploads) -> Answer:
    """Do what is asked. Raises Refused."""
    if len(request.key.encode()) > MAX_KEY_BYTES or "\0" in request.key:
        raise bad_request("KeyTooLongError", f"a key has at most {MAX_KEY_BYTES} bytes, none of them zero")
    if not request.bucket:
        return _buckets(request, objects)
    if not request.key:
        return _bucket(request, objects, uploads)
    if request.options.keys() & {"uploads", "uploadId"}:
        return _upload(request, objects, uploads)
    return _object(request, objects)


def _xml(name: str, tree: Tree) -> Answer:
    return Answer(HTTPStatus.OK, document(name, tree), {"Content-Type": "application/xml"})


def _buckets(request: Request, objects: Objects) -> Answer:
    if request.method != "GET":
        raise not_implemented(request.method)
    return _xml("ListAllMyBucketsResult", bucket_list(objects.buckets()))


def _bucket(request: Request, objects: Objects, uploads: Uploads) -> Answer:
    method, bucket = request.method, request.bucket
    if method == "PUT":
        if not _BUCKET.fullmatch(bucket):
            raise bad_request("InvalidBucketName", f"{bucket}: no name for a bucket")
        objects.make_bucket(bucket)
        return Answer(HTTPStatus.OK, headers={"Location": f"/{bucket}"})
    objects.need_bucket(bucket)
    if method == "HEAD":
        return Answer(HTTPStatus.OK)
    if method == "GET" and "location" in request.options:
        return _xml("LocationConstraint", {})
    if method == "GET" and "uploads" in request.options:
        return _xml("ListMultipartUploadsResult", uploads.unfinished(bucket))
    if method == "GET" and not request.options.keys() & {
        "versions",
        "uploads",
        "policy",
        "acl",
        "versioning",
    }:
        return _xml("ListBucketResult", object_list(objects, bucket, request.options))
    if method == "POST" and "delete" in request.options:
        return _xml("DeleteResult", deleted(objects, bucket, _short(request)))
    raise not_implemented(f"{method} of a bucket with {', '.join(request.options) or 'nothing'}")


def _upload(request: Request, objects: Objects, uploads: Uploads) -> Answer:
    bucket, key, upload = request.bucket, request.key, request.options.get("uploadId", "")
    if request.method == "POST" and not upload:
        upload = uploads.begin(bucket, key, request.kept)
        tree = {"Bucket": bucket, "Key": key, "UploadId": upload}
        return _xml("InitiateMultipartUploadResult", tree)
    uploads.need(upload, bucket, key)
    if request.method == "PUT":
        received = receive(objects.files, request.body, request.headers)
        uploads.add(upload, request.options.get("partNumber", ""), received)
        return Answer(HTTPStatus.OK, headers={"ETag": f'"{received.md5}"'})
    if request.method == "POST":
        etag = uploads.complete(upload, bucket, key, _short(request), request.condition)
        return _xml("CompleteMultipartUploadResult", {"Bucket": bucket, "Key": key, "ETag": f'"{etag}"'})
    if request.method == "DELETE":
        uploads.drop(upload)
        return Answer(HTTPStatus.NO_CONTENT)
    raise not_implemented(f"{request.method} of an upload")


def _object(request: Request, objects: Objects) -> Answer:
    doing: dict[str, Callable[[Request, Objects], Answer]] = {
        "PUT": _put,
        "GET": read_object,
        "HEAD": read_object,
        "DELETE": _delete,
    }
    asked = request.options.keys() & {"acl", "tagging", "retention", "legal-hold", "attributes", "versionId"}
    if asked or request.method not in doing or "x-amz-copy-source" in request.headers:
        raise not_implemented(", ".join(asked) or f"{request.method} or a copy")
    return doing[request.method](request, objects)


def _put(request: Request, objects: Objects) -> Answer:
    objects.need_bucket(request.bucket)
    received = receive(objects.files, request.body, request.headers)
    objects.put(
        *(request.bucket, request.key, received),
        etag=received.md5,
        headers=request.kept,
        condition=request.condition,
    )
    return Answer(HTTPStatus.OK, headers={"ETag": f'"{received.md5}"'})


def _delete(request: Request, objects: Objects) -> Answer:
    objects.need_bucket(request.bucket)
    objects.delete(request.bucket, request.key)
    return Answer(HTTPStatus.NO_CONTENT)


def _short(request: Request) -> bytes:
    document_bytes = request.body.read(MAX_LISTED_BYTES + 1)
    if len(document_bytes) > MAX_LISTED_BYTES:
        raise bad_request("EntityTooLarge", f"a list has at most {MAX_LISTED_BYTES} bytes")
    return document_bytes
