"""What a server counts of itself, in the text format of Prometheus."""

import threading
from collections import Counter


class Tally:
    """Counts requests by status code, images, seconds, swaps; any thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[int] = Counter()
        self._images, self._seconds, self._version = 0, 0.0, 0
        self._loads, self._follow_errors = 0, 0

    def answered(self, status: int, *, images: int, seconds: float) -> None:
        """Count a request for predictions."""
        with self._lock:
            self._requests[status] += 1
            self._images += images
            self._seconds += seconds

    def loaded(self, version: int) -> None:
        """Count that a version began to answer."""
        with self._lock:
            self._version = version
            self._loads += 1

    def could_not_follow(self) -> None:
        """Count that the alias could not be followed."""
        with self._lock:
            self._follow_errors += 1

    def text(self) -> str:
        """Give the metrics as /metrics answers them."""
        with self._lock:
            by_status = [
                f'grasp_requests_total{{status="{status}"}} {count}'
                for status, count in sorted(self._requests.items())
            ]
            lines = [
                "# TYPE grasp_requests_total counter",
                *by_status,
                "# TYPE grasp_images_total counter",
                f"grasp_images_total {self._images}",
                "# TYPE grasp_request_seconds summary",
                f"grasp_request_seconds_sum {self._seconds:.6f}",
                f"grasp_request_seconds_count {sum(self._requests.values())}",
                "# TYPE grasp_model_version gauge",
                f"grasp_model_version {self._version}",
                "# TYPE grasp_model_loads_total counter",
                f"grasp_model_loads_total {self._loads}",
                "# TYPE grasp_follow_errors_total counter",
                f"grasp_follow_errors_total {self._follow_errors}",
            ]
        return "\n".join(lines) + "\n"
