"""Print the tables of `coverage` and `owners`."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.run_report import stage_name
from interface.cli.terminal import cell, clean, facts, megabytes, table
from swatchbook.ledger.queries.owners import OwnerCounts
from swatchbook.records import Coverage, StageWeek
from swatchbook.reports.stages import STAGE_HEADER, stage_rows
from swatchbook.reports.stale import StaleRole


def draw_coverage(
    coverage: Coverage, stale: Sequence[StaleRole] = (), stages: Sequence[StageWeek] = ()
) -> RenderableType:
    """Return how much of the collection has vectors, by role and tag, which are stale, and the week's stage times."""
    counts = " · ".join(f"{count} {name}" for name, count in coverage.documents.items() if count)
    parts: list[RenderableType] = [
        facts(
            [
                ("documents", counts or "none yet"),
                ("images with vectors", coverage.share),
                ("images without", str(coverage.without_embeddings)),
                ("not yet published", str(coverage.unpublished)),
                ("seen, not taken", str(coverage.lost_pictures)),
            ]
        )
    ]
    if coverage.roles:
        figures = ("wanted", "done", "pending", "failed", "rejected")
        rows = table("role", "tag", *figures, right=figures)
        for role in coverage.roles:
            rows.add_row(cell(role.role, "bold"), cell(role.tag, "dim"), *(cell(getattr(role, f)) for f in figures))
        parts.append(rows)
    if stages:
        times = table(*STAGE_HEADER, right=STAGE_HEADER[1:])
        for each, (_, *cells) in zip(stages, stage_rows(stages), strict=True):
            times.add_row(*map(cell, (stage_name(each.stage), *cells)))
        parts.append(times)
    parts += stale_lines(stale)
    parts += [Text(f"! slower: {each.line}", "yellow") for each in stages if each.is_slower]
    return Group(*parts)


def draw_owners(owners: Sequence[OwnerCounts]) -> RenderableType:
    """Return a row for each owner: its documents by status, products, images, vectors and bytes."""
    figures = ("products", "images", "vectors")
    rows = table("owner", "documents", *figures, "files", right=(*figures, "files"))
    for each in owners:
        statuses = " · ".join(f"{count:,} {status}" for status, count in sorted(each.documents.items()))
        counts = [cell(f"{getattr(each, figure):,}") for figure in figures]
        rows.add_row(cell(each.owner, "bold"), cell(statuses), *counts, cell(megabytes(each.bytes)))
    return rows if owners else Text("No owners yet: nothing has been ingested.", "dim")


def stale_lines(stale: Sequence[StaleRole]) -> list[Text]:
    return [Text(f"! {clean(each.line)}", "yellow") for each in stale]
