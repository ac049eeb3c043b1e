"""`swatchbook review list | run | accept | correct | reject`: the commands and their options. What a review changes is
in `ingest/review.py`.
"""

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


app = typer.Typer(no_args_is_help=True, help="Review pictures whose analysis has a low score.")

Image = Annotated[str, typer.Argument(metavar="IMAGE", help="Image id, or unique id prefix.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the reviewer; the login name by default.")]


MOST_LISTED = 200
"""Rows of a table at most; JSON has all pictures."""


@app.command("list")
def list_weak(owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """List pictures that need a review, with their score, their analysis and the last review."""
    with opened_resources() as resources:
        from swatchbook.store.ledger import picture_reviews

        whose = choose_owner(resources.ledger, owner, all_owners)
        limit = None if as_json else MOST_LISTED
        pictures = picture_reviews.images_to_review(resources.ledger, owner=whose, limit=limit)
        say_json(pictures) if as_json else out().print(
            draw_waiting(pictures, total=picture_reviews.count_images_to_review(resources.ledger, owner=whose))
        )


def draw_waiting(pictures: "Sequence[ReviewImage]", *, total: int) -> RenderableType:
    """Return a row per picture: its place, score, analysis and last review."""
    from swatchbook.domain.analysis import understanding_text

    if not pictures:
        return Text("No picture needs a review.", "dim")
    rows = table("image", "document", "owner", "page", "score", "analysis", "last review", right=("page", "score"))
    for each in pictures:
        rows.add_row(
            cell(each.image_id[:13], "bold"),
            cell(each.document),
            cell(each.owner),
            cell(each.page),
            cell(f"{each.score:.2f}"),
            cell(understanding_text(each.analysis) or "empty", "dim"),
            cell(_verdict(each.standing) if each.standing else ""),
        )
    more = [Text(f"… and {total - len(pictures)} more", "dim")] if total > len(pictures) else []
    return Group(rows, *more, Text("swatchbook review accept | correct | reject IMAGE", "dim"))


@app.command("run")
def run_reviews(
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of pictures.")] = 1_000,
    as_json: Json = False,
) -> None:
    """Run the review model on pictures with a low score. `fill failed` embeds the corrections."""
    with opened_resources() as resources, resumable():
        from swatchbook.ingest.review import review_all
        from swatchbook.store.ledger import picture_reviews

        whose = choose_owner(resources.ledger, owner, all_owners)
        done = list(review_all(resources, whose, limit))
        left = picture_reviews.count_images_to_review(resources.ledger, owner=whose)
        say_json({"documents": done, "left": left}) if as_json else out().print(
            draw_reviewed(done, left=left, owner=whose, resources=resources)
        )
    raise typer.Exit(_exit_code(done))


def _exit_code(done: "Sequence[Reviewed]") -> int:
    """Return OPEN when something failed or was left for later, else COMPLETED."""
    return OPEN if any(each.failed or each.message for each in done) else COMPLETED


def draw_reviewed(
    done: "Sequence[Reviewed]", *, left: int, owner: str | None, resources: "Resources"
) -> RenderableType:
    """Return the results of the review model by document, and the number of pictures left for people.

    `owner`: whose pictures they are; None for all owners'.
    """
    from swatchbook.models.registry import review_tag

    parts: list[RenderableType] = []
    if done:
        figures = ("accepted", "corrected", "undecided", "failed")
        rows = table("document", *figures, right=figures)
        for each in done:
            rows.add_row(
                cell(each.name, "bold"), cell(each.accepted), cell(each.corrected), cell(each.undecided),
                cell(len(each.failed), "red" if each.failed else ""),
            )  # fmt: skip
        parts.append(rows)
    parts += [Text(f"✗ {clean(failure)}", "red") for each in done for failure in each.failed]
    parts += [Text(f"… {clean(each.name)}: {clean(each.message)}", "yellow") for each in done if each.message]
    if review_tag(resources.settings) is None:
        parts.append(Text("SWATCHBOOK_REVIEW__MODEL is not set, so only people can review.", "yellow"))
    if any(each.corrected for each in done):
        parts.append(Text(f"To embed the corrections: swatchbook fill failed{owner_flag(owner)}", "dim"))
    parts.append(
        Text(
            f"{left} pictures to review: swatchbook review list{owner_flag(owner)}"
            if left
            else "No pictures left to review.",
            "dim",
        )
    )
    return Group(*parts)


@app.command("accept")
def accept_picture(
    image: Image,
    second: Annotated[bool, typer.Option("--second", help="Accept the review model's analysis instead.")] = False,
    owner: OwnerName = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Accept the analysis of a picture as it is."""
    with opened_resources() as resources:
        from swatchbook.ingest.review import accept

        picture, person = _picture(resources, image, owner), _person(by)
        _print_review(resources, picture, accept(resources, picture, by=person, second=second), as_json=as_json)


@app.command("correct")
def correct_analysis(
    image: Image,
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIELD=VALUE",
            help="material, finish, colors, textures, pattern, contrast, dimensions, slip_rating, printed_text, "
            "application, recognised, quality. Separate list items by commas; leave VALUE empty to clear a field.",
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Description to embed instead of the one generated from the fields."),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, stored with the review.")] = "",
    owner: OwnerName = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Replace fields of a picture's analysis. The correction holds until another model analyses the picture."""
    for value, parameter in (
        (text or "", "--text"),
        (reason, "--reason"),
        *((each, "FIELD=VALUE") for each in fields or ()),
    ):
        check_text(value, parameter)
    if wrong := next((each for each in fields or () if "=" not in each), None):
        raise typer.BadParameter(f"{wrong!r} is not FIELD=VALUE", param_hint="FIELD=VALUE")
    values = {
        name.strip().replace("-", "_"): value for name, _, value in (each.partition("=") for each in fields or ())
    }
    with opened_resources() as resources:
        from swatchbook.ingest.review import correct_image

        picture, person = _picture(resources, image, owner), _person(by)
        review = correct_image(resources, picture, values, by=person, text=text, reason=reason)
        _print_review(resources, picture, review, as_json=as_json)


@app.command("reject")
def reject_analysis(
    image: Image,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, shown in the document's account.")],
    owner: OwnerName = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Reject the analysis of a picture: it gets the state rejected, and text search no longer finds it."""
    check_text(reason, "--reason")
    with opened_resources() as resources:
        from swatchbook.ingest.review import reject

        picture, person = _picture(resources, image, owner), _person(by)
        _print_review(resources, picture, reject(resources, picture, by=person, reason=reason), as_json=as_json)


def _picture(resources: "Resources", reference: str, owner: str | None) -> "ReviewImage":
    from swatchbook.store.ledger.picture_reviews import find_review_image

    check_text(reference, "IMAGE")
    if not reference:  # a prefix of every id
        raise typer.BadParameter("it is empty", param_hint="IMAGE")
    return find_review_image(resources.ledger, reference, owner=choose_owner(resources.ledger, owner))


def _person(by: str | None) -> str:

    check_text(by or "", "--by")
    return by or login_name()


def _print_review(resources: "Resources", picture: "ReviewImage", review: "Review", *, as_json: bool) -> None:
    from swatchbook.store.ledger.picture_reviews import find_review_image

    after = find_review_image(resources.ledger, picture.image_id)
    say_json(after) if as_json else out().print(draw_review(after, review))


def draw_review(picture: "ReviewImage", review: "Review") -> RenderableType:
    """Return a stored review, the score it changed and the next step."""
    head = Text.assemble((picture.image_id[:13], "bold"), f" · page {picture.page} of {clean(picture.document)}")
    lines = [head, Text(f"{_verdict(review)} · score {review.score_before:.2f} → {review.score_after:.2f}")]
    return Group(*lines, Text(f"To publish the change: swatchbook fill failed{owner_flag(picture.owner)}", "dim"))


def _verdict(review: "Review") -> str:
    reasons = f": {'; '.join(review.reasons)}" if review.reasons else ""
    return f"{review.verdict} by {review.by}{reasons}"


COMMANDS = {"Collection": {"review": app}}
