"""When what is said of a picture is weak, what a second analysis makes of it, and what a person puts in its place."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from swatchbook.errors import InvalidReference
from swatchbook.records import Analysis, ColorShare, Record, fold, sha256

PERSON: Final = "person"
"""What the tag of a person's correction begins with."""

PHRASES: Final = ("material", "finish", "pattern", "dimensions", "slip_rating", "application", "printed_text")
LISTS: Final = ("colors", "textures")
FIELDS: Final = (*PHRASES, *LISTS, "contrast", "quality")
"""What a person may correct."""

_MOST_SHOWN = 60  # characters of a value in a reason


class Verdict(StrEnum):
    """What a review came to."""

    ACCEPTED = "accepted"  # what was said stands, and so does its score
    CORRECTED = "corrected"  # something else is said now, for the reasons given
    REJECTED = "rejected"  # by a person: nothing is said of it
    UNDECIDED = "undecided"  # the second analysis says something else and is less sure: a person decides
    FAILED = "failed"  # there was no second look


class Judgement(Record):
    """What two analyses of a picture come to. `score`: of the one that is used."""

    verdict: Verdict
    reasons: tuple[str, ...]
    score: float


def score(analysis: Analysis) -> float:
    """0–1: how far an analysis is to be relied on. A sure word on a bad picture is as weak as a guess on a good one."""
    return min(analysis.quality, analysis.confidence)


def judge(first: Analysis, second: Analysis) -> Judgement:
    """Where both say the same, the first stands with its score; else the second is used, if it is as sure.

    Numbers alone are no reason: a model that thinks better of a picture and sees nothing else in it changes nothing.
    """
    differences = tuple(_differences(first, second))
    if not differences:
        return Judgement(verdict=Verdict.ACCEPTED, reasons=(), score=score(first))
    if second.confidence < first.confidence:
        less = f"it is less sure: {second.confidence:.2f}, not {first.confidence:.2f}"
        return Judgement(verdict=Verdict.UNDECIDED, reasons=(*differences, less), score=score(first))
    return Judgement(verdict=Verdict.CORRECTED, reasons=changes(first, second), score=score(second))


def changes(before: Analysis, after: Analysis) -> tuple[str, ...]:
    """What is another when one analysis takes the place of the other: fields, and the score."""
    was, now = score(before), score(after)
    told = [f"score: {was:.2f} → {now:.2f}"] if was != now else []
    return (*_differences(before, after), *told)


def _differences(first: Analysis, second: Analysis) -> Iterator[str]:
    """A line for each field of which they say different things; what one says more precisely is the same."""
    for name in PHRASES:
        one, other = _words([getattr(first, name)]), _words([getattr(second, name)])
        agree = bool(one) == bool(other) and (one <= other or other <= one)
        if not agree:
            yield _line(name, getattr(first, name), getattr(second, name))
    for name in LISTS:
        one, other = _words(_named(first, name)), _words(_named(second, name))
        if one != other and not one & other:
            yield _line(name, ", ".join(_named(first, name)), ", ".join(_named(second, name)))


def _line(name: str, before: str | None, after: str | None) -> str:
    return f"{name.replace('_', ' ')}: {_short(before)} → {_short(after)}"


def _short(said: str | None) -> str:
    line = " ".join((said or "nothing").split())
    return line if len(line) <= _MOST_SHOWN else line[: _MOST_SHOWN - 1].rstrip() + "…"


def _named(analysis: Analysis, name: str) -> tuple[str, ...]:
    return tuple(color.name for color in analysis.colors) if name == "colors" else analysis.textures


def _words(said: Iterable[str | None]) -> frozenset[str]:
    return frozenset(word for each in said for part in re.findall(r"\w+", each or "") if (word := fold(part)))


# --- a person's word --------------------------------------------------------------------------------------------------


def correct(analysis: Analysis, given: Mapping[str, str]) -> Analysis:
    """The analysis with a person's words in these fields, "" for nothing; a person is sure. Lists have commas.

    Raises InvalidReference for a field that there is not, and a value that it cannot have.
    """
    if unknown := [name for name in given if name not in FIELDS]:
        raise InvalidReference(f"There is no field {unknown[0]}.", advice=f"Fields are {', '.join(FIELDS)}.")
    said = {name: value.strip() for name, value in given.items()}
    changes: dict[str, object] = {name: said[name] or None for name in said.keys() & {*PHRASES, "contrast"}}
    if "textures" in said:
        changes["textures"] = tuple(_listed(said["textures"]))
    if "colors" in said:
        shares = {color.name: color for color in analysis.colors}
        changes["colors"] = tuple(
            shares.get(name) or ColorShare(name=name, share=0) for name in _listed(said["colors"])
        )
    if "quality" in said:
        changes["quality"] = _share(said["quality"])
    return analysis.model_copy(update={**changes, "confidence": 1.0})


def person_tag(analysis: Analysis, text: str) -> str:
    """Of a person's correction: `person@…`, another for each that says something else."""
    said = "\0".join((analysis.model_dump_json(), text))
    return f"{PERSON}@{sha256(said.encode())[:16]}"


def _listed(given: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))


def _share(given: str) -> float:
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InvalidReference(f"quality={given}: it should be a number from 0 to 1.")
    return share
