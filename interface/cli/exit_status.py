"""The exit status of commands; for several documents the most severe: 1 before 2, 3 and 0.

- 0: completed
- 1: failed, blocked, cancelled, or the input was refused
- 2: wrong usage, such as a path or document that does not exist
- 3: waiting, or completed with failures
- 130: interrupted, after a line that says how to continue
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from swatchbook.errors import Failure, InvalidReference

if TYPE_CHECKING:
    from swatchbook.records import RunReport

COMPLETED, FAILED, USAGE, OPEN, INTERRUPTED = 0, 1, 2, 3, 130


def of_report(report: "RunReport") -> int:
    """Return COMPLETED, OPEN for waiting or completed with failures, FAILED where nothing of it could be used, and for
    anything that needs a person.
    """
    from swatchbook.records import DocumentStatus
    from swatchbook.reports.document_state import describe_report

    shown = describe_report(report, now=0.0)
    if shown.severity == "warning":
        return OPEN
    return COMPLETED if report.status is DocumentStatus.COMPLETED and shown.severity == "good" else FAILED


def of_failure(failure: Failure) -> int:
    """Return USAGE for a path, document or owner that does not exist, else FAILED."""
    return USAGE if isinstance(failure, InvalidReference) else FAILED


def worst(codes: Iterable[int]) -> int:
    """Return the most severe of the exit codes: FAILED, USAGE, OPEN, COMPLETED in this order."""
    seen = set(codes)
    return next((code for code in (FAILED, USAGE, OPEN) if code in seen), COMPLETED)


@contextmanager
def resumable() -> Iterator[None]:
    """On Ctrl-C, say how to resume and exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        from interface.cli.prefect_run import leave
        from interface.cli.terminal import note

        note("Interrupted. Finished work is kept; run the same command again to resume.")
        leave(INTERRUPTED)
