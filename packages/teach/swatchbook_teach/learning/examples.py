"""Find the texts that a person showed."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from swatchbook.domain.records import Example, fold
from swatchbook_base.geometry import area, shared_area
from swatchbook_teach.learning.texts import DocumentTexts

SAME_PLACE: Final = 0.5
"""The least share of an example's box or of a text's box that both cover if it shows this text."""


class Place(NamedTuple):
    """An example with the text that it shows; `wanted` is the name there."""

    number: int
    wanted: str
    example: Example


def locate(texts: DocumentTexts, examples: Iterable[Example]) -> list[Place]:
    """Return the text that each example shows: at its box, with its words, the smallest of several."""
    on_page: dict[int, list[int]] = {}
    for n, text in enumerate(texts.texts):
        on_page.setdefault(text.page, []).append(n)
    found = []
    for example in examples:
        near = [n for n in on_page.get(example.page, ()) if _is_there(texts.texts[n].box, example)]
        wanted = fold(example.text or "")
        named = [n for n in near if wanted and wanted in fold(texts.texts[n].text.text)]
        choices = named or ([] if wanted else near)
        if choices:
            n = min(choices, key=lambda n: _fit(texts, n, example))
            found.append(Place(n, example.text or texts.texts[n].name, example))
    return found


def _is_there(box: tuple[float, float, float, float], example: Example) -> bool:
    shared = shared_area(box, example.box)
    return shared >= SAME_PLACE * min(area(box), area(example.box)) > 0


def _fit(texts: DocumentTexts, n: int, example: Example) -> tuple[bool, bool, float]:
    """Return how badly a text fits an example: another text, a line of a paragraph, other words, another box."""
    text = texts.texts[n]
    same = fold(example.text or "") in (fold(text.name), fold(text.text.text))
    shared = shared_area(text.box, example.box)
    return not same, text.is_line, -shared / max(area(text.box) + area(example.box) - shared, 1.0)
