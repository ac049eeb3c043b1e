"""Receive messages from a queue of Amazon SQS, or of a server with its protocol, and delete them.

Credentials are those of the environment, or of the profile or machine, as for buckets.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from swatchbook.domain.errors import Authentication, Configuration, ProviderDown, reason_of
from swatchbook.domain.extras import require_extra
from swatchbook.domain.records import Record
from swatchbook.store.files.object_store import is_refusal

AT_ONCE = 10
"""Messages of one answer: the most that SQS gives."""

_WAIT_SECONDS = 1
"""How long SQS waits for a message: with 0 it asks only some of its servers, and may miss messages."""

_HIDDEN_SECONDS = 60
"""For how long SQS gives a received message to no other process. It is deleted within a second, unless killed."""

_REGION = re.compile(r"(?:^|\.)(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.")

_REFUSED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken",
        "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure",
    }
)  # fmt: skip
_MISSING = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"})


class QueuedMessage(Record):
    """A message that was received. `receipt` is what it is deleted by."""

    id: str
    body: str
    receipt: str


class SqsQueue:
    """A queue by its URL. Raises MissingExtra, and Configuration if no region is known."""

    def __init__(self, url: str) -> None:
        require_extra("s3", "SWATCHBOOK_EVENT_SOURCES with a queue")
        from botocore.config import Config
        from botocore.session import Session

        self.url = url
        parts = urlsplit(url)
        with self._answering():
            session = Session()
            found = _REGION.search(parts.hostname or "")
            region = (found and (found[1] or found[2])) or session.get_config_variable("region") or "us-east-1"
            self._client: Any = session.create_client(
                "sqs",
                region_name=region,
                endpoint_url=f"{parts.scheme}://{parts.netloc}",
                config=Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2}),
            )

    def receive(self) -> Sequence[QueuedMessage]:
        """Return up to AT_ONCE messages, none if the queue is empty.

        Raises Authentication, Configuration and ProviderDown.
        """
        with self._answering():
            answer = self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=AT_ONCE,
                WaitTimeSeconds=_WAIT_SECONDS,
                VisibilityTimeout=_HIDDEN_SECONDS,
            )
        return [
            QueuedMessage(id=each["MessageId"], body=each["Body"], receipt=each["ReceiptHandle"])
            for each in answer.get("Messages", ())
        ]

    def delete(self, messages: Sequence[QueuedMessage]) -> None:
        """Delete messages of one answer; one that SQS does not delete comes again. Raises as `receive`."""
        entries = [{"Id": str(n), "ReceiptHandle": message.receipt} for n, message in enumerate(messages)]
        with self._answering():
            self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Raise the errors of the queue's package as Failures."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _MISSING:
                raise Configuration(
                    f"The queue {self.url} does not exist.", advice="Correct SWATCHBOOK_EVENT_SOURCES."
                ) from error
            if code in _REFUSED:
                raise self._refused() from error
            raise ProviderDown(f"The queue {self.url} answers with an error: {code}.") from error
        except BotoCoreError as error:
            if is_refusal(error):
                raise self._refused() from error
            raise ProviderDown(f"The queue {self.url} does not answer: {reason_of(error)}.") from error

    def _refused(self) -> Authentication:
        return Authentication(
            f"The queue {self.url} refuses the credentials of this process.",
            advice="Check the credentials in the environment: they need sqs:ReceiveMessage and sqs:DeleteMessage.",
        )
