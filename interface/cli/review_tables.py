"""Print the tables of `swatchbook review`: at most 200 pictures that need a review, and results of reviews.

Its exit status is 3 if something failed or was left for later.
"""

import getpass
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.exit_status import COMPLETED, OPEN
from interface.cli.terminal import cell, clean, owner_flag, table
from swatchbook.analysis import understanding_text
from swatchbook.models.registry import review_tag
from swatchbook.pipeline.review import Reviewed
from swatchbook.records import Review, ReviewImage
from swatchbook.resources import Resources

MOST_LISTED = 200
"""Rows of a table at most; JSON has all pictures."""


def login_name() -> str:
    """Return the login name of the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "somebody"


def exit_code(done: Sequence[Reviewed]) -> int:
    """Return OPEN when something failed or was left for later, else COMPLETED."""
    return OPEN if any(each.failed or each.message for each in done) else COMPLETED


def draw_waiting(pictures: Sequence[ReviewImage], *, total: int) -> RenderableType:
    """Return a row per picture: its place, score, analysis and last review."""
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


def draw_reviewed(done: Sequence[Reviewed], *, left: int, owner: str | None, resources: Resources) -> RenderableType:
    """Return the results of the review model by document, and the number of pictures left for people.

    `owner`: whose pictures they are; None for all owners'.
    """
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
        parts.append(Text("SWATCHBOOK_REVIEW_MODEL is not set, so only people can review.", "yellow"))
    if any(each.corrected for each in done):
        parts.append(Text(f"To embed the corrections: swatchbook retry{owner_flag(owner)}", "dim"))
    parts.append(
        Text(
            f"{left} pictures to review: swatchbook review list{owner_flag(owner)}"
            if left
            else "No pictures left to review.",
            "dim",
        )
    )
    return Group(*parts)


def draw_review(picture: ReviewImage, review: Review) -> RenderableType:
    """Return a stored review, the score it changed and the next step."""
    head = Text.assemble((picture.image_id[:13], "bold"), f" · page {picture.page} of {clean(picture.document)}")
    lines = [head, Text(f"{_verdict(review)} · score {review.score_before:.2f} → {review.score_after:.2f}")]
    return Group(*lines, Text(f"To embed and publish the change: swatchbook retry{owner_flag(picture.owner)}", "dim"))


def _verdict(review: Review) -> str:
    reasons = f": {'; '.join(review.reasons)}" if review.reasons else ""
    return f"{review.verdict} by {review.by}{reasons}"
