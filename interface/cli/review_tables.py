"""What `swatchbook review` shows: weak pictures as a table, what second looks came to, and a person's word."""

import getpass
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import COMPLETED, OPEN, cell, clean, table
from swatchbook.analysis.understanding import understanding_text
from swatchbook.ledger.queries import reviews
from swatchbook.ledger.queries.owners import require_owner
from swatchbook.ledger.queries.reviews import Review, ReviewImage
from swatchbook.models.registry import review_tag
from swatchbook.pipeline.review import Reviewed
from swatchbook.resources import Resources

MOST_LISTED = 200
"""Pictures that a table has; JSON has all."""


def waiting(resources: Resources, owner: str | None, *, limit: int | None) -> list[ReviewImage]:
    """Pictures that need a review. Raises UnknownOwner."""
    if owner is not None:
        require_owner(resources.ledger, owner)
    return reviews.images_to_review(resources.ledger, owner=owner, limit=limit)


def who() -> str:
    """The person at the keyboard, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as containers have them
        return "somebody"


def exit_code(done: Sequence[Reviewed]) -> int:
    """OPEN where something failed or is left for later."""
    return OPEN if any(each.failed or each.message for each in done) else COMPLETED


def draw_waiting(pictures: Sequence[ReviewImage], *, total: int) -> RenderableType:
    """One row a picture: where it stands, how weak it is, what is said, and what its review said last."""
    if not pictures:
        return Text("No picture needs a review.", "dim")
    made = table("image", "document", "owner", "page", "score", "says", "last review", right=("page", "score"))
    for each in pictures:
        made.add_row(
            cell(each.image_id[:13], "bold"),
            cell(each.document),
            cell(each.owner),
            cell(each.page),
            cell(f"{each.score:.2f}"),
            cell(understanding_text(each.analysis) or "nothing", "dim"),
            cell(_said(each.standing) if each.standing else ""),
        )
    more = [Text(f"… and {total - len(pictures)} more", "dim")] if total > len(pictures) else []
    return Group(made, *more, Text("swatchbook review accept | correct | reject IMAGE", "dim"))


def draw_reviewed(done: Sequence[Reviewed], *, left: int, resources: Resources) -> RenderableType:
    """What second looks came to, by document; and what is left for people."""
    parts: list[RenderableType] = []
    if done:
        figures = ("accepted", "corrected", "undecided", "failed")
        made = table("document", *figures, right=figures)
        for each in done:
            made.add_row(
                cell(each.name, "bold"), cell(each.accepted), cell(each.corrected), cell(each.undecided),
                cell(len(each.failed), "red" if each.failed else ""),
            )  # fmt: skip
        parts.append(made)
    parts += [Text(f"✗ {clean(failure)}", "red") for each in done for failure in each.failed]
    parts += [Text(f"… {clean(each.name)}: {clean(each.message)}", "yellow") for each in done if each.message]
    if review_tag(resources.settings) is None:
        parts.append(Text("SWATCHBOOK_REVIEW_MODEL is not set: no model looks again, people do.", "yellow"))
    if any(each.corrected for each in done):
        parts.append(Text("What was corrected is embedded by: swatchbook retry", "dim"))
    parts.append(Text(f"{left} pictures wait for a review: swatchbook review list" if left else "None is left.", "dim"))
    return Group(*parts)


def draw_review(picture: ReviewImage, review: Review) -> RenderableType:
    """What was written down, and what follows from it."""
    head = Text.assemble((picture.image_id[:13], "bold"), f" · page {picture.page} of {clean(picture.document)}")
    lines = [head, Text(f"{_said(review)} · score {review.score_before:.2f} → {review.score_after:.2f}")]
    return Group(*lines, Text("What changes is embedded and published by: swatchbook retry", "dim"))


def _said(review: Review) -> str:
    why = f": {'; '.join(review.reasons)}" if review.reasons else ""
    return f"{review.verdict} by {review.by}{why}"
