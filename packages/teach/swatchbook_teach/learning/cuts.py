"""Cut names out of texts, and infer the cut from what a person marked: "POLO B" of "REF: POLO B", each of "A1, A2"."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from swatchbook.domain.records import WHOLE_TEXT, Cut, fold

SEPARATORS: Final = (",", ";", "/", "|", "·", "•", "–", "-", "+", "&")
NUMBER: Final = "<number>"
"""The `before` of a cut at the first number that follows a space, such as a price or size behind a name."""
SIGNS: Final = " \t:：;,–—-|/·•*"
LONGEST_LABEL: Final = 24  # the most characters of what stands before or behind a name in a cut
_LEADER = re.compile(r"([._·…–-])(?:\s?\1){2,}")
_NUMBER = re.compile(r"\s(?=[(€$£₽]?\s?\d)")


def names_in(text: str, cut: Cut) -> tuple[str, ...]:
    """Return the names that a cut finds in a text, in order; none if the text lacks the signs of the cut."""
    rest = with_short_leaders(text)
    if cut.after:
        place = rest.casefold().find(cut.after.casefold())
        if place < 0:
            return ()
        rest = rest[place + len(cut.after) :]
    if cut.before == NUMBER:
        found = _NUMBER.search(rest.lstrip(SIGNS))
        rest = rest.lstrip(SIGNS)[: found.start()] if found else rest
    elif cut.before:
        start = len(rest) - len(rest.lstrip(SIGNS))
        place = rest.find(cut.before, start)
        rest = rest[:place] if place >= 0 else rest
    parts = rest.split(cut.every) if cut.every else [rest]
    return tuple(name for part in parts if (name := part.strip(SIGNS)))


def with_short_leaders(text: str) -> str:
    """Return a text whose leaders are three dots, dashes or points long."""
    return _LEADER.sub(r"\1\1\1", text)


def find_cuts(pairs: Sequence[tuple[str, str]]) -> list[Cut]:
    """Return the cuts that find the wanted names of all texts, the simplest first. `pairs`: each text and its name."""
    found: list[Cut] = []
    pairs = [(with_short_leaders(text), with_short_leaders(wanted)) for text, wanted in pairs]
    for cut in dict.fromkeys(cut for text, wanted in pairs for cut in _cuts(text, wanted)):
        if all(fold(wanted) in map(fold, names_in(text, cut)) for text, wanted in pairs):
            found.append(cut)
    return sorted(found, key=_cost)


def _cost(cut: Cut) -> tuple[int, int]:
    """Return how much a cut assumes: the number of its signs, and their length."""
    signs = [sign for sign in (cut.after, cut.before, cut.every) if sign]
    return len(signs), sum(map(len, signs))


def _cuts(text: str, wanted: str) -> Iterator[Cut]:
    """Yield cuts that may find the wanted part of a text."""
    place = text.casefold().find(wanted.casefold())
    if place < 0:
        return
    before, behind = text[:place], text[place + len(wanted) :]
    if not before.strip(SIGNS) and not behind.strip(SIGNS):
        yield WHOLE_TEXT
    starts, ends = (
        [sign for sign in dict.fromkeys(signs) if len(sign) <= LONGEST_LABEL]
        for signs in (_starts(before), _ends(behind))
    )
    yield from (Cut(after=start, before=end) for start in starts for end in ends)
    for sign in SEPARATORS:
        if before.rstrip().endswith(sign) or behind.lstrip().startswith(sign):
            yield from (Cut(after=start, every=sign) for start in ("", *starts))


def _starts(before: str) -> Iterator[str]:
    """Yield the signs after which a name may begin: nothing, the whole label before it, its last word or sign."""
    label = before.strip()
    if not label.strip(SIGNS):
        yield ""
        return
    yield label
    yield label.split()[-1]
    if label[-1] in SIGNS:
        yield label[-1]


def _ends(behind: str) -> Iterator[str]:
    """Yield the signs before which a name may end: nothing, the sign behind it, a number, or the next word."""
    rest = behind.strip()
    if not rest.strip(SIGNS):
        yield ""
        return
    if not rest[0].isalnum():
        yield rest[0] if behind[0] == rest[0] else " " + rest[0]
    if _NUMBER.match(behind):
        yield NUMBER
    yield " " + rest.split()[0] if behind[0].isspace() else rest.split()[0]
