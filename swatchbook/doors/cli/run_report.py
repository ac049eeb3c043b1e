"""Print a document's report: status, account, the first five failures and warnings, times, memory and cost.

It ends with the next command to run. The exit status is in `terminal.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from swatchbook.domain.product_doubts import is_doubtful
from swatchbook.domain.records import (
    DocumentStatus,
    EditionReport,
    FailureRecord,
    ItemCounts,
    LookAt,
    RunReport,
    Severity,
    ShownState,
    Spent,
    Stage,
    cost_of,
)
from swatchbook.doors.cli.terminal import cell, duration, facts, owner_flag, table, until, where_log_is
from swatchbook.upkeep.reports.document_state import describe_report, describe_sureness
from swatchbook.upkeep.reports.merged_failures import merge_roles
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import plural, truncate

WORK = {
    Stage.REGISTERED: "register",
    Stage.READ: "read pages",
    Stage.DISCOVERED: "find products",
    Stage.PLANNED: "plan pages",
    Stage.CHUNKED: "split text",
    Stage.EXTRACTED: "extract images",
    Stage.EMBEDDED: "embed images",
    Stage.ASSEMBLED: "link products",
    Stage.COMPLETED: "report",
}
"""Label of the work that leads to each stage."""

SHOWN_FAILURES = 5
_SHOWN_DOUBTS = 5

_LOOK: Mapping[Severity, tuple[str, str]] = {
    "good": ("✓", "green"),
    "active": ("▶", "cyan"),
    "warning": ("!", "yellow"),
    "bad": ("✗", "red"),
    "neutral": ("■", "dim"),
}
"""Severity -> sign and colour."""


def state_text(shown: ShownState) -> Text:
    """Return the word of a state with its sign and colour."""
    sign, style = _LOOK[shown.severity]
    return Text(f"{sign} {shown.word}", style)


def draw(report: RunReport, *, now: float, next_try: float | None = None) -> RenderableType:
    """Return the report of one ingest: counts, failures, warnings, time, cost and the next command to run."""
    parts: list[RenderableType] = ["", heading(report, now=now, next_try=next_try), facts(account(report))]
    failed = merge_roles((*report.failed_images, *report.other_failures))
    if failed:
        parts.append(draw_failures(failed[:SHOWN_FAILURES], now=now))
        if more := len(failed) - SHOWN_FAILURES:
            parts.append(Text(f"… and {more} more: {_show(report)}", "dim") if more > 0 else "")
    warnings = (*report.doubts, *report.warnings)
    parts += draw_warnings(warnings[:SHOWN_FAILURES])
    if (more := len(warnings) - SHOWN_FAILURES) > 0:
        parts.append(Text(f"… and {more} more warnings: {_show(report)}", "dim"))
    parts += where_log_is(report.message or "", *(each.error for each in failed), *report.warnings)
    parts.append(Text(f"\n{_next(report)}", "dim"))
    return Group(*parts)


def draw_warnings(warnings: Iterable[str]) -> list[Text]:
    """Return warnings, a line each."""
    return [Text(f"! {clean(warning)}", "yellow") for warning in warnings]


def draw_failures(failures: Sequence[FailureRecord], *, now: float) -> Table:
    """Return a table of failures with their place, cause, tries and next try."""
    rows = table("failed", "page", "role", "kind", "error", "tries", "next try", right=("page", "tries"))
    for failure in failures:
        name = f"image {failure.index + 1}" if failure.index is not None else failure.subject
        rows.add_row(
            cell(failure.place or name),
            cell(failure.page_number),
            cell(failure.role),
            cell(failure.kind, "red"),
            cell(failure.error),
            cell(failure.attempts),
            cell(until(failure.next_retry_at, now)),
        )
    return rows


def heading(report: RunReport, *, now: float, next_try: float | None = None) -> Text:
    """Return the document's name and state, with its message below if it has one. Times are Unix seconds."""
    shown = describe_report(report, now=now, next_try=next_try)
    head = Text.assemble((clean(report.name), "bold"), "  ", state_text(shown))
    if shown.severity in ("warning", "bad"):
        head.append(f"\n{shown.sentence}", _LOOK[shown.severity][1])
    if report.message:
        head.append(f"\n{clean(report.message)}", "yellow" if report.status is DocumentStatus.WAITING else "red")
    return head


def account(report: RunReport) -> list[tuple[str, Text | str]]:
    """Return the account as (name, value) rows."""
    rows: list[tuple[str, Text | str]] = [("document", report.document_id)]
    if not (report.chunks_created or report.images_found or report.pages_skipped):
        return rows  # extraction was never reached
    rows += [
        ("products", str(report.products_discovered)),
        ("chunks", str(report.chunks_created)),
        *([("items", item_counts(report.items))] if report.items else []),
        ("images", _images(report)),
    ]
    if report.images_to_review:
        listed = f"swatchbook review list{owner_flag(report.owner)}"
        rows.append(("to review", f"{report.images_to_review} with a low score: {listed}"))
    excluded = [
        (report.placements_hidden, "hidden"),
        (report.placements_decorative, "decorative"),
        (report.pages_skipped, "pages skipped"),
        (report.pictures_skipped, "pictures on them"),
    ]
    if any(count for count, _ in excluded):
        rows.append(("not counted", " · ".join(f"{count} {what}" for count, what in excluded if count)))
    if report.lost_pictures:
        rows.append(("left out", Text(_lost(report), "yellow")))
    if report.look_at:
        rows.append(("to check", Text(_doubts(report.look_at), "yellow")))
    if report.edition:
        rows += _edition(report, report.edition)
    if sure := describe_sureness(report.sure, report.products_discovered):
        rows.append(("sure", Text(sure, "yellow" if is_doubtful(report.sure) else "")))
    if report.seconds:
        rows.append(("time", _times(report)))
    if report.peak_memory_mb is not None:
        rows.append(("memory", f"{report.peak_memory_mb:,.0f} MB peak"))
    if report.spent:
        rows.append(("cost", _cost(report)))
    return rows


def _doubts(look_at: Sequence[LookAt]) -> str:
    """Return how many products and pages a person should look at, and the first of them."""
    named = [f"{each.name or 'no product'} (page {each.page})" for each in look_at]
    return f"{len(look_at)}: {', '.join(truncate(named, _SHOWN_DOUBTS))}"


_BOXES = 8
"""Pictures that were seen and not taken that the account names at most."""


def _cost(report: RunReport) -> str:
    """Return the cost by stage, the number of calls, and the calls whose cost is uncertain."""
    by_stage = defaultdict[str, list[Spent]](list)
    for each in report.spent:
        by_stage[each.stage or "–"].append(each)
    stages = " · ".join(f"{stage} {cost_of(spent)}" for stage, spent in by_stage.items())
    counts = [
        (sum(each.failed for each in report.spent), "failed"),
        (sum(each.unpriced for each in report.spent), "without a known price"),
        (sum(each.unknown for each in report.spent), "possibly charged"),
        (sum(each.truncated for each in report.spent), "with truncated text"),
    ]
    notes = "".join(f", {count} {what}" for count, what in counts if count)
    return f"{cost_of(report.spent)} ({stages}): {sum(each.calls for each in report.spent)} calls{notes}"


def _images(report: RunReport) -> Text:
    counts = [
        (report.images_complete, "complete", "green"),
        (report.images_partial, "partial", "yellow"),
        (report.images_failed, "failed", "red"),
        (report.images_rejected, "rejected", "red"),
        (report.images_pending, "pending", "yellow"),
    ]
    shown = [(f"{count} {what}", style) for count, what, style in counts if count]
    text = Text(str(report.images_found), "bold")
    if shown:
        text.append(" = ")
        text.append_text(Text(" + ").join(Text(part, style) for part, style in shown))
    return text


def _edition(report: RunReport, edition: EditionReport) -> Iterator[tuple[str, Text | str]]:
    """Yield how the document differs from the one that it is an edition of."""
    from swatchbook.upkeep.reports.edition_report import count_line, picture_line  # slow; most documents are no edition

    names = ("changed", "renamed", "added", "removed", "unchanged")
    yield "edition of", f"{clean(edition.edition_of.name)} ({edition.edition_of.id[:8]})"
    yield "differences", count_line(**{name: getattr(edition, name) for name in names})
    for line in edition.lines:
        yield "", clean(line)
    if (more := edition.changed + edition.renamed + edition.added + edition.removed - len(edition.lines)) > 0:
        command = f"swatchbook products {edition.edition_of.id[:8]} diff {report.document_id[:8]}"
        yield "", f"… and {more} more: {command}{owner_flag(report.owner)}"
    pictures = picture_line(edition.pictures, edition.pictures_unchanged)
    yield "pictures", f"{pictures}; {edition.pictures_embedded:,} embedded"


def item_counts(counts: ItemCounts) -> str:
    """Return the items of a source on one line, by state."""
    parts = [
        (counts.processed_items, "processed"),
        (counts.skipped_items, "skipped"),
        (counts.partial_items, "with some of their pictures"),
        (counts.bare_items, "without pictures"),
        (counts.failed_items, "failed"),
        (counts.pending_items, "pending"),
    ]
    shown = " + ".join(f"{count} {what}" for count, what in parts if count)
    gone = f", {counts.left_items} no longer there" if counts.left_items else ""
    return f"{counts.total_items}{f' = {shown}' if shown else ''}{gone}"


def _lost(report: RunReport) -> str:
    boxes = ", ".join(truncate([lost.id for lost in report.lost_pictures], _BOXES))
    this = f"{report.document_id[:8]}{owner_flag(report.owner)}"
    count = plural(len(report.lost_pictures), "possible picture")
    return f"{count} ({boxes}): swatchbook fill outdated {this} --boxes {report.lost_pictures[0].id}"


def _times(report: RunReport) -> str:
    labels = {stage.value: label for stage, label in WORK.items()}
    each = " · ".join(
        f"{labels.get(stage, stage)} {duration(spent)}" for stage, spent in report.seconds.items() if spent >= 0.05
    )
    return f"{duration(report.total_seconds)}" + (f" ({each})" if each else "")


def _next(report: RunReport) -> str:
    owner = owner_flag(report.owner)
    details, resume = f"details: {_show(report)}", f"swatchbook fill failed {report.document_id[:8]}{owner}"
    if report.status is DocumentStatus.COMPLETED:
        return f'search it: swatchbook search "…"{owner}   {details}'
    if report.status is DocumentStatus.CANCELLED:
        return f"resume: {resume}"
    if report.status is DocumentStatus.FAILED:
        return f"the same again: {resume}   a corrected file: swatchbook ingest FILE{owner}   {details}"
    then = "after fixing it" if report.status is DocumentStatus.BLOCKED else "resume"
    return f"{then}: {resume}   {details}"


def _show(report: RunReport) -> str:
    return f"swatchbook show {report.document_id[:8]}{owner_flag(report.owner)}"


def stage_name(stage: Stage | None) -> str:
    """Return the label of a stage."""
    return WORK[stage] if stage else "–"
