"""A document caught half way, and what is asked of it in the end, whatever went wrong in between."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from swatchbook.domain.records import DocumentStatus, Role
from tests.fixtures import SOAK
from tests.ledger_audit import writes
from tests.servers.audit import TERMINAL, Audit, audit, flow_runs
from tests.servers.catalogues import MakePicture, make_catalogue
from tests.servers.stack import BACK_SECONDS, Stack

PICTURES = 24
SLOW: dict[str, Any] = {"focus": False, "batch_size": 4}
"""Six batches of pictures, four at a time: with a second for each picture, eight seconds and two commits."""


WHOLE = Audit(missing=0, twice=0, unfound=0)


def half_way(
    stack: Stack, path: Path, *, pictures: int = PICTURES, picture: MakePicture | None = None, **options: Any
) -> str:
    """A document whose run has committed some of its pictures, and is at others."""
    before = pictures_made(stack)
    stack.trouble(seconds=1.0)
    document = stack.upload(make_catalogue(path, pictures=pictures, picture=picture), **{**SLOW, **options})
    stack.wait_until(lambda: pictures_made(stack) > before, "some pictures are made")
    assert stack.document(document).status == DocumentStatus.RUNNING
    return document


def pictures_made(stack: Stack) -> int:
    return sum(role == Role.VISUAL for _, role, _ in writes(stack.resources.ledger))


def conclude(stack: Stack, case: str, *documents: str, pictures: int = PICTURES) -> None:
    """All end by themselves, in the ledger and in Prefect, whole. `pictures`: those of each document."""
    started = time.monotonic()
    for document in documents:
        stack.wait_for(
            document, DocumentStatus.COMPLETED, DocumentStatus.FAILED, seconds=started + BACK_SECONDS - time.monotonic()
        )
        assert stack.document(document).status == DocumentStatus.COMPLETED, stack.document(document)
    seconds = time.monotonic() - started
    for document in documents:
        stack.wait_until(lambda: TERMINAL.issuperset(flow_runs(stack, document)), "its flow runs end")  # noqa: B023
    found = audit(stack, *documents, pictures=pictures)
    tell(case, found, seconds)
    assert found == WHOLE


def tell(case: str, found: Audit | None, seconds: float) -> None:
    """A row of the table, where SWATCHBOOK_TEST_FIGURES names the file for it. None: it is not over yet."""
    if file := os.environ.get("SWATCHBOOK_TEST_FIGURES"):
        counts = (found.missing, found.twice, found.unfound) if found else ("", "", "")
        with Path(file).open("a") as figures:
            figures.write(" | ".join(map(str, ("", case, *counts, round(seconds), ""))).strip() + "\n")


def told_of(stack: Stack, document: str) -> str:
    told = stack.ask("GET", f"/documents/{document}").json()
    assert told["status"] == DocumentStatus.BLOCKED
    return str(told["message"])


def mended(stack: Stack, document: str) -> None:
    """A blocked document is looked at again in a minute: a soak waits for it."""
    if not SOAK:
        let_time_pass(stack, document)


def let_time_pass(stack: Stack, document: str) -> None:
    """Let a document's next try, and those of all items, be due: a quarter of an hour is long for a test."""
    with stack.resources.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE items SET next_retry_at = 0 WHERE next_retry_at IS NOT NULL")
        connection.exec_driver_sql("UPDATE documents SET due_at = 0 WHERE id = %s", (document,))


def fill(file: Path) -> None:
    with suppress(OSError), file.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(1 << 16))
