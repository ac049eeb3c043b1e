"""A run's report as people read it: Markdown with thumbnails, and a table of failures."""

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from swatchbook.abridge import abridge
from swatchbook.errors import Failure
from swatchbook.lab import Lab
from swatchbook.ledger import hits
from swatchbook.records import FailureRecord, RunReport

_THUMBNAILS = 12
_WARNINGS = 20
_THUMBNAIL_SIDE = 96  # pixels


def thumbnails(lab: Lab, document: str) -> list[bytes]:
    """Small JPEGs of a document's first shown images; those that cannot be decoded are left out."""
    from contextlib import ExitStack

    from PIL import Image

    found = []
    with ExitStack() as stack:
        paths = []
        for file in hits.first_files(lab.ledger, document, _THUMBNAILS):
            try:
                paths.append(stack.enter_context(lab.files.local(file)))
            except Failure:
                continue
        for picture in lab.decoders.decode(paths, _THUMBNAIL_SIDE):
            if not isinstance(picture, Failure):
                out = io.BytesIO()
                Image.fromarray(picture).save(out, "JPEG", quality=80)
                found.append(out.getvalue())
    return found


def as_markdown(report: RunReport, pictures: Sequence[str] = ()) -> str:
    """The report as Markdown. `pictures` are data URLs. Names come from documents, so they are escaped."""
    rows = [
        ("images found", report.images_found),
        ("complete", report.images_complete),
        ("partial", report.images_partial),
        ("failed", report.images_failed),
        ("rejected", report.images_rejected),
        ("pending", report.images_pending),
        ("products", report.products_discovered),
        ("chunks", report.chunks_created),
        ("pages skipped", report.pages_skipped),
        ("hidden placements", report.placements_hidden),
        ("decorative placements", report.placements_decorative),
        ("confidence", "–" if report.confidence_score is None else f"{report.confidence_score:.2f}"),
        ("cost", f"${report.cost_usd:.2f}"),
    ]
    parts = [
        f"# {_plain(report.name)}: {report.status}",
        "".join(f'<img src="{url}" height="96"/> ' for url in pictures),
        _table(("", ""), rows),
        "## Seconds by stage",
        _table(("stage", "seconds"), [(stage, f"{seconds:.1f}") for stage, seconds in report.seconds.items()]),
    ]
    if report.message:
        parts.insert(1, f"**{_plain(report.message)}**")
    if report.warnings:
        parts += ["## Warnings", *(f"- {_plain(w)}" for w in abridge(report.warnings, _WARNINGS))]
    return "\n\n".join(part for part in parts if part)


def failure_rows(report: RunReport) -> list[dict[str, str]]:
    """One row a failure, for a table."""
    return [_row(f) for f in (*report.failed_images, *report.other_failures)]


def _row(failure: FailureRecord) -> dict[str, str]:
    again = failure.next_retry_at
    return {
        "what": failure.subject,
        "page": str(failure.page_number or ""),
        "role": failure.role or "",
        "kind": failure.kind,
        "error": failure.error,
        "attempts": str(failure.attempts),
        "next try": datetime.fromtimestamp(again, UTC).strftime("%Y-%m-%d %H:%M UTC") if again else "",
    }


def _table(head: tuple[str, str], rows: Sequence[tuple[str, object]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "| --- | ---: |", *(f"| {a} | {b} |" for a, b in rows)]
    return "\n".join(lines)


_MARKUP = re.compile(r"[\\`*_{}\[\]()#+\-.!|~:@]")
"""Punctuation that means something in Markdown: links, pictures, emphasis, and addresses that become links."""


def _plain(text: str) -> str:
    """Text from a document as Markdown: no markup of its own."""
    return _MARKUP.sub(r"\\\g<0>", escape(" ".join(text.split()), quote=False))
