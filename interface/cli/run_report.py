"""A run's report and its failures as people read them."""

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from interface.cli.terminal import COMPLETED, FAILED, OPEN, WORK, cell, clean, duration, facts, table, until
from swatchbook.records import DocumentStatus, FailureRecord, RunReport, Stage
from swatchbook.truncate import merge_roles

SHOWN_FAILURES = 5

_LOOK = {
    DocumentStatus.COMPLETED: ("✓", "green"),
    DocumentStatus.WAITING: ("…", "yellow"),
    DocumentStatus.QUEUED: ("…", "yellow"),
    DocumentStatus.RUNNING: ("▶", "cyan"),
    DocumentStatus.BLOCKED: ("✗", "red"),
    DocumentStatus.FAILED: ("✗", "red"),
    DocumentStatus.CANCELLED: ("■", "dim"),
    DocumentStatus.DELETING: ("■", "dim"),
}


def exit_code(report: RunReport) -> int:
    """0 completed, 3 waiting or completed with failures, 1 whatever a person must act on."""
    if report.status is DocumentStatus.COMPLETED:
        return OPEN if report.failed_images or report.other_failures else COMPLETED
    return OPEN if report.status is DocumentStatus.WAITING else FAILED


def status(state: DocumentStatus) -> Text:
    """A status with its sign and colour."""
    sign, style = _LOOK[state]
    return Text(f"{sign} {state.value}", style)


def draw(report: RunReport, *, now: float) -> RenderableType:
    """The account of one ingest: what was found, what became of it, how long it took, what is next."""
    parts: list[RenderableType] = ["", heading(report), facts(account(report))]
    failed = merge_roles((*report.failed_images, *report.other_failures))
    if failed:
        parts.append(draw_failures(failed[:SHOWN_FAILURES], now=now))
        if more := len(failed) - SHOWN_FAILURES:
            parts.append(
                Text(f"… and {more} more: swatchbook show {report.document_id[:8]}", "dim") if more > 0 else ""
            )
    parts.extend(Text(f"! {clean(warning)}", "yellow") for warning in report.warnings[:SHOWN_FAILURES])
    if len(report.warnings) > SHOWN_FAILURES:
        parts.append(Text(f"… and {len(report.warnings) - SHOWN_FAILURES} more warnings: --json shows all", "dim"))
    parts.append(Text(f"\n{_next(report)}", "dim"))
    return Group(*parts)


def draw_failures(failures: Sequence[FailureRecord], *, now: float) -> Table:
    """What failed, where, why, how often it was tried, and when it is next."""
    made = table("failed", "page", "role", "kind", "why", "tries", "next try", right=("page", "tries"))
    for failure in failures:
        name = f"image {failure.index + 1}" if failure.index is not None else failure.subject
        made.add_row(
            cell(failure.path or name),
            cell(failure.page_number),
            cell(failure.role),
            cell(failure.kind, "red"),
            cell(failure.error),
            cell(failure.attempts),
            cell(until(failure.next_retry_at, now)),
        )
    return made


def heading(report: RunReport) -> Text:
    """The document's name and how it stands; below, why and what to do if it is not well."""
    with_failures = report.status is DocumentStatus.COMPLETED and exit_code(report) == OPEN
    outcome = Text("✓ completed with failures", "yellow") if with_failures else status(report.status)
    said = Text.assemble((clean(report.name), "bold"), "  ", outcome)
    if report.message:
        said.append(f"\n{clean(report.message)}", "yellow" if report.status is DocumentStatus.WAITING else "red")
    return said


def account(report: RunReport) -> list[tuple[str, Text | str]]:
    """The account as names and values."""
    rows: list[tuple[str, Text | str]] = [("document", report.document_id)]
    if not (report.chunks_created or report.images_found or report.pages_skipped):
        return rows  # it never came so far
    rows += [
        ("products", str(report.products_discovered)),
        ("chunks", str(report.chunks_created)),
        ("images", _images(report)),
        *([("to review", _to_review(report))] if report.images_to_review else []),
    ]
    apart = [
        (report.placements_hidden, "hidden"),
        (report.placements_decorative, "decorative"),
        (report.pages_skipped, "pages skipped"),
    ]
    if any(count for count, _ in apart):
        rows.append(("not counted", " · ".join(f"{count} {what}" for count, what in apart if count)))
    if report.confidence_score is not None:
        rows.append(("confidence", f"{report.confidence_score:.2f}"))
    if report.seconds:
        rows.append(("time", _times(report.seconds)))
    if report.peak_memory_mb is not None:
        rows.append(("memory", f"{report.peak_memory_mb:,.0f} MB at most"))
    if report.spent:
        rows.append(("cost", _cost(report)))
    return rows


def _cost(report: RunReport) -> str:
    """What is known, by stage; then what is not."""
    by_stage = defaultdict[str, float](float)
    for each in report.spent:
        by_stage[each.stage or "–"] += each.cost_usd
    known = " · ".join(f"{stage} ${usd:.4f}" for stage, usd in by_stage.items())
    counts = [
        (sum(each.failed for each in report.spent), "failed"),
        (sum(each.unpriced for each in report.spent), "at unknown prices"),
        (sum(each.unknown for each in report.spent), "perhaps paid"),
        (sum(each.truncated for each in report.spent), "with cut text"),
    ]
    notes = "".join(f", {count} {what}" for count, what in counts if count)
    return f"${report.cost_usd:.4f} ({known}): {sum(each.calls for each in report.spent)} asked{notes}"


def _images(report: RunReport) -> Text:
    counts = [
        (report.images_complete, "complete", "green"),
        (report.images_partial, "partial", "yellow"),
        (report.images_failed, "failed", "red"),
        (report.images_rejected, "rejected", "red"),
        (report.images_pending, "pending", "yellow"),
    ]
    shown = [(f"{count} {what}", style) for count, what, style in counts if count]
    said = Text(str(report.images_found), "bold")
    if shown:
        said.append(" = ")
        said.append_text(Text(" + ").join(Text(part, style) for part, style in shown))
    return said


def _to_review(report: RunReport) -> str:
    return f"{report.images_to_review} of little certainty: swatchbook review list"


def _times(seconds: dict[str, float]) -> str:
    names = {stage.value: work for stage, work in WORK.items()}
    each = " · ".join(
        f"{names.get(stage, stage)} {duration(spent)}" for stage, spent in seconds.items() if spent >= 0.05
    )
    return f"{duration(sum(seconds.values()))}" + (f" ({each})" if each else "")


def _next(report: RunReport) -> str:
    owner = "" if report.owner == "default" else f" --owner {report.owner}"
    if report.status is DocumentStatus.COMPLETED:
        return f'search it: swatchbook search "…"{owner}   look closer: swatchbook show {report.document_id[:8]}'
    if report.status is DocumentStatus.CANCELLED:
        return f"take it up again: swatchbook retry {report.document_id[:8]}"
    then = "once that is mended" if report.status in (DocumentStatus.FAILED, DocumentStatus.BLOCKED) else "go on"
    return f"{then}: swatchbook retry {report.document_id[:8]}   look closer: swatchbook show {report.document_id[:8]}"


def stage_name(stage: Stage | None) -> str:
    """A stage's work in people's words."""
    return WORK[stage] if stage else "–"
