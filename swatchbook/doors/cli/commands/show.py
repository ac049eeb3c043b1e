"""`swatchbook show`, `status`, `stats` and `stats coverage`: what the collection has, by document or as a whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.domain.errors import NoCollection
from swatchbook.doors.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerName,
    Reference,
    Roles,
    check_owner,
    choose_document,
    choose_owner,
    opened_resources,
    parse_roles,
)
from swatchbook.doors.cli.terminal import cell, facts, out, say_json, table
from swatchbook_base.truncate import plural

if TYPE_CHECKING:
    from swatchbook.domain.records import Coverage, StageWeek, Statistics
    from swatchbook.upkeep.reports.stale import StaleRole


def show(document: Reference, owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """Show one document: its account, products and failures."""
    with opened_resources() as resources:
        from swatchbook.doors.cli.document_tables import draw_document
        from swatchbook.store.ledger.queries.document import show_document
        from swatchbook.store.ledger.queries.report import document_report
        from swatchbook.upkeep.export.product_rows import read_products
        from swatchbook.upkeep.reports.merged_failures import merge_roles

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        details = show_document(resources.ledger, row.id)
        report = document_report(resources.ledger, row.id)
        if as_json:
            failures = merge_roles((*report.failed_images, *report.other_failures))
            say_json(details | {"failures": failures})
            return
        products = list(read_products(resources.ledger, row.id))
        out().print(draw_document(row, report, details, products, now=resources.ledger.now()))


def status(owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """List documents that are running, waiting, due or blocked. In a new home, say that it has no collection yet."""
    check_owner(owner, all_owners)
    try:
        with opened_resources() as resources:
            from swatchbook.doors.cli.document_tables import draw_overview, overview

            announced = {each.owner for each in resources.settings.event_sources}  # they may have no document yet
            whose = choose_owner(resources.ledger, owner, all_owners, others=announced)
            state, now = overview(resources.ledger, resources.settings, whose), resources.ledger.now()
    except NoCollection as missing:
        from swatchbook.domain.records import DEFAULT_OWNER
        from swatchbook.doors.cli.document_tables import draw_overview, empty_overview

        state, now = empty_overview(None if all_owners else owner or DEFAULT_OWNER, missing=str(missing)), 0.0
    say_json(state.listed()) if as_json else out().print(draw_overview(state, now=now), soft_wrap=bool(state.missing))


def coverage(owner: OwnerName = None, all_owners: AllOwners = False, roles: Roles = "", as_json: Json = False) -> None:
    """Show how much of the collection is embedded and searchable, and what the stages took this week."""
    wanted = parse_roles(roles)
    with opened_resources() as resources:
        from swatchbook.store.ledger.queries.coverage import count_statistics
        from swatchbook.store.ledger.queries.stage_times import stage_weeks
        from swatchbook.upkeep.reports.collection_state import by_shown_state
        from swatchbook.upkeep.reports.stale import stale_roles

        whose = choose_owner(resources.ledger, owner, all_owners)
        counted = by_shown_state(resources.ledger, count_statistics(resources.ledger, whose, wanted).coverage, whose)
        stale = stale_roles(resources.ledger, resources.settings, whose, wanted)
        stages = stage_weeks(resources.ledger, whose)
        if as_json:
            say_json(counted.model_dump(mode="json") | {"stale": stale, "stages": stages})
        else:
            out().print(draw_coverage(counted, stale, stages))


def stats(
    context: typer.Context, owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False
) -> None:
    """Count images by state, role, model and kind of failure; show by role how alike a sample of them is."""
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from swatchbook.upkeep.reports.collection_state import collect_statistics

        collected = collect_statistics(resources, choose_owner(resources.ledger, owner, all_owners))
        say_json(collected) if as_json else out().print(draw_statistics(collected))


def draw_statistics(statistics: "Statistics") -> RenderableType:
    """Return images by state, by role and model, and by kind of failure, and how alike a sample of them is."""
    images = statistics.images
    states = " + ".join(
        f"{getattr(images, state):,} {state}" for state in ("complete", "partial", "failed", "rejected", "pending")
    )
    parts: list[RenderableType] = [facts([("images", f"{images.found:,} = {states}")])]
    parts.append(draw_coverage(statistics.coverage))
    if statistics.failures:
        kinds = table("failure", "images", right=("images",))
        for kind, count in statistics.failures.items():
            kinds.add_row(cell(kind, "red"), cell(f"{count:,}"))
        parts.append(kinds)
    if statistics.similarity:
        rows = table("role", "nearest neighbour", "of", right=("nearest neighbour",))
        for each in statistics.similarity:
            mean = None if each.mean is None else f"{each.mean:.2f}"
            rows.add_row(cell(each.role, "bold"), cell(mean), cell(plural(each.sample, "object"), "dim"))
        parts += [rows, Text("nearest neighbour: mean cosine similarity of a sample; 1.00 means equal ones.", "dim")]
    return Group(*parts)


def draw_coverage(
    coverage: "Coverage", stale: "Sequence[StaleRole]" = (), stages: "Sequence[StageWeek]" = ()
) -> RenderableType:
    """Return how much of the collection has vectors, by role and tag, which are stale, and the week's stage times."""
    from swatchbook.doors.cli.run_report import draw_warnings, stage_name
    from swatchbook.upkeep.reports.collection_state import STAGE_HEADER, stage_rows

    counts = " · ".join(f"{count} {name}" for name, count in coverage.documents.items() if count)
    parts: list[RenderableType] = [
        facts(
            [
                ("documents", counts or "none yet"),
                ("images with vectors", coverage.share),
                ("images without", str(coverage.without_embeddings)),
                ("not searchable yet", str(coverage.unpublished)),
                ("possible pictures left out", str(coverage.lost_pictures)),
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
    slower = [f"slower: {each.line}" for each in stages if each.is_slower]
    return Group(*parts, *draw_warnings([*(each.line for each in stale), *slower]))


COMMANDS = {
    "Everyday": {"show": show, "status": status},
    "Collection": {"stats": typer.Typer(invoke_without_command=True, callback=stats), "stats coverage": coverage},
}
