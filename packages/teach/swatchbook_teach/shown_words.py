"""Propose readings that agree with what is shown in words: by the options of `swatchbook teach`, or in a notebook."""

from collections.abc import Mapping, Sequence

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import OF_PICTURES, Example, Shown
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import Document
from swatchbook_teach.lessons import Lesson, find_examples, open_lesson, propose_likeliest, propose_readings
from swatchbook_teach.records import Proposal

Texts = Mapping[Shown | str, Sequence[str]]
"""What is shown -> texts that begin with their page: {"name": ["5:Nordvik Oak"], "code": ["5:PT-101"]}."""


def propose(resources: Resources, document: Document, shown: Texts, wrong: Texts) -> Sequence[Proposal]:
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
        for example in _find(lesson, what, text, right=right)
    ]
    return propose_readings(resources, lesson, examples) if examples else propose_likeliest(resources, lesson)


def _find(lesson: Lesson, what: str, text: str, *, right: bool) -> Sequence[Example]:
    words = [each for each in Shown if each not in OF_PICTURES]
    if what not in words:
        raise InvalidReference(f"{what!r} cannot be shown in words.", advice=f"Show one of {', '.join(words)}.")
    page, _, after = text.partition(":")
    if not page.strip().isdecimal():
        raise InvalidReference(f"On which page is {text!r}?", advice=f'Begin it with the page: "5:{text}".')
    return find_examples(lesson, int(page), after.strip(), what=Shown(what), right=right)
