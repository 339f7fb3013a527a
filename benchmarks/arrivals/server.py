"""moto's S3 server with a bucket that is full before the first request."""

import sys

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import run_simple

from benchmarks.arrivals.world import BUCKET, objects


def main() -> None:
    """Serve a bucket of so many manifests on a port: PORT MANIFESTS listed|unlisted."""
    port, manifests, listed = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "listed"
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    for key, body in objects(manifests, listed=listed):
        backend.put_object(BUCKET, key, body)
    run_simple("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), threaded=True)


if __name__ == "__main__":
    main()
