"""A run's report as people read it: Markdown with thumbnails, and a table of failures."""

import io
import re
from base64 import b64encode
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from swatchbook.errors import Failure
from swatchbook.ledger.queries.thumbnails import thumbnails
from swatchbook.records import FailureRecord, Record, RunReport, Spent
from swatchbook.resources import Resources
from swatchbook.truncate import merge_roles, truncate

_PRODUCTS, _PICTURES = 12, 4
"""Products that a report shows, and pictures of each."""

_THUMBNAIL_SIDE = 96  # pixels
_THUMBNAIL_BYTES = 128 << 10
"""Of all thumbnails together: they travel and are kept within the report."""

_WARNINGS = 20


class ProductThumbnails(Record):
    """A product, and small pictures of it as data URLs. Without a product: pictures of the document."""

    product: str | None
    pictures: tuple[str, ...]


def product_thumbnails(resources: Resources, document: str) -> list[ProductThumbnails]:
    """A document's products with thumbnails. Pictures that cannot be decoded, or are over the limit, are left out."""
    shelves = thumbnails(resources.ledger, document, most=_PRODUCTS, each=_PICTURES)
    small = _thumbnails(resources, sorted({file for shelf in shelves for file in shelf.files}))
    room, shown = _THUMBNAIL_BYTES, list[ProductThumbnails]()
    for shelf in shelves:
        urls = []
        for data in filter(None, map(small.get, shelf.files)):
            room -= len(data)
            if room >= 0:
                urls.append(f"data:image/jpeg;base64,{b64encode(data).decode()}")
        if urls:
            shown.append(ProductThumbnails(product=shelf.product, pictures=tuple(urls)))
    return shown


def _thumbnails(resources: Resources, files: Sequence[str]) -> dict[str, bytes]:
    """file -> its picture as a small JPEG."""
    from PIL import Image

    found = dict[str, bytes]()
    with ExitStack() as stack:
        paths = dict[str, Path]()
        for file in files:
            with suppress(Failure):
                paths[file] = stack.enter_context(resources.files.local(file))
        for file, pixels in zip(paths, resources.decoders.decode(list(paths.values()), _THUMBNAIL_SIDE), strict=True):
            if not isinstance(pixels, Failure):
                out = io.BytesIO()
                Image.fromarray(pixels).save(out, "JPEG", quality=80)
                found[file] = out.getvalue()
    return found


def as_markdown(report: RunReport, pictured: Sequence[ProductThumbnails] = ()) -> str:
    """The report as Markdown. Names come from documents, so they are escaped."""
    images = ("found", "complete", "partial", "failed", "rejected", "pending")
    confidence = "–" if report.confidence_score is None else f"{report.confidence_score:.2f}"
    of_all = {
        "products": report.products_discovered,
        "chunks": report.chunks_created,
        "pages skipped": report.pages_skipped,
        "hidden placements": report.placements_hidden,
        "decorative placements": report.placements_decorative,
        "images to review": report.images_to_review,
        "confidence": confidence,
        "cost": f"${report.cost_usd:.2f}",
    }
    paid = ("stage", "provider", "model", "asked", "failed", "tokens in", "tokens out", "USD", "USD at most")
    blocks = ", ".join(f"{part}: {name}" for part, name in report.blocks.items())
    parts = [
        f"# {plain(report.name)}: {report.status}",
        f"**{plain(report.message)}**" if report.message else "",
        _table([f"images {name}" if name == "found" else name for name in images],
               [[getattr(report, f"images_{name}") for name in images]]),
        _table(list(of_all), [list(of_all.values())]),
        _product_sections(pictured),
        "## Seconds by stage",
        _table(list(report.seconds), [[f"{seconds:.1f}" for seconds in report.seconds.values()]]),
        "## Cost" if report.spent else "",
        _table(paid, [_paid(each) for each in report.spent]) if report.spent else "",
        f"Saved blocks used: {plain(blocks)}" if blocks else "",
    ]  # fmt: skip
    if report.warnings:
        parts += ["## Warnings", *(f"- {plain(w)}" for w in truncate(report.warnings, _WARNINGS))]
    return "\n\n".join(part for part in parts if part)


def _paid(spent: Spent) -> list[object]:
    """A line of the bill. Where prices are unknown, so is what it costs."""
    cost = f"{spent.cost_usd:.4f}" + (f" + {spent.unpriced} of unknown price" if spent.unpriced else "")
    who = [plain(name or "–") for name in (spent.stage, spent.provider, spent.model)]
    return [*who, spent.calls, spent.failed, spent.tokens_in, spent.tokens_out, cost, f"{spent.at_most_usd:.4f}"]


def _product_sections(pictured: Sequence[ProductThumbnails]) -> str:
    rows = [(plain(each.product or "–"), " ".join(map(_image, each.pictures))) for each in pictured]
    return _table(("product", "pictures"), rows) if rows else ""


def _image(url: str) -> str:
    return f'<img src="{url}" height="72"/>'


def failure_rows(report: RunReport) -> list[dict[str, str]]:
    """One row a failure, for a table; those of one image with one reason are one."""
    return [_row(f) for f in merge_roles((*report.failed_images, *report.other_failures))]


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


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows] if head else []
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


_MARKUP = re.compile(r"[\\`*_{}\[\]()#+\-.!|~:@]")
"""Punctuation that means something in Markdown: links, pictures, emphasis, and addresses that become links."""


def plain(text: str) -> str:
    """Text from a document as Markdown: no markup of its own. Prefect's UI reads descriptions as Markdown too."""
    return _MARKUP.sub(r"\\\g<0>", escape(" ".join(text.split()), quote=False))
