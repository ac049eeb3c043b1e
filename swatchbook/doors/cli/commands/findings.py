"""`swatchbook evaluate lost-pictures`, `products … diff` and `stats near-duplicates`: look at what was found in
documents, and compare it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.commands.products import Asked
from swatchbook.doors.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerName,
    Reference,
    choose_document,
    choose_owner,
    login_name,
    opened_resources,
    parse_boxes,
)
from swatchbook.doors.cli.terminal import cell, out, owner_flag, resumable, say_json, table
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import page_numbers, plural

if TYPE_CHECKING:
    from swatchbook.domain.records import EditionDiff, LostPicture, NearDuplicates
    from swatchbook.store.ledger.stored_documents import Document


def diff(
    context: typer.Context,
    after: Annotated[str, typer.Argument(metavar="NEWER", help="The newer document: id, unique id prefix, or name.")],
) -> None:
    """Compare with those of NEWER: added, removed, renamed, and changed in price or size."""
    asked: Asked = context.obj
    with opened_resources() as resources:
        from swatchbook.upkeep.reports.edition_report import compare_documents

        whose = choose_owner(resources.ledger, asked.owner, asked.all_owners)
        ids = [choose_document(resources.ledger, each, whose).id for each in (asked.document, after)]
        found = compare_documents(resources.ledger, *ids)
        say_json(found) if asked.as_json else out().print(draw_diff(found))


def draw_diff(diff: "EditionDiff") -> RenderableType:
    """Return the differences of two documents, one a line as in the report of an edition, and their counts."""
    from swatchbook.upkeep.reports.edition_report import count_line, difference_lines, picture_line

    counts = {what: len(getattr(diff, what)) for what in ("added", "removed", "renamed", "changed")}
    return Group(
        Text(f"{clean(diff.before.name)} ({diff.before.id[:8]}) → {clean(diff.after.name)} ({diff.after.id[:8]})"),
        *(Text(clean(line)) for line in difference_lines(diff)),
        Text(f"products: {count_line(**counts, unchanged=diff.unchanged)}"),
        Text(f"pictures: {picture_line(diff.pictures, diff.pictures_unchanged)}"),
    )


def lost_pictures(
    document: Reference,
    dismiss: Annotated[
        str, typer.Option(metavar="BOXES", help="These are not pictures, and no longer counted: 5:1,5:2.")
    ] = "",
    put_back: Annotated[
        str, typer.Option(metavar="BOXES", help="Stop reporting these; pictures taken in from them leave.")
    ] = "",
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """List what looks like a picture in a catalogue and was not taken. `fill outdated --boxes` takes it in."""
    given = (("dismissed", parse_boxes(dismiss, "--dismiss")), ("seen", parse_boxes(put_back, "--put-back")))
    with opened_resources() as resources, resumable():
        from swatchbook.domain.records import LostState
        from swatchbook.doors.cli.ingest import resume
        from swatchbook.store.ledger.page_findings import list_lost_pictures
        from swatchbook.store.ledger.stored_documents import get_document
        from swatchbook.upkeep.queue_again import decide

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        changed = [decide(resources, row, boxes, LostState(state), by=login_name()) for state, boxes in given if boxes]
        code = resume(resources, [get_document(resources.ledger, row.id)], quiet=as_json)[1] if any(changed) else 0
        found = list_lost_pictures(resources.ledger, row.id)
        if as_json:
            say_json({"document_id": row.id, "lost": found})
        else:
            out().print(draw_lost_pictures(row, found))
    raise typer.Exit(code)


def draw_lost_pictures(document: "Document", found: "Sequence[LostPicture]") -> RenderableType:
    """Return what looks like a picture as a table, how much of it is not taken, and what can be done with it."""
    from swatchbook.domain.records import LostState

    decided = {LostState.SEEN: "left out", LostState.TAKEN: "taken in", LostState.DISMISSED: "not a picture"}
    rows = table("id", "box", "of the page", "state", right=("of the page",))
    for lost in found:
        box = " ".join(f"{side:.0f}" for side in lost.bbox)
        rows.add_row(cell(lost.id, "bold"), cell(box), cell(f"{lost.share:.1%}"), cell(decided[lost.state], "dim"))
    seen = [lost.id for lost in found if lost.state is LostState.SEEN]
    count = f"{plural(len(seen), 'possible picture')} left out"
    if seen:
        this = f"{document.id[:8]}{owner_flag(document.owner)}"
        count += (
            f". To take one in: swatchbook fill outdated {this} --boxes {seen[0]}. "
            f"If it is not a picture: swatchbook evaluate lost-pictures {this} --dismiss {seen[0]}"
        )
    return Group(*([rows] if found else []), Text(count))


def near_duplicates(
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="Groups to list, the largest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List images of an owner that show nearly the same picture: in another size, compression or brightness."""
    with opened_resources() as resources:
        from swatchbook.search.near_duplicates import describe_near_duplicates

        found = describe_near_duplicates(resources, choose_owner(resources.ledger, owner, all_owners), limit)
        say_json(found) if as_json else out().print(draw_near_duplicates(found))


def draw_near_duplicates(found: "NearDuplicates") -> RenderableType:
    """Return the groups as a table, one image a row, the largest picture of each group first."""
    if not found.groups:
        return Text("No images show nearly the same picture.", "dim")
    rows = table("group", "image", "product", "document", "pages", right=("group", "pages"))
    for number, group in enumerate(found.groups, start=1):
        for place, hit in enumerate(group):
            rows.add_row(
                cell("" if place else number),
                Text.assemble((clean(hit.title), "bold"), "  ", (hit.id[:8], "dim")),
                cell(hit.product if hit.product != hit.title else ""),
                cell(hit.document),
                cell(page_numbers(hit.pages, hit.labels)),
            )
    more = [Text(f"… and {plural(found.more, 'more group')}: --limit lists them.", "dim")] if found.more else []
    return Group(rows, *more)


COMMANDS = {
    "Collection": {"stats near-duplicates": near_duplicates},
    "Everyday": {"products diff": diff},
    "Evaluation": {
        "evaluate": typer.Typer(no_args_is_help=True, help="Decide on pictures that were not taken."),
        "evaluate lost-pictures": lost_pictures,
    },
}
