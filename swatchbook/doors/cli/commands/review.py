"""`swatchbook review list | run | accept | reject`: the commands and their options."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerName,
    check_text,
    choose_owner,
    login_name,
    opened_resources,
)
from swatchbook.doors.cli.terminal import COMPLETED, OPEN, cell, out, owner_flag, resumable, say_json, table
from swatchbook_base.one_line import clean

if TYPE_CHECKING:
    from swatchbook.domain.records import Review, ReviewImage
    from swatchbook.ingest.review import Reviewed
    from swatchbook.resources import Resources


app = typer.Typer(no_args_is_help=True, help="Review pictures whose analysis is weak.")

Image = Annotated[str, typer.Argument(metavar="IMAGE", help="Image id, or unique id prefix.")]


MOST_LISTED = 200
"""Rows of a table at most; JSON has all pictures."""


@app.command("list")
def list_weak(owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """List pictures that need a review, with their analysis and why it is weak."""
    with opened_resources() as resources:
        from swatchbook.store.ledger import picture_reviews

        whose = choose_owner(resources.ledger, owner, all_owners)
        limit = None if as_json else MOST_LISTED
        pictures, _ = picture_reviews.images_to_review(resources.ledger, owner=whose, limit=limit)
        say_json(pictures) if as_json else out().print(
            draw_waiting(pictures, total=picture_reviews.count_images_to_review(resources.ledger, owner=whose))
        )


def draw_waiting(pictures: "Sequence[ReviewImage]", *, total: int) -> RenderableType:
    """Return a row per picture: its place, its analysis with its weakness, and what the review model made of it."""
    from swatchbook.domain.analysis import understanding_text

    if not pictures:
        return Text("No picture needs a review.", "dim")
    rows = table("image", "document", "owner", "page", "weakness", "analysis", "review", right=("page",))
    for each in pictures:
        rows.add_row(
            cell(each.image_id[:13], "bold"), cell(each.document), cell(each.owner), cell(each.page),
            cell(each.weakness), cell(understanding_text(each.analysis) or "empty", "dim"),
            cell(_verdict(each.review) if each.review else ""),
        )  # fmt: skip
    more = [Text(f"… and {total - len(pictures)} more", "dim")] if total > len(pictures) else []
    return Group(rows, *more, Text("swatchbook review accept | reject IMAGE", "dim"))


@app.command("run")
def run_reviews(
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of pictures.")] = 1_000,
    as_json: Json = False,
) -> None:
    """Ask the review model about these pictures. `fill failed` embeds what it replaced."""
    with opened_resources() as resources, resumable():
        from swatchbook.ingest.review import review_all
        from swatchbook.store.ledger import picture_reviews

        whose = choose_owner(resources.ledger, owner, all_owners)
        done = list(review_all(resources, whose, limit))
        left = picture_reviews.count_images_to_review(resources.ledger, owner=whose)
        say_json({"documents": done, "left": left}) if as_json else out().print(
            draw_reviewed(done, left=left, owner=whose, resources=resources)
        )
    raise typer.Exit(OPEN if any(each.failed or each.message for each in done) else COMPLETED)


def draw_reviewed(
    done: "Sequence[Reviewed]", *, left: int, owner: str | None, resources: "Resources"
) -> RenderableType:
    """Return the results of the review model by document, and the number of pictures left for people.

    `owner`: whose pictures they are; None for all owners'.
    """
    from swatchbook.models.registry import review_tag

    parts: list[RenderableType] = []
    if done:
        figures = ("replaced", "undecided", "failed")
        rows = table("document", *figures, right=figures)
        for each in done:
            failed = cell(len(each.failed), "red" if each.failed else "")
            rows.add_row(cell(each.name, "bold"), cell(each.replaced), cell(each.undecided), failed)
        parts.append(rows)
    parts += [Text(f"✗ {clean(failure)}", "red") for each in done for failure in each.failed]
    parts += [Text(f"… {clean(each.name)}: {clean(each.message)}", "yellow") for each in done if each.message]
    if review_tag(resources.settings) is None:
        parts.append(Text("SWATCHBOOK_REVIEW__MODEL is not set, so only people can review.", "yellow"))
    if any(each.replaced for each in done):
        parts.append(Text(f"To embed what was replaced: swatchbook fill failed{owner_flag(owner)}", "dim"))
    listed = f"{left} pictures to review: swatchbook review list{owner_flag(owner)}"
    parts.append(Text(listed if left else "No pictures left to review.", "dim"))
    return Group(*parts)


@app.command("accept")
def accept_picture(image: Image, owner: OwnerName = None) -> None:
    """Accept the analysis of a picture as it is."""
    with opened_resources() as resources:
        from swatchbook.ingest.review import accept

        picture = _picture(resources, image, owner)
        accept(resources, picture, by=login_name())
        _print_review(resources, picture)


@app.command("reject")
def reject_analysis(
    image: Image,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, shown in the document's account.")],
    owner: OwnerName = None,
) -> None:
    """Reject the analysis of a picture: it gets the state rejected, and text search no longer finds it."""
    check_text(reason, "--reason")
    with opened_resources() as resources:
        from swatchbook.ingest.review import reject

        picture = _picture(resources, image, owner)
        reject(resources, picture, by=login_name(), reason=reason)
        _print_review(resources, picture)


def _picture(resources: "Resources", reference: str, owner: str | None) -> "ReviewImage":
    from swatchbook.store.ledger.picture_reviews import find_review_image

    check_text(reference, "IMAGE")
    if not reference:  # a prefix of every id
        raise typer.BadParameter("it is empty", param_hint="IMAGE")
    return find_review_image(resources.ledger, reference, owner=choose_owner(resources.ledger, owner))


def _print_review(resources: "Resources", picture: "ReviewImage") -> None:
    """Print a stored review and the next step."""
    from swatchbook.store.ledger.picture_reviews import find_review_image

    after = find_review_image(resources.ledger, picture.image_id)
    head = Text.assemble((after.image_id[:13], "bold"), f" · page {after.page} of {clean(after.document)}")
    verdict = Text(_verdict(after.review) if after.review else "")
    out().print(head, verdict, Text(f"To publish it: swatchbook fill failed{owner_flag(after.owner)}", "dim"), sep="\n")


def _verdict(review: "Review") -> str:
    reason = f": {review.reason}" if review.reason else ""
    return f"{review.verdict} by {review.by}{reason}"


COMMANDS = {"Collection": {"review": app}}
