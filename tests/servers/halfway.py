"""A document caught half way, and what is asked of it in the end, whatever went wrong in between."""

import os
import time
from pathlib import Path
from typing import Any

from swatchbook.records import DocumentStatus, Role
from tests.ledger_audit import writes
from tests.servers.audit import TERMINAL, Audit, audit, flow_runs
from tests.servers.catalogues import make_catalogue
from tests.servers.stack import BACK_SECONDS, Stack

PICTURES = 24
SLOW: dict[str, Any] = {"focus": False, "batch_size": 4}
"""Six batches of pictures, four at a time: with a second for each picture, eight seconds and two commits."""


WHOLE = Audit(missing=0, twice=0, unfound=0)


def half_way(stack: Stack, path: Path, **options: Any) -> str:
    """A document whose run has committed some of its pictures, and is at others."""
    before = pictures_made(stack)
    stack.trouble(seconds=1.0)
    document = stack.upload(make_catalogue(path, pictures=PICTURES), **{**SLOW, **options})
    stack.wait_until(lambda: pictures_made(stack) > before, "some pictures are made")
    assert stack.document(document).status == DocumentStatus.RUNNING
    return document


def pictures_made(stack: Stack) -> int:
    return sum(role == Role.VISUAL for _, role, _ in writes(stack.lab.ledger))


def conclude(stack: Stack, case: str, *documents: str) -> None:
    """All end by themselves, in the ledger and in Prefect, whole."""
    started = time.monotonic()
    for document in documents:
        stack.wait_for(
            document, DocumentStatus.COMPLETED, DocumentStatus.FAILED, seconds=started + BACK_SECONDS - time.monotonic()
        )
        assert stack.document(document).status == DocumentStatus.COMPLETED, stack.document(document)
    seconds = time.monotonic() - started
    for document in documents:
        stack.wait_until(lambda: TERMINAL.issuperset(flow_runs(stack, document)), "its flow runs end")  # noqa: B023
    found = audit(stack, *documents, pictures=PICTURES)
    tell(case, found, seconds)
    assert found == WHOLE


def tell(case: str, found: Audit, seconds: float) -> None:
    """A row of the table, where SWATCHBOOK_TEST_FIGURES names the file for it."""
    if file := os.environ.get("SWATCHBOOK_TEST_FIGURES"):
        with Path(file).open("a") as figures:
            figures.write(f"| {case} | {found.missing} | {found.twice} | {found.unfound} | {seconds:.0f} |\n")
