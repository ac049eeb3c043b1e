"""Ingest folders of pictures and scraped batches (`swatchbook ingest-images`), and count their items."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import IngestOptions, ItemCounts, Record, RunReport
from swatchbook.doors.cli.ingest import ingest
from swatchbook.doors.cli.run_report import SHOWN_FAILURES, item_counts
from swatchbook.doors.cli.terminal import duration, facts, out
from swatchbook.ingest.find_sources import find_sources
from swatchbook.resources import Resources
from swatchbook.store.ledger.source_items import incomplete_ids
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, PDF, documents_within, get_document
from swatchbook_base.truncate import truncate

ALL = "all"
"""Source of the counts of all sources together."""

KINDS: Mapping[str, str | None] = {"references": FOLDER, "scraped": BATCH, "all": None}
"""What `--mode` says of the paths; `all`: look what each is."""


class SourceCounts(ItemCounts):
    """The items of one source, or of all, with the ids of all that failed."""

    source: str
    document_id: str | None = None
    status: str | None = None


class Ingested(Record):
    """The result that `--json` prints."""

    sources: tuple[SourceCounts, ...]
    total: SourceCounts


def ingest_images(
    resources: Resources, kinds: Mapping[Path, str | None], *, owner: str, options: IngestOptions, quiet: bool
) -> tuple[Ingested, int]:
    """Ingest each source. Return the counts and the exit code; a source that fails does not stop the others.

    `kinds`: path -> the kind of document that it is, None for whatever is there.
    """
    sources = dict[Path, str | None]()
    for path, kind in kinds.items():
        sources |= {path: kind} if kind else dict.fromkeys(_find(resources, path, owner))
    reports, code = ingest(resources, sources, owner=owner, options=options, quiet=quiet)
    counts = tuple(counts_of(resources, report) for report in reports)
    ingested = Ingested(sources=counts, total=total_of(counts))
    if not quiet and len(counts) > 1:
        out().print("", draw_total(ingested))
    return ingested, code


def draw_total(ingested: Ingested) -> RenderableType:
    """Return the items of all sources together, with the first ids that failed."""
    total = ingested.total
    rows = [("in total", f"{len(ingested.sources)} sources"), ("items", item_counts(total))]
    if total.incomplete_ids:
        rows.append(("not complete", ", ".join(truncate(total.incomplete_ids, SHOWN_FAILURES))))
    return facts([*rows, ("time", duration(total.duration_seconds))])


def _find(resources: Resources, path: Path, owner: str) -> list[Path]:
    """Return the batches and the folder of pictures at a path, the folder also if it is known and has no more pictures.

    Without any it is the path itself, which is then refused with the reason.
    """
    try:
        found = [s.path for s in find_sources(path) if s.kind != PDF]
        content = path.resolve()
        known = any(Path(d.content) == content for d in documents_within(resources.ledger, owner, content))
    except (Failure, OSError):
        return [path]
    return [*found, path] if known and path not in found else found or [path]


def counts_of(resources: Resources, report: RunReport) -> SourceCounts:
    """Return the items of the document of a report."""
    counted = (report.items or ItemCounts()).model_dump(mode="json")
    if counted["incomplete_ids"]:
        counted["incomplete_ids"] = tuple(incomplete_ids(resources.ledger, report.document_id))
    document = get_document(resources.ledger, report.document_id)
    return SourceCounts(**counted, source=document.content, document_id=document.id, status=document.status.value)


def total_of(sources: Sequence[SourceCounts]) -> SourceCounts:
    """Return the items of all sources together."""
    counted = dict[str, Any]()
    for name in ItemCounts.model_fields:
        values = [getattr(source, name) for source in sources]
        counted[name] = sum(values, ()) if name == "incomplete_ids" else sum(values)
    return SourceCounts(**counted, source=ALL)
