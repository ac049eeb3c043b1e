"""`swatchbook review`: pictures of which little is known for sure are listed, looked at again, and judged by people."""

from typing import TYPE_CHECKING, Annotated

import typer

from interface.cli.options import AnyOwner, Json, check_owner, check_text, opened_resources, resumable

if TYPE_CHECKING:
    from swatchbook.ledger.queries.reviews import Review, ReviewImage
    from swatchbook.resources import Resources

app = typer.Typer(no_args_is_help=True, help="Pictures of which little is known for sure: look again, or say.")

Image = Annotated[str, typer.Argument(metavar="IMAGE", help="Id, or unambiguous prefix of it.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who says so; as the machine knows you if not given.")]


@app.command("list")
def list_weak(owner: AnyOwner = None, as_json: Json = False) -> None:
    """Pictures that need a review: how weak they are, what is said of them, and why nothing was decided yet."""
    if owner is not None:
        check_owner(owner)
    with opened_resources() as resources:
        from interface.cli.review_tables import MOST_LISTED, draw_waiting, waiting
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries import reviews

        found = waiting(resources, owner, limit=None if as_json else MOST_LISTED)
        say_json(found) if as_json else out().print(
            draw_waiting(found, total=reviews.count_images_to_review(resources.ledger, owner=owner))
        )


@app.command("run")
def run_reviews(
    owner: AnyOwner = None,
    limit: Annotated[int, typer.Option(min=1, help="Pictures at most.")] = 1_000,
    as_json: Json = False,
) -> None:
    """Let the review model look at weak pictures now. What it corrects is embedded again by `retry`."""
    if owner is not None:
        check_owner(owner)
    with opened_resources() as resources, resumable():
        from interface.cli.review_tables import draw_reviewed, exit_code
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries import reviews
        from swatchbook.ledger.queries.owners import require_owner
        from swatchbook.pipeline.review import review_all

        if owner is not None:
            require_owner(resources.ledger, owner)
        done = list(review_all(resources, owner, limit))
        left = reviews.count_images_to_review(resources.ledger, owner=owner)
        say_json({"documents": done, "left": left}) if as_json else out().print(
            draw_reviewed(done, left=left, resources=resources)
        )
    raise typer.Exit(exit_code(done))


@app.command("accept")
def accept_picture(
    image: Image,
    second: Annotated[bool, typer.Option("--second", help="What the second look says, instead.")] = False,
    owner: AnyOwner = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """What is said of the picture stands."""
    with opened_resources() as resources:
        from swatchbook.pipeline.review import accept

        picture, person = _picture(resources, image, owner), _person(by)
        _say_review(resources, picture, accept(resources, picture, by=person, second=second), as_json=as_json)


@app.command("correct")
def correct_what_is_said(
    image: Image,
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIELD=VALUE…",
            help="material, finish, colors, textures, pattern, contrast, dimensions, slip_rating, printed_text, "
            "application, quality; lists with commas, nothing after the = for nothing.",
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Say this, instead of the sentences made of the fields.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    owner: AnyOwner = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Put your word in the place of what is said of the picture. It holds until another model is to analyse it."""
    for given, what in (
        (text or "", "--text"),
        (reason, "--reason"),
        *((each, "FIELD=VALUE") for each in fields or ()),
    ):
        check_text(given, what)
    if wrong := next((each for each in fields or () if "=" not in each), None):
        raise typer.BadParameter(f"{wrong!r} is not FIELD=VALUE", param_hint="FIELD=VALUE")
    said = {name.strip().replace("-", "_"): value for name, _, value in (each.partition("=") for each in fields or ())}
    with opened_resources() as resources:
        from swatchbook.pipeline.review import correct_image

        picture, person = _picture(resources, image, owner), _person(by)
        written = correct_image(resources, picture, said, by=person, text=text, reason=reason)
        _say_review(resources, picture, written, as_json=as_json)


@app.command("reject")
def reject_what_is_said(
    image: Image,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: it stands in the account.")],
    owner: AnyOwner = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let nothing be said of the picture: its analysis counts as rejected, and words find it no more."""
    check_text(reason, "--reason")
    with opened_resources() as resources:
        from swatchbook.pipeline.review import reject

        picture, person = _picture(resources, image, owner), _person(by)
        _say_review(resources, picture, reject(resources, picture, by=person, reason=reason), as_json=as_json)


def _picture(resources: "Resources", reference: str, owner: str | None) -> "ReviewImage":
    from swatchbook.ledger.queries.reviews import find_review_image

    check_text(reference, "IMAGE")
    if not reference:  # the beginning of every id
        raise typer.BadParameter("it is empty", param_hint="IMAGE")
    if owner is not None:
        check_owner(owner)
    return find_review_image(resources.ledger, reference, owner=owner)


def _person(by: str | None) -> str:
    from interface.cli.review_tables import who

    check_text(by or "", "--by")
    return by or who()


def _say_review(resources: "Resources", picture: "ReviewImage", review: "Review", *, as_json: bool) -> None:
    from interface.cli.review_tables import draw_review
    from interface.cli.terminal import out, say_json
    from swatchbook.ledger.queries.reviews import find_review_image

    after = find_review_image(resources.ledger, picture.image_id)
    say_json(after) if as_json else out().print(draw_review(after, review))
