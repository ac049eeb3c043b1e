"""Print the tables of `status` (at most 100 documents of each status, 10 completed ones) and `show`."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.domain.records import (
    DocumentStatus,
    ProductDetails,
    Record,
    RunReport,
    SkippedPage,
    Stage,
    stage_reached,
)
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.commands.products import draw_products
from swatchbook.doors.cli.run_report import (
    account,
    draw_failures,
    draw_warnings,
    heading,
    stage_name,
    state_text,
)
from swatchbook.doors.cli.terminal import cell, facts, megabytes, owner_flag, table, until, where_log_is
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.object_events import DeadEvents, dead_events
from swatchbook.store.ledger.page_findings import count_lost_pictures
from swatchbook.store.ledger.picture_reviews import count_images_to_review
from swatchbook.store.ledger.run_queries import LiveRun, live_runs
from swatchbook.store.ledger.schedule import due_documents
from swatchbook.store.ledger.stored_documents import PDF, Document, list_documents
from swatchbook.store.ledger.webhooks import Undelivered, undelivered
from swatchbook.upkeep.reports.document_state import LOOK_AT_IT, count_states, describe_document, describe_progress
from swatchbook.upkeep.reports.merged_failures import merge_roles
from swatchbook.upkeep.reports.stale import StaleRole, stale_roles
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import page_numbers, plural

MOST_LISTED = 100
MOST_RECENT = 10
"""Documents per status, and completed documents, that `status` lists at most; its counts include all."""


_NONE = {state.value: 0 for state in DocumentStatus} | {"completed with failures": 0, LOOK_AT_IT: 0}


class Overview(Record):
    """Content of `swatchbook status`: live runs, documents that are not completed, and the newest completed ones.

    `owner` None: of all owners.
    """

    owner: str | None
    running: tuple[LiveRun, ...]
    due: tuple[str, ...]  # ids of documents that `fill failed` would process now
    open: tuple[Document, ...]
    recent: tuple[Document, ...]  # completed ones, newest first
    counts: dict[str, int]  # documents by the word for their state
    to_review: int = 0  # pictures that need a review
    lost_pictures: int = 0  # seen on pages, and not taken
    stale: tuple[StaleRole, ...] = ()
    undelivered: Undelivered | None = None  # notices
    dead_events: DeadEvents | None = None  # of buckets
    missing: str | None = None  # why there is nothing: the home has no collection, and what to do

    def listed(self) -> dict[str, Any]:
        """Return the JSON form, without the documents' reports."""
        reports = {"__all__": {"report"}}
        return self.model_dump(mode="json", exclude={"open": reports, "recent": reports})


def overview(ledger: Ledger, settings: Settings, owner: str | None) -> Overview:
    """Read the overview of an owner, or of all owners. Also marks dead runs, so that their documents are due."""
    waiting = due_documents(ledger, owner=owner)
    open_documents: list[Document] = []
    for state in DocumentStatus:
        if state is not DocumentStatus.COMPLETED:
            open_documents += list_documents(ledger, owner, status=state, limit=MOST_LISTED)
    return Overview(
        owner=owner,
        running=tuple(run for run in live_runs(ledger) if owner in (None, run.owner)),
        due=tuple(document.id for document in waiting),
        open=tuple(_as_shown(document) for document in open_documents),
        recent=tuple(list_documents(ledger, owner, status=DocumentStatus.COMPLETED, limit=MOST_RECENT)),
        counts=_NONE | count_states(ledger, owner),
        to_review=count_images_to_review(ledger, owner=owner),
        lost_pictures=count_lost_pictures(ledger, owner),
        stale=stale_roles(ledger, settings, owner),
        undelivered=undelivered(ledger) if settings.notice_url else None,
        dead_events=dead_events(ledger, owner),
    )


def _as_shown(document: Document) -> Document:
    return document.model_copy(update={"stage": stage_reached(document.stage, document.status, 0)})


def empty_overview(owner: str | None, *, missing: str) -> Overview:
    """Return the overview of a home without a collection."""
    return Overview(owner=owner, running=(), due=(), open=(), recent=(), counts=_NONE, missing=missing)


def draw_overview(overview: Overview, *, now: float) -> RenderableType:
    """Return counts and a table of open and recent documents; one line for an empty collection."""
    if overview.missing:
        return Text(clean(overview.missing))
    counts = " · ".join(f"{count} {name}" for name, count in overview.counts.items() if count) or "no documents yet"
    parts: list[RenderableType] = [Text(counts, "bold")]
    live = {run.document: run for run in overview.running if run.kind == "document"}
    if overview.open or overview.recent:
        rows = table("document", "name", "owner", "status", "stage", "next try", "message")
        for document in (*overview.open, *overview.recent):
            run = live.get(document.id)
            when = "now" if document.id in overview.due else until(document.due_at, now) if document.due_at else ""
            rows.add_row(
                cell(document.id[:8]),
                cell(document.name, "bold"),
                cell(document.owner),
                state_text(describe_document(document, now=now)),
                cell(describe_progress(run).sentence if run else _stage(document)),
                cell(when),
                cell("" if run else document.message or ""),
            )
        parts.append(rows)
    if overview.due:
        parts.append(Text(f"{len(overview.due)} due now: swatchbook fill failed{owner_flag(overview.owner)}", "dim"))
    if overview.to_review:
        review = f"swatchbook review list{owner_flag(overview.owner)}"
        parts.append(Text(f"{overview.to_review} pictures to review: {review}", "dim"))
    if overview.lost_pictures:
        parts.append(Text(f"{plural(overview.lost_pictures, 'possible picture')} left out: `show` names them", "dim"))
    troubles = (*overview.stale, overview.undelivered, overview.dead_events)
    return Group(*parts, *draw_warnings(each.line for each in troubles if each))


def draw_document(
    document: Document, report: RunReport, shown: dict[str, Any], products: Sequence[ProductDetails], *, now: float
) -> RenderableType:
    """Return one document's account, products, failures, and warnings of its last run."""
    rows: list[tuple[str, Text | str]] = [
        ("owner", document.owner),
        _source(document),
        *([("edition of", document.edition_of)] if document.edition_of else []),
        *([("superseded", f"by {document.superseded_by}; searches leave it out")] if document.superseded_by else []),
        *([("stage", stage)] if (stage := _stage(document)) else []),
        *([("next try", until(document.due_at, now))] if document.due_at else []),
        ("entities", str(len(shown["entities"]))),
        ("links", str(len(shown["links"]))),
    ]
    parts: list[RenderableType] = [heading(report, now=now, next_try=document.due_at), facts([*rows, *account(report)])]
    if products:
        parts.append(draw_products(products, ()))
    if report.skipped:
        parts.append(_skipped(report.skipped))
    if failed := merge_roles((*report.failed_images, *report.other_failures)):
        parts.append(draw_failures(failed, now=now))
    parts += draw_warnings((*report.doubts, *report.warnings))
    parts += where_log_is(report.message or "", *(each.error for each in failed), *report.warnings)
    return Group(*parts)


def _source(document: Document) -> tuple[str, str]:
    if document.kind != PDF:
        return document.kind, document.content
    return "size", megabytes(document.size) + (f" · {document.page_count} pages" if document.page_count else "")


def _skipped(pages: Sequence[SkippedPage]) -> RenderableType:
    """Return the skipped pages by reason, with the number of their pictures."""
    rows = table("skipped", "pages", "pictures", right=("pages", "pictures"))
    for reason in dict.fromkeys(page.reason for page in pages):
        same = [page for page in pages if page.reason == reason]
        labels = {page.page: page.label for page in same if page.label}
        numbers = page_numbers([page.page for page in same], labels)
        rows.add_row(cell(reason, "bold"), cell(numbers), cell(sum(len(page.pictures) for page in same)))
    return rows


def _stage(document: Document) -> str:
    return "" if document.stage is Stage.COMPLETED else stage_name(document.stage)
