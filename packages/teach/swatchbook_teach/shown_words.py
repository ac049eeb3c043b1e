"""Propose readings that agree with what is shown in words: by the options of `swatchbook teach`, or in a notebook."""

from collections.abc import Mapping, Sequence

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import OF_PICTURES, Example, PictureSide, Shown
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import Document
from swatchbook_teach.lessons import Lesson, find_examples, open_lesson, propose_likeliest, propose_readings
from swatchbook_teach.records import Proposal
from swatchbook_teach.taught_pictures import find_picture

Texts = Mapping[Shown | str, Sequence[str]]
"""What is shown -> texts as `swatchbook teach` takes them: {"name": ["5:Nordvik Oak"], "cell": ["5:50,70,150,170"]}."""


def propose(
    resources: Resources, document: Document, shown: Texts, wrong: Texts, side: PictureSide | str | None
) -> Sequence[Proposal]:
    """Return what the readings would find that agree with what is shown, the likeliest first; without anything shown,
    the likeliest of all.

    Raises InvalidReference for what is shown and is not there, and what reading the PDF raises.
    """
    lesson = open_lesson(resources, document)
    examples = [
        example
        for texts, right in ((shown, True), (wrong, False))
        for what, each in texts.items()
        for text in each
        for example in _find(resources, lesson, _kind(what), text, right=right)
    ]
    if not examples and side is None:
        return propose_likeliest(resources, lesson)
    start = None
    if side is not None:
        chosen = None if side == "as found" else _side(side)
        start = document.options.taught.model_copy(update={"side": chosen})
    return propose_readings(resources, lesson, examples, start=start)


def _find(resources: Resources, lesson: Lesson, what: Shown, text: str, *, right: bool) -> Sequence[Example]:
    before, colon, after = text.partition(":")
    page = int(before) if colon and before.strip().isdecimal() else None
    if page is None and (colon or what not in OF_PICTURES):  # a picture may be named by its id
        raise InvalidReference(f"On which page is {text!r}?", advice=f'Begin it with the page: "5:{text}".')
    words = (after if colon else text).strip()
    if what in OF_PICTURES:
        return [find_picture(resources, lesson.document, page, words, what=what, right=right)]
    return find_examples(lesson, page or 0, words, what=what, right=right)


def _kind(what: Shown | str) -> Shown:
    try:
        return Shown(what)
    except ValueError:
        raise InvalidReference(f"{what!r} cannot be shown.", advice=f"Show one of {', '.join(Shown)}.") from None


def _side(side: PictureSide | str) -> PictureSide:
    try:
        return PictureSide(side)
    except ValueError:
        raise InvalidReference(
            f"{side!r} is not a side.", advice=f"It is one of {', '.join(PictureSide)}, as found."
        ) from None
