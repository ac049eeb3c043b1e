"""Every failure Swatchbook knows, and what is done about each. The class is the policy, and nothing else decides.

Failure
├── never       rejected at once with the reason; tried again only by force
├── backoff     retried in the run, then later with growing pauses
├── wait        the provider said when to come back; costs no attempt
├── outage      something everyone needs is away; probed, no attempt spent
├── smaller     the batch was too big; halved
├── once more   asked again with the reason, then as backoff
└── blocked     a person must act; goes on by itself once mended
"""

from enum import StrEnum
from typing import ClassVar


class Policy(StrEnum):
    NEVER = "never"
    BACKOFF = "backoff"
    WAIT = "wait"
    OUTAGE = "outage"
    SMALLER = "smaller"
    ONCE_MORE = "once more"
    BLOCKED = "blocked"


SHARED = frozenset({Policy.WAIT, Policy.OUTAGE, Policy.BLOCKED})
"""Policies of failures that concern everybody: nothing is at fault, no attempt is spent, the work as a whole stops."""


class Failure(Exception):
    """Base of all. `message` says what happened, `advice` what a person can do."""

    kind: ClassVar[str] = "unexpected"
    policy: ClassVar[Policy] = Policy.BACKOFF

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


# --- never: the thing itself is at fault ------------------------------------------------------------------------------


class UnreadableImage(Failure):
    """Its bytes are no picture, or a broken one."""

    kind, policy = "unreadable_image", Policy.NEVER


class UnsupportedFormat(Failure):
    """A kind of file that Swatchbook does not take."""

    kind, policy = "unsupported_format", Policy.NEVER


class TooLarge(Failure):
    """Over a limit of the settings."""

    kind, policy = "too_large", Policy.NEVER


class UnreadableDocument(Failure):
    """No PDF, no pages, truncated or broken."""

    kind, policy = "unreadable_document", Policy.NEVER


class EncryptedDocument(Failure):
    """It needs a password."""

    kind, policy = "encrypted_document", Policy.NEVER


class ProviderRejected(Failure):
    """A provider will not answer this request, ever."""

    kind, policy = "provider_rejected", Policy.NEVER


class Dismissed(Failure):
    """A person has reviewed what is said of it, and will have none of it."""

    kind, policy = "dismissed", Policy.NEVER


class InvalidReference(Failure):
    """A source, owner, document or file key that means nothing, or that may not be read."""

    kind, policy = "invalid_reference", Policy.NEVER


class UnknownOwner(InvalidReference):
    """An owner of no document, asked for by name."""

    kind, policy = "unknown_owner", Policy.NEVER


# --- backoff: likely to pass ------------------------------------------------------------------------------------------


class ProviderTimeout(Failure):
    """No answer in time."""

    kind, policy = "provider_timeout", Policy.BACKOFF


class ProviderError(Failure):
    """The provider answered with an error of its own."""

    kind, policy = "provider_error", Policy.BACKOFF


class FileMissing(Failure):
    """A stored file is not where the ledger says."""

    kind, policy = "file_missing", Policy.BACKOFF


class CrashedWorker(Failure):
    """It ended the process that worked on it.

    `by_itself`: the process crashed (SIGSEGV, SIGABRT, SIGFPE). Otherwise it was killed from outside, as by the kernel
    when memory is short, or nobody knows: that is no proof against what it worked on.
    """

    kind, policy = "crashed_worker", Policy.BACKOFF

    def __init__(self, message: str, *, advice: str | None = None, by_itself: bool = False) -> None:
        super().__init__(message, advice=advice)
        self.by_itself = by_itself


class Unexpected(Failure):
    """An error that nobody foresaw. Its class, text and place are in the log alone: they mean nothing to a user, and
    may quote a document or a setting."""

    kind, policy = "unexpected", Policy.BACKOFF


UNFORESEEN = "An unexpected error (see the log)."

# --- wait -------------------------------------------------------------------------------------------------------------


class RateLimited(Failure):
    """The provider said when to come back."""

    kind, policy = "rate_limited", Policy.WAIT

    def __init__(self, message: str, *, advice: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, advice=advice)
        self.retry_after = retry_after  # seconds


# --- outage: everybody's problem, nobody's attempt --------------------------------------------------------------------


class ProviderDown(Failure):
    """Four connection or server errors in a row, or ten minutes of being told to wait."""

    kind, policy = "provider_down", Policy.OUTAGE


class IndexDown(Failure):
    """The vector index does not answer."""

    kind, policy = "index_down", Policy.OUTAGE


class LedgerDown(Failure):
    """The database does not answer."""

    kind, policy = "ledger_down", Policy.OUTAGE


class FilesDown(Failure):
    """The file store does not answer."""

    kind, policy = "files_down", Policy.OUTAGE


# --- smaller ----------------------------------------------------------------------------------------------------------


class OutOfMemory(Failure):
    """The batch did not fit."""

    kind, policy = "out_of_memory", Policy.SMALLER


class PayloadTooLarge(Failure):
    """The request did not fit."""

    kind, policy = "payload_too_large", Policy.SMALLER


# --- once more --------------------------------------------------------------------------------------------------------


class InvalidModelOutput(Failure):
    """A reply off the schema, or a vector that is NaN, zero or of the wrong dimension."""

    kind, policy = "invalid_model_output", Policy.ONCE_MORE


# --- blocked: a person must act ---------------------------------------------------------------------------------------


class Configuration(Failure):
    """A setting is missing or wrong; the message names it."""

    kind, policy = "configuration", Policy.BLOCKED


class Authentication(Failure):
    """A key is missing or wrong."""

    kind, policy = "authentication", Policy.BLOCKED


class BudgetExceeded(Failure):
    """The next call would cost more than allowed."""

    kind, policy = "budget_exceeded", Policy.BLOCKED


class DiskFull(Failure):
    """No room for what must be written."""

    kind, policy = "disk_full", Policy.BLOCKED


# --- of runs, not of things -------------------------------------------------------------------------------------------


class RunRevoked(Exception):
    """This run was cancelled, its document deleted, or it was taken for dead: it must stop and write nothing more."""


class Interrupted(Exception):
    """A batch has passing failures left: the task's retries bring it back."""

    def __init__(self, open_items: int, first: str) -> None:
        super().__init__(f"{open_items} items to try again; first: {first}")
        self.open_items = open_items


KINDS: dict[str, type[Failure]] = {}
"""kind -> class, for failures that come back from the ledger or a child process."""


def _register(cls: type[Failure]) -> None:
    KINDS[cls.kind] = cls
    for sub in cls.__subclasses__():
        _register(sub)


for _cls in Failure.__subclasses__():
    _register(_cls)


def as_failure(error: BaseException) -> Failure:
    """Any exception as a Failure: itself, the class its type stands for, or `Unexpected`.

    What an unexpected one says is not in the Failure: whoever keeps the Failure writes the exception to the log.
    """
    if isinstance(error, Failure):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory("Out of memory.")
    if isinstance(error, FileNotFoundError):
        return FileMissing(f"File not found: {error.filename}")
    if isinstance(error, OSError) and error.errno in (28, 122):  # ENOSPC, EDQUOT
        return DiskFull("No space left on the disk.", advice="Free some space; the document goes on by itself.")
    return Unexpected(UNFORESEEN)
