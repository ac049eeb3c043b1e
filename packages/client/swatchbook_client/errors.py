"""The errors of requests to a service, which the Python clients raise, too: one class for each kind of status."""

from collections.abc import Mapping, Sequence

from swatchbook.doors.replies import InvalidField, Problem


class InvalidAddress(ValueError):
    """An address or key that the client refuses. The text quotes neither: an address may hold a password."""


class ServiceError(Exception):
    """The service refused a request, failed, or did not answer.

    `message` is what happened, `advice` what a person can do; `status` the HTTP status, None without an answer; `kind`
    the kind of the failure as in reports; `errors` the fields at fault; `id` finds the error in the service's log;
    `retry_after` seconds.
    """

    status: int | None = None

    def __init__(self, message: str, problem: Problem | None = None, *, retry_after: float | None = None) -> None:
        self.message = message
        self.advice = problem.advice if problem else None
        super().__init__(f"{message} {self.advice}" if self.advice else message)
        self.status = problem.status if problem else None
        self.kind = problem.kind if problem else None
        self.errors: Sequence[InvalidField] = (problem.errors if problem else None) or ()
        self.id = problem.id if problem else None
        self.retry_after = retry_after


class NoAnswer(ServiceError):
    """Nothing answered at this address, or not a Swatchbook service of this version."""


class Denied(ServiceError):
    """401, 403: no key, an unknown key, or a key that is not for this owner."""


class NotFound(ServiceError):
    """404: it does not exist, or belongs to another owner."""


class Conflict(ServiceError):
    """409: the document is being deleted, or there is nothing to stop."""


class TooLarge(ServiceError):
    """413: the file is over a limit of the service's settings."""


class Invalid(ServiceError):
    """400, 408, 415, 422: a parameter or the file is wrong; `errors` says which parameter and why."""


class Unavailable(ServiceError):
    """429, 503, 507: too many searches wait, ledger, index or file store do not answer, or the disk is full.

    Try again after `retry_after`.
    """


class ServiceFailed(ServiceError):
    """500 and other statuses: an unexpected error, in the service's log under `id`."""


BY_STATUS: Mapping[int, type[ServiceError]] = {
    **dict.fromkeys((401, 403), Denied),
    **dict.fromkeys((400, 408, 415, 422), Invalid),
    **dict.fromkeys((429, 503, 507), Unavailable),
    404: NotFound,
    409: Conflict,
    413: TooLarge,
}
"""HTTP status -> its error; all others are ServiceFailed."""
