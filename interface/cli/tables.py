"""Tables of what the ledger knows: one document, all documents, coverage, search results."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.run_report import account, draw_failures, heading, stage_name, status
from interface.cli.terminal import cell, clean, facts, megabytes, table, until
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import Document, list_documents
from swatchbook.ledger.queries import account as queries_account
from swatchbook.ledger.queries.account import Coverage
from swatchbook.ledger.queries.reviews import count_images_to_review
from swatchbook.ledger.runs import LiveRun, live_runs
from swatchbook.ledger.schedule import due_documents
from swatchbook.records import DocumentStatus, Hit, Record, RunReport, Stage
from swatchbook.truncate import merge_roles
from swatchbook.upkeep.verify import Verification

MOST_LISTED = 100
MOST_RECENT = 10
"""Documents of one status, and completed ones, that `status` lists; the counts above them are of all."""


class Overview(Record):
    """`swatchbook status`: live runs, every document that is not simply completed, and the newest that are."""

    running: tuple[LiveRun, ...]
    due: tuple[str, ...]  # ids of documents that `retry` would work on now
    open: tuple[Document, ...]
    recent: tuple[Document, ...]  # completed ones, newest first
    counts: dict[str, int]  # documents by status
    to_review: int = 0  # pictures that need a review

    def listed(self) -> dict[str, Any]:
        """As JSON, without the documents' whole reports."""
        reports = {"__all__": {"report"}}
        return self.model_dump(mode="json", exclude={"open": reports, "recent": reports})


def overview(ledger: Ledger) -> Overview:
    """What the ledger says now. Runs that died are buried on the way, so that what they left is due."""
    waiting = due_documents(ledger)
    counts = {state.value: 0 for state in DocumentStatus}
    unsettled: list[Document] = []
    for state in DocumentStatus:
        if state is not DocumentStatus.COMPLETED:
            unsettled += list_documents(ledger, status=state, limit=MOST_LISTED)
    counts |= queries_account.coverage(ledger).documents
    return Overview(
        running=tuple(live_runs(ledger)),
        due=tuple(document.id for document in waiting),
        open=tuple(unsettled),
        recent=tuple(list_documents(ledger, status=DocumentStatus.COMPLETED, limit=MOST_RECENT)),
        counts=counts,
        to_review=count_images_to_review(ledger),
    )


def draw_overview(overview: Overview, *, now: float) -> RenderableType:
    """What runs, waits, is due, is blocked; one line if there is nothing."""
    counts = " · ".join(f"{count} {name}" for name, count in overview.counts.items() if count) or "no documents yet"
    parts: list[RenderableType] = [Text(counts, "bold")]
    live = {run.document: run for run in overview.running}
    if overview.open or overview.recent:
        made = table("document", "name", "owner", "status", "at", "next", "what to know")
        for document in (*overview.open, *overview.recent):
            run = live.get(document.id)
            when = "now" if document.id in overview.due else until(document.due_at, now) if document.due_at else ""
            made.add_row(
                cell(document.id[:8]),
                cell(document.name, "bold"),
                cell(document.owner),
                status(document.status),
                cell(_position(run) if run else _place(document)),
                cell(when),
                cell((run.note if run else document.message) or ""),
            )
        parts.append(made)
    if overview.due:
        parts.append(Text(f"{len(overview.due)} due: swatchbook retry", "dim"))
    if overview.to_review:
        parts.append(Text(f"{overview.to_review} pictures to review: swatchbook review list", "dim"))
    return Group(*parts)


def draw_document(document: Document, report: RunReport, shown: dict[str, Any], *, now: float) -> RenderableType:
    """One document: its account, its products, and everything that failed."""
    known: list[tuple[str, Text | str]] = [
        ("owner", document.owner),
        ("size", megabytes(document.size) + (f" · {document.page_count} pages" if document.page_count else "")),
        *([("at", place)] if (place := _place(document)) else []),
        *([("next try", until(document.due_at, now))] if document.due_at else []),
        ("entities", str(len(shown["entities"]))),
        ("links", str(len(shown["links"]))),
    ]
    parts: list[RenderableType] = [heading(report), facts([*known, *account(report)])]
    if shown["products"]:
        parts.append(_products(shown["products"], shown["links"]))
    if failed := merge_roles((*report.failed_images, *report.other_failures)):
        parts.append(draw_failures(failed, now=now))
    if weak := [image for image in shown["images"] if image["needs_review"] and image["analysis"]]:
        parts.append(_to_review(weak))
    return Group(*parts)


def draw_hits(hits: Sequence[Hit], *, explain: bool) -> RenderableType:
    """Search results, best first."""
    if not hits:
        return Text("Nothing found. `swatchbook coverage` says what is searchable.", "dim")
    columns = ["#", "score", "what", "product", "document", "pages", "says"]
    made = table(*columns, *(["why"] if explain else []), right=("#", "score", "pages"))
    for rank, hit in enumerate(hits, start=1):
        row = [
            cell(rank),
            cell(f"{hit.score:.0%}"),
            Text.assemble((clean(hit.title), "bold"), "\n", (hit.id[:8], "dim")),
            cell(hit.product if hit.product != hit.title else ""),
            cell(hit.document),
            cell(_pages(hit.pages)),
            cell(_short(hit.text or "", 90), "dim"),
        ]
        made.add_row(*row, *([_why(hit)] if explain else []))
    return made


def draw_verification(found: Verification) -> RenderableType:
    """What each space should hold and does not, and the files that are gone."""
    made = table("space", "expected", "missing", "foreign", right=("expected", "missing", "foreign"))
    for space in found.spaces:
        made.add_row(
            cell(space.space),
            cell(space.expected),
            cell(space.missing, "red" if space.missing else "dim"),
            cell(space.foreign, "red" if space.foreign else "dim"),
        )
    parts: list[RenderableType] = [made] if found.spaces else []
    parts += [Text(f"✗ the file {key} is lost; ingest its document again", "red") for key in found.lost_files]
    if found.unpublished:
        parts.append(Text(f"{found.unpublished} changes wait to be published", "yellow"))
    if found.sound:
        parts.append(Text("✓ ledger, index and files agree" + (" again" if found.repaired else ""), "green"))
    elif not found.repaired:
        parts.append(Text("mend it: swatchbook verify --repair", "dim"))
    return Group(*parts)


def draw_coverage(coverage: Coverage) -> RenderableType:
    """How much of the collection has vectors, and by whom they were made."""
    counts = " · ".join(f"{count} {name}" for name, count in coverage.documents.items() if count)
    share = f"{coverage.with_embeddings} of {coverage.total_images} ({coverage.coverage_percentage:g} %)"
    parts: list[RenderableType] = [
        facts(
            [
                ("documents", counts or "none yet"),
                ("images with vectors", share),
                ("without", str(coverage.without_embeddings)),
                ("not yet searchable", str(coverage.unpublished)),
            ]
        )
    ]
    if coverage.roles:
        figures = ("wanted", "done", "pending", "failed", "rejected")
        made = table("role", "made by", *figures, right=figures)
        for role in coverage.roles:
            made.add_row(cell(role.role, "bold"), cell(role.tag, "dim"), *(cell(getattr(role, f)) for f in figures))
        parts.append(made)
    return Group(*parts)


def _to_review(images: Sequence[dict[str, Any]]) -> RenderableType:
    made = table("to review", "pages", "score", "last review", right=("pages", "score"))
    for image in images:
        said, last = image["analysis"], image["reviews"][-1:]
        made.add_row(
            cell(image["id"][:13], "bold"),
            cell(_pages([place["page"] for place in image["placements"]])),
            cell(f"{min(said['quality'], said['confidence']):.2f}"),
            cell("; ".join([f"{review['verdict']} by {review['by']}" for review in last]), "dim"),
        )
    return made


def _products(products: Sequence[dict[str, Any]], links: Sequence[dict[str, Any]]) -> RenderableType:
    pictured: dict[str, int] = {}
    for link in links:
        if link["kind"] == "image_product":
            pictured[link["target"]] = pictured.get(link["target"], 0) + 1
    made = table(
        "product", "category", "pages", "images", "confidence", "known", right=("pages", "images", "confidence")
    )
    for product in products:
        known = ", ".join(f"{name}: {value}" for name, value in product["metadata"].items())
        made.add_row(
            cell(product["name"], "bold"),
            cell(product["category"]),
            cell(_pages(product["pages"])),
            cell(pictured.get(product["id"], 0)),
            cell(f"{product['confidence']:.2f}"),
            cell(_short(known), "dim"),
        )
    return made


def _place(document: Document) -> str:
    return "" if document.stage is Stage.COMPLETED else stage_name(document.stage)


def _position(run: LiveRun) -> str:
    return stage_name(run.stage) + (f" {run.done}/{run.total}" if run.total else "")


def _pages(pages: Sequence[int]) -> str:
    """1, 2, 3, 7 → 1–3, 7."""
    spans: list[list[int]] = []
    for page in sorted(set(pages)):
        if spans and page == spans[-1][1] + 1:
            spans[-1][1] = page
        else:
            spans.append([page, page])
    return ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in spans) or "–"


def _short(text: str, most: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _why(hit: Hit) -> Text:
    parts = [
        f"{role} #{part['rank']:.0f} ({part['score']:.3f}) {part['share'] / hit.score:.0%}"
        for role, part in sorted(hit.why.items(), key=lambda pair: -pair[1]["share"])
    ]
    return Text("\n".join(parts), "dim")
