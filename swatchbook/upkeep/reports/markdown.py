"""Write the report of a run as Markdown, with text from documents escaped, and its rows of failures.

`store/ledger/queries/account.py` counts the figures.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from swatchbook.domain.records import EditionReport, FailureRecord, RunReport, ShownState, Spent, cost_of
from swatchbook.upkeep.reports.document_state import describe_report, describe_sureness
from swatchbook.upkeep.reports.edition_report import count_line, picture_line
from swatchbook.upkeep.reports.merged_failures import merge_roles
from swatchbook_base.truncate import truncate

_WARNINGS = 20  # shown at most


def as_markdown(report: RunReport, *, shown: ShownState | None = None) -> str:
    """Return the report as Markdown, with text from documents escaped.

    `shown`: the document's state in words, with its next try.
    """
    shown = shown or describe_report(report, now=0.0)
    images = ("found", "complete", "partial", "failed", "rejected", "pending")
    totals = {
        "products": report.products_discovered,
        "chunks": report.chunks_created,
        "pages skipped": report.pages_skipped,
        "pictures on them": report.pictures_skipped,
        "possible pictures left out": len(report.lost_pictures),
        "unassigned captions": sum(len(left.texts) for left in report.unassigned),
        "unassigned pictures": sum(len(left.pictures) for left in report.unassigned),
        "to check": len(report.look_at),
        "hidden placements": report.placements_hidden,
        "decorative placements": report.placements_decorative,
        "images to review": report.images_to_review,
        "cost": cost_of(report.spent, digits=2),
    }
    cost_header = ("stage", "provider", "model", "asked", "failed", "tokens in", "tokens out", "USD", "USD at most")
    blocks = ", ".join(f"{part}: {name}" for part, name in report.blocks.items())
    parts = [
        f"# {plain(report.name)}: {shown.word}",
        plain(shown.sentence),
        f"**{plain(report.message)}**" if report.message else "",
        plain(describe_sureness(report.sure, report.products_discovered) or ""),
        table([f"images {name}" if name == "found" else name for name in images],
               [[getattr(report, f"images_{name}") for name in images]]),
        table(list(totals), [list(totals.values())]),
        _edition(report.edition) if report.edition else "",
        f"## Seconds by stage, of {report.total_seconds:.1f} from the request to the end",
        table(list(report.seconds), [[f"{seconds:.1f}" for seconds in report.seconds.values()]]),
        "## Cost" if report.spent else "",
        table(cost_header, [_cost_row(each) for each in report.spent]) if report.spent else "",
        f"Saved blocks used: {plain(blocks)}" if blocks else "",
    ]  # fmt: skip
    if warnings := (*report.doubts, *report.warnings):
        parts += ["## Warnings", *(f"- {plain(w)}" for w in truncate(warnings, _WARNINGS))]
    return "\n\n".join(part for part in parts if part)


def _edition(edition: EditionReport) -> str:
    """Return how the document differs from the one that it is an edition of."""
    names = ("changed", "renamed", "added", "removed", "unchanged")
    counts = count_line(**{name: getattr(edition, name) for name in names})
    pictures = picture_line(edition.pictures, edition.pictures_unchanged)
    lines = [f"An edition of {plain(edition.edition_of.name)}: {counts}. Pictures: {pictures}.", ""]
    return "\n".join([*lines, *(f"- {plain(line)}" for line in edition.lines)])


def _cost_row(spent: Spent) -> list[object]:
    """Return a row of the cost table. Calls without a known price are counted next to the cost."""
    cost = f"{spent.cost_usd:.4f}" + (f" + {spent.unpriced} of unknown price" if spent.unpriced else "")
    names = [plain(name or "–") for name in (spent.stage, spent.provider, spent.model)]
    return [*names, spent.calls, spent.failed, spent.tokens_in, spent.tokens_out, cost, f"{spent.at_most_usd:.4f}"]


def failure_rows(report: RunReport) -> list[dict[str, str]]:
    """Return one table row per failure; failures of one image that differ only in their role are merged.

    Texts from a document are escaped, since Prefect's UI reads each cell as Markdown.
    """
    return [_failure_row(f) for f in merge_roles((*report.failed_images, *report.other_failures))]


def _failure_row(failure: FailureRecord) -> dict[str, str]:
    next_try = failure.next_retry_at
    return {
        "what": failure.subject,
        "page": str(failure.page_number or ""),
        "path": plain(failure.place or ""),
        "role": failure.role or "",
        "kind": failure.kind,
        "error": plain(failure.error),
        "attempts": str(failure.attempts),
        "next try": datetime.fromtimestamp(next_try, UTC).strftime("%Y-%m-%d %H:%M UTC") if next_try else "",
    }


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; an empty string if there are no columns."""
    lines = [header, ["---"] * len(header), *rows] if header else []
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


_MARKUP = re.compile(r"[\\`*_{}\[\]()#+\-.!|~:@]")
"""Punctuation with a meaning in Markdown: links, images, emphasis, and URLs that become links."""


def plain(text: str) -> str:
    """Escape text from a document, so that it contains no Markdown. Prefect's UI also renders descriptions."""
    return _MARKUP.sub(r"\\\g<0>", escape(" ".join(text.split()), quote=False))
