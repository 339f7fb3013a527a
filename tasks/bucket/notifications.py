"""What a bucket tells of itself: a topic of Ceph's that sends webhooks, a queue of SQS that is asked."""

from dataclasses import dataclass
from typing import Any

from tasks.bucket.client import client_of, neighbour_of
from tasks.bucket.errors import translated
from tasks.settings import StoreSettings

LONG_POLL_S = 20
AT_ONCE = 10  # the most that SQS gives


def tell_about_manifests(settings: StoreSettings, *, topic: str, endpoint: str, secret: str) -> None:
    """Let the bucket send a webhook for each manifest, as often as you like.

    The topic is persistent: otherwise the PUT itself waits for the receiver. secret goes along every time.
    Raises StoreRefused, StoreUnavailable.
    """
    with translated(f"topic {topic}", bucket=settings.bucket):
        made = neighbour_of("sns", settings).create_topic(
            Name=topic, Attributes={"push-endpoint": endpoint, "persistent": "true", "OpaqueData": secret}
        )
        notification = {
            "Id": topic,
            "TopicArn": made["TopicArn"],
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "manifests/"}]}},
        }
        client_of(settings).put_bucket_notification_configuration(
            Bucket=settings.bucket,
            NotificationConfiguration={"TopicConfigurations": [notification]},  # type: ignore[list-item]
        )


@dataclass(frozen=True)
class Queue:
    """A queue of SQS. Its own policy says who may send."""

    client: Any
    address: str

    @classmethod
    def of(cls, settings: StoreSettings, address: str) -> "Queue":
        """Connect to a queue; nothing is sent yet."""
        return cls(neighbour_of("sqs", settings), address)

    def receive(self) -> list[dict[str, str]]:
        """Wait for messages, at most some seconds. Raises StoreRefused, StoreUnavailable."""
        with translated(self.address, bucket=self.address):
            answer = self.client.receive_message(
                QueueUrl=self.address, WaitTimeSeconds=LONG_POLL_S, MaxNumberOfMessages=AT_ONCE
            )
        return list(answer.get("Messages", []))

    def delete(self, messages: list[dict[str, str]]) -> None:
        """Delete what was received; the rest comes again. Raises StoreRefused, StoreUnavailable."""
        done = [{"Id": each["MessageId"], "ReceiptHandle": each["ReceiptHandle"]} for each in messages]
        with translated(self.address, bucket=self.address):
            self.client.delete_message_batch(QueueUrl=self.address, Entries=done)
