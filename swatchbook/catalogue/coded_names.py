"""Find names in another style by their codes.

If nearly all names of a catalogue have a code of one form ("OF-2101"), a code of that form on a page without names has
the name of a product next to it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from swatchbook.catalogue.choose_names import ROW, Choice
from swatchbook.catalogue.name_candidates import Candidate, may_be_name, product_name
from swatchbook.catalogue.page_layout import PageLayout, Text
from swatchbook.catalogue.sections import ENDING_KINDS, DocumentLayout
from swatchbook.geometry import gap, gaps
from swatchbook.records import Box, fold

CODED = 0.8
"""The least share of the chosen names that have a code of one form if codes are to find further names."""
FEWEST_CODES = 4
"""The fewest codes of one form; fewer may be alike by chance."""
CODE_DISTANCE = 1.2
"""The longest distance of a code directly above or below its name, as a multiple of the larger font size."""

_CODE = re.compile(r"(?<![\w/-])[A-Z]{1,6}[-./ ]?\d{2,}(?:[-./]?[A-Z0-9]+)*(?![\w/-])")


@dataclass(frozen=True, slots=True)
class _Printed:
    """A code that is printed on a page: alone, or within a text."""

    code: str
    text: Text
    before: str
    behind: str


def with_coded_names(choice: Choice, document: DocumentLayout) -> Choice:
    """Return a choice with the codes of its names, and with the names of other pages that have such codes.

    A code has one name: next to a different name it refers to something else.
    """
    printed = {layout.number: list(_codes(layout.texts)) for layout in document.layouts}
    codes = {c: code for page in _by_page(choice.candidates) for c, code in _pair(page, printed).items()}
    form, count = next(iter(Counter(map(_form, codes.values())).most_common(1)), ("", 0))
    if count < max(FEWEST_CODES, CODED * len([c for c in choice.candidates if c not in choice.joined])):
        return choice
    codes = {c: code for c, code in codes.items() if _form(code) == form}
    kept = [c for c in choice.candidates if c in codes or c not in choice.joined]
    known = {code: fold(c.name) for c, code in {**choice.codes, **codes}.items()}
    named = {c.text.page for c in kept}
    added: dict[Candidate, str] = {}
    for layout in document.layouts:
        if document.kinds.get(layout.number) in ENDING_KINDS:
            continue
        of_form = [p for p in printed[layout.number] if _form(p.code) == form]
        for candidate, code in _named_beside(of_form, layout):
            alike = code not in known and document.family[candidate.text.style] in choice.styles
            looked_for = layout.number not in named or alike
            if looked_for and known.setdefault(code, fold(candidate.name)) == fold(candidate.name):
                added[candidate] = code
    probability = fmean(choice.probabilities[c] for c in kept)
    return replace(
        choice,
        candidates=tuple(sorted((*kept, *added), key=lambda c: c.text.page)),
        probabilities={**choice.probabilities, **dict.fromkeys(added, probability)},
        codes={**codes, **choice.codes, **added},
    )


def _by_page(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    pages: dict[int, list[Candidate]] = {}
    for c in candidates:
        pages.setdefault(c.text.page, []).append(c)
    return list(pages.values())


def _codes(texts: Sequence[Text]) -> Iterator[_Printed]:
    """Yield the codes of texts with exactly one code; a text with several is a list and names no product."""
    for text in texts:
        found = list(_CODE.finditer(text.text))
        if len(found) == 1:
            (code,) = found
            yield _Printed(code.group(), text, text.text[: code.start()], text.text[code.end() :])


def _form(code: str) -> str:
    """Return a code with each letter as "A" and each digit as "9": codes of one maker have the same form."""
    return re.sub(r"\d", "9", re.sub(r"[A-Z]", "A", code))


def _pair(candidates: Sequence[Candidate], printed: Mapping[int, Sequence[_Printed]]) -> dict[Candidate, str]:
    """Return the code of each name of a page: the one within its text, else the nearest one; each code is used once."""
    near = sorted(
        (0.0 if p.text is c.text else gap(c.text.box, p.text.box), n, k)
        for n, c in enumerate(candidates)
        for k, p in enumerate(printed[c.text.page])
        if p.text is c.text or _place(c.text, p.text) is not None
    )
    found: dict[int, int] = {}
    for _, n, k in near:
        if n not in found and k not in found.values():
            found[n] = k
    return {candidates[n]: printed[candidates[n].text.page][k].code for n, k in found.items()}


def _place(name: Text, code: Text) -> int | None:
    """Return the rank of a name's place at its code: 0 in its row, 1 above it, 2 below it; None if apart."""
    across, down = gaps(name.box, code.box)
    if down < 0 and across <= ROW:
        return 0
    if across < 0 and down <= CODE_DISTANCE * max(name.size, code.size):
        return 1 if name.box[1] < code.box[1] else 2
    return None


def _named_beside(printed: Sequence[_Printed], layout: PageLayout) -> Iterator[tuple[Candidate, str]]:
    """Yield for each code of a page the name within the same text, or else next to it, with the code."""
    used: set[Box] = set()
    for p in printed:
        name = _name_in(p)
        if name:
            yield _candidate(p.text, name), p.code
            continue
        near = sorted(
            (place, gap(text.box, p.text.box), n)
            for n, text in enumerate(layout.texts)
            if text is not p.text and text.box not in used and (place := _place(text, p.text)) is not None
            and _CODE.search(text.text) is None and may_be_name(text, product_name(text))
        )  # fmt: skip
        if near:
            text = layout.texts[near[0][2]]
            used.add(text.box)
            yield _candidate(text, product_name(text)), p.code


def _name_in(printed: _Printed) -> str | None:
    """Return the name that a text has before or behind its code."""
    for words in (printed.before, printed.behind):
        text = replace(printed.text, lines=(words.strip(" \t,;:|·•()–—-"),))
        name = product_name(text) if text.text else ""
        if name and may_be_name(text, name):
            return name
    return None


def _candidate(text: Text, name: str) -> Candidate:
    return Candidate(
        text, name, picture=None, relation=None, distance=0.0, described=False, measured=False, priced=False,
        row_priced=False, coded=True, leads=False, follows=False,
    )  # fmt: skip
