"""Every kind of failure, and how Swatchbook handles it: its class alone decides whether it is tried again. Python's own
errors, such as a full disk, become failures here (`as_failure`), those of SQL in `store/ledger/driver_errors.py`. When
the next try comes is in `backoff.py`, how many there are in `store/ledger/item_tries.py`.

Failure
├── never       the input is at fault: rejected at once with the reason; retried only when a person forces it
├── backoff     likely to pass: retried within the run, then in later runs after growing pauses
├── wait        the provider said when to call again; no attempt is spent
├── outage      a shared service is down: the run waits until it answers again; no attempt is spent
├── smaller     the batch was too large: split in halves
├── once more   the model is asked again with the reason; after that handled as backoff
└── blocked     a person must act; work resumes by itself afterwards
"""

import logging
import os
import re
from enum import StrEnum
from typing import ClassVar

log = logging.getLogger(__name__)


class Policy(StrEnum):
    NEVER = "never"
    BACKOFF = "backoff"
    WAIT = "wait"
    OUTAGE = "outage"
    SMALLER = "smaller"
    ONCE_MORE = "once more"
    BLOCKED = "blocked"


SHARED_POLICIES = frozenset({Policy.WAIT, Policy.OUTAGE, Policy.BLOCKED})
"""Policies of failures that affect all work alike: no item is at fault, no attempt is spent, and the run stops. Only an
item that is to wait is given back, and the run goes on."""


KINDS: dict[str, type["Failure"]] = {}
"""kind -> class, to rebuild failures that come from the ledger or a child process."""


class Failure(Exception):
    """Base class of all failures. `message` says what happened, `advice` what a person can do about it.

    `kind` is the name of the class in small letters: unreadable_image.
    """

    kind: ClassVar[str] = "unexpected"
    policy: ClassVar[Policy] = Policy.BACKOFF

    def __init_subclass__(cls, *, policy: Policy | None = None, kind: str | None = None) -> None:
        super().__init_subclass__()
        cls.policy = policy or cls.policy
        cls.kind = kind or re.sub("(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()
        KINDS.setdefault(cls.kind, cls)

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}" if self.advice else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.advice))


def _rebuild(cls: type[Failure], message: str, advice: str | None) -> Failure:
    return cls(message, advice=advice)


# --- never: the input is at fault -------------------------------------------------------------------------------------


class UnreadableImage(Failure, policy=Policy.NEVER):
    """The bytes are not an image, or the image is damaged."""


class UnsupportedFormat(Failure, policy=Policy.NEVER):
    """The file has a format that Swatchbook does not read.

    `begins`: its first characters, for the terminal of the person who named it. They are no part of the message, which
    is also stored, and answered to assistants and over HTTP.
    """

    def __init__(self, message: str, *, advice: str | None = None, begins: str = "") -> None:
        super().__init__(message, advice=advice)
        self.begins = begins


class TooLarge(Failure, policy=Policy.NEVER):
    """The document or image exceeds a limit of the settings."""


class TooSlow(Failure, policy=Policy.NEVER):
    """Reading the document takes more of the processor than the settings allow, however often it is tried."""


class UnreadableDocument(Failure, policy=Policy.NEVER):
    """The file is not a PDF, has no pages, or is truncated or damaged."""


class EncryptedDocument(Failure, policy=Policy.NEVER):
    """The document needs a password."""


class ProviderRejected(Failure, policy=Policy.NEVER):
    """The provider refused this request; sending it again would give the same answer."""


class Dismissed(Failure, policy=Policy.NEVER):
    """A person reviewed the analysis of an image and dismissed it."""


class InvalidReference(Failure, policy=Policy.NEVER):
    """A source, owner, document or file key does not exist, is malformed, or may not be read."""


class RefusedAddress(InvalidReference, kind="invalid_reference"):
    """A URL leads to a host that the settings do not allow. Settings may change: each ingest tries it again."""


class InvalidBackup(Failure, policy=Policy.NEVER):
    """A backup is incomplete or damaged, or was written by another version."""


class DocumentDeleted(InvalidReference):
    """The document was deleted, or moved to the trash, after the work on it was asked for: a delete wins."""


class NoCollection(InvalidReference):
    """The settings name a place without a collection: nothing was ingested there yet, or it is elsewhere."""


class UnknownOwner(InvalidReference):
    """A named owner has no documents."""


# --- backoff: likely to pass ------------------------------------------------------------------------------------------


class ProviderTimeout(Failure, policy=Policy.BACKOFF):
    """The provider did not answer in time."""


class ProviderError(Failure, policy=Policy.BACKOFF):
    """The provider answered with a server error."""


class HostAway(ProviderError):
    """A host that the URL of a picture or document names cannot be resolved or reached."""


class FileMissing(Failure, policy=Policy.BACKOFF):
    """A file that the ledger names is not in the file store."""


class CrashedWorker(Failure, policy=Policy.BACKOFF):
    """The process that worked on the item died.

    `by_itself` is True when the process crashed (SIGSEGV, SIGABRT, SIGFPE). It is False when it was killed from
    outside, as the kernel does when memory is short, or when the cause is unknown: the item may then be innocent.
    """

    def __init__(self, message: str, *, advice: str | None = None, by_itself: bool = False) -> None:
        super().__init__(message, advice=advice)
        self.by_itself = by_itself


class Unexpected(Failure, policy=Policy.BACKOFF):
    """An exception that no other class covers.

    Its type, text and traceback go to the log only: they mean nothing to a user and may quote a document or a setting.
    """


class PluginFailed(Unexpected):
    """A plugin raised an exception; the message names the plugin, and quotes the exception in one line."""


UNEXPECTED_MESSAGE = "An unexpected error (see the log)."

# --- wait: the provider said when to call again -----------------------------------------------------------------------


class RateLimited(Failure, policy=Policy.WAIT):
    """The provider's rate limit is reached. `retry_after` is the wait it asked for, in seconds."""

    def __init__(self, message: str, *, advice: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, advice=advice)
        self.retry_after = retry_after


class TooManySearches(RateLimited):
    """More searches of this API key wait than are answered soon."""


# --- outage: a shared service is down ---------------------------------------------------------------------------------


class ProviderDown(Failure, policy=Policy.OUTAGE):
    """The provider failed four times in a row (connection or server errors), or rate-limited us for ten minutes."""


class IndexDown(Failure, policy=Policy.OUTAGE):
    """The vector index does not answer."""


class LedgerDown(Failure, policy=Policy.OUTAGE):
    """The database does not answer."""


class FilesDown(Failure, policy=Policy.OUTAGE):
    """The file store does not answer."""


# --- smaller: the batch was too large ---------------------------------------------------------------------------------


class OutOfMemory(Failure, policy=Policy.SMALLER):
    """The batch did not fit into memory."""


class PayloadTooLarge(Failure, policy=Policy.SMALLER):
    """The request exceeded the provider's size limit."""


# --- once more: the model is asked again ------------------------------------------------------------------------------


class InvalidModelOutput(Failure, policy=Policy.ONCE_MORE):
    """A reply violates its schema, or a vector is NaN, zero or of the wrong dimension."""


# --- blocked: a person must act ---------------------------------------------------------------------------------------


class Configuration(Failure, policy=Policy.BLOCKED):
    """A setting is missing or wrong; the message names it."""


class MissingExtra(Failure, policy=Policy.BLOCKED):
    """A package is not installed that a setting, command or file needs; `extras.py` says which extra brings it."""


class Authentication(Failure, policy=Policy.BLOCKED):
    """An API key is missing or wrong."""


class BudgetExceeded(Failure, policy=Policy.BLOCKED):
    """The next call could exceed the document's budget."""


class IndexDamaged(Failure, policy=Policy.BLOCKED):
    """Files of the vector index are truncated, overwritten or missing."""


class DiskFull(Failure, policy=Policy.BLOCKED):
    """The disk has no space left."""


# --- control flow of runs; not failures of an item --------------------------------------------------------------------


class RunRevoked(Exception):
    """The run lost its lease (cancelled, document deleted, or presumed dead): it must stop and write nothing more."""


class Interrupted(Exception):
    """Items of a batch failed and may be retried: raised so that the task's retries run the batch again."""

    def __init__(self, open_items: int, first: str) -> None:
        super().__init__(f"{open_items} items to retry; first failure: {first}")
        self.open_items = open_items


def as_failure(error: BaseException) -> Failure:
    """Return the Failure for an exception: itself, the class that its type stands for, or `Unexpected`.

    `Unexpected` leaves the exception's text out, so the caller must log the exception.
    """
    if isinstance(error, Failure):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory("Out of memory.")
    if isinstance(error, FileNotFoundError):
        return FileMissing(f"File not found: {error.filename}")
    if isinstance(error, OSError) and error.errno in (28, 122):  # ENOSPC, EDQUOT
        return DiskFull("The disk is full.", advice="Free some space; the document then continues by itself.")
    return Unexpected(UNEXPECTED_MESSAGE)


def reason_of(error: BaseException) -> str:
    """Return in plain words why an error came, by itself or by its causes: "connection refused", "status 503".

    They are the operating system's or OpenSSL's. An error without such words is logged, and the reason is "see the
    log": those of a library mean nothing to a user, and may quote a document or a setting.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError):
            return "timed out"
        if status := getattr(getattr(cause, "response", None), "status_code", None):
            return f"status {status}"
        if words := getattr(cause, "verify_message", None):  # of a certificate
            return str(words)
        if isinstance(cause, OSError) and cause.errno and cause.strerror and type(cause).__module__ in _OF_THE_SYSTEM:
            # libraries raise their own words under the system's numbers; those below 0 are of host names
            return (os.strerror(cause.errno) if cause.errno > 0 else cause.strerror).lower()
        cause = (
            cause.exceptions[0]
            if isinstance(cause, BaseExceptionGroup)  # an error for each address of a host
            else cause.__cause__ or cause.__context__
        )
    log.warning("the cause of a failure", exc_info=error)
    return "see the log"


_OF_THE_SYSTEM = ("builtins", "socket")
"""Modules of the classes of errors whose numbers are the system's. Those of `ssl` are OpenSSL's."""
