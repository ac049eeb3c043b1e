"""Judge analyses of pictures: which is weak, which of two holds, what a person corrects; and write them as prose."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Analysis, ColorShare, Record, Verdict, fold, sha256
from swatchbook_base.one_line import shorten

PERSON: Final = "person"  # the start of the tag of a person's correction
PHRASES: Final = ("material", "finish", "pattern", "dimensions", "slip_rating", "application", "printed_text")
LISTS: Final = ("colors", "textures")
FIELDS: Final = (*PHRASES, *LISTS, "recognised", "contrast", "quality")  # fields that a person may correct
_MOST_SHOWN = 60  # characters of a value in a reason


class Judgement(Record):
    """The result of comparing two analyses of a picture. `score`: that of the analysis in use."""

    verdict: Verdict
    reasons: tuple[str, ...]
    score: float


def score(analysis: Analysis) -> float:
    """Return how reliable an analysis is, 0–1: a confident analysis of a bad picture is as weak as a guess."""
    return min(analysis.quality, analysis.confidence)


def is_weak(analysis: Analysis, below: float) -> bool:
    """Return whether an analysis needs a review: its score is under the setting `review_below`."""
    return score(analysis) < below


def judge(first: Analysis, second: Analysis) -> Judgement:
    """Keep the first analysis if both agree; else use the second, unless it is less confident (then UNDECIDED).

    Different confidence or quality alone changes nothing.
    """
    differences = tuple(_differences(first, second))
    if not differences:
        return Judgement(verdict=Verdict.ACCEPTED, reasons=(), score=score(first))
    if second.confidence < first.confidence:
        less = f"it is less sure: {second.confidence:.2f}, not {first.confidence:.2f}"
        return Judgement(verdict=Verdict.UNDECIDED, reasons=(*differences, less), score=score(first))
    return Judgement(verdict=Verdict.CORRECTED, reasons=changes(first, second), score=score(second))


def changes(before: Analysis, after: Analysis) -> tuple[str, ...]:
    """Return a line for each field that differs between two analyses, for what is recognised, and for the score."""
    was, now = score(before), score(after)
    score_line = [f"score: {was:.2f} → {now:.2f}"] if was != now else []
    words, words_now = ", ".join(before.recognised), ", ".join(after.recognised)
    words_line = [_line("recognised", words, words_now)] if words != words_now else []
    return (*_differences(before, after), *words_line, *score_line)


def _differences(first: Analysis, second: Analysis) -> Iterator[str]:
    """Yield a line for each field in which the analyses disagree; a more precise phrase is no disagreement."""
    for name in PHRASES:
        one, other = _words([getattr(first, name)]), _words([getattr(second, name)])
        agree = bool(one) == bool(other) and (one <= other or other <= one)
        if not agree:
            yield _line(name, getattr(first, name), getattr(second, name))
    for name in LISTS:
        one, other = _words(_names(first, name)), _words(_names(second, name))
        if one != other and not one & other:
            yield _line(name, ", ".join(_names(first, name)), ", ".join(_names(second, name)))


def _line(name: str, before: str | None, after: str | None) -> str:
    return f"{name.replace('_', ' ')}: {_short(before)} → {_short(after)}"


def _short(value: str | None) -> str:
    return shorten(value or "nothing", _MOST_SHOWN)


def _names(analysis: Analysis, name: str) -> tuple[str, ...]:
    return tuple(color.name for color in analysis.colors) if name == "colors" else analysis.textures


def _words(values: Iterable[str | None]) -> frozenset[str]:
    return frozenset(word for value in values for part in re.findall(r"\w+", value or "") if (word := fold(part)))


# --- corrections by a person ------------------------------------------------------------------------------------------


def correct(analysis: Analysis, corrections: Mapping[str, str]) -> Analysis:
    """Return the analysis with a person's values (field -> value, "" for none, lists with commas), confidence 1.

    Raises InvalidReference for an unknown field or an invalid value.
    """
    if unknown := [name for name in corrections if name not in FIELDS]:
        raise InvalidReference(f"There is no field {unknown[0]}.", advice=f"Use one of {', '.join(FIELDS)}.")
    values = {name: value.strip() for name, value in corrections.items()}
    changes: dict[str, object] = {name: values[name] or None for name in values.keys() & {*PHRASES, "contrast"}}
    changes |= {name: tuple(_split_list(values[name])) for name in values.keys() & {"textures", "recognised"}}
    if "colors" in values:
        shares = {color.name: color for color in analysis.colors}
        changes["colors"] = tuple(
            shares.get(name) or ColorShare(name=name, share=0) for name in _split_list(values["colors"])
        )
    if "quality" in values:
        changes["quality"] = _parse_share(values["quality"])
    return analysis.model_copy(update={**changes, "confidence": 1.0})


def person_tag(analysis: Analysis, text: str) -> str:
    """Return the tag of a person's correction: `person@` and a digest of the analysis and the text."""
    content = "\0".join((analysis.model_dump_json(), text))
    return f"{PERSON}@{sha256(content.encode())[:16]}"


def _split_list(value: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def _parse_share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InvalidReference(f"quality={value}: it must be a number from 0 to 1.")
    return share


# --- as prose ---------------------------------------------------------------------------------------------------------


def understanding_text(analysis: Analysis) -> str:
    """Return one sentence per non-empty field, in a fixed order; "" if all are empty.

    "Material: porcelain tile. Colors: white, grey. Texture: matte. Dimensions: 60x120 cm."
    """
    return " ".join(f"{name}: {value.rstrip('.')}." for name, value in _fields(analysis))


def _fields(analysis: Analysis) -> Iterator[tuple[str, str]]:
    fields = (
        ("Recognised", ", ".join(analysis.recognised)),
        ("Material", analysis.material),
        ("Finish", analysis.finish),
        ("Colors", ", ".join(color.name for color in analysis.colors)),
        ("Texture", ", ".join(analysis.textures)),
        ("Pattern", analysis.pattern),
        ("Contrast", analysis.contrast),
        ("Dimensions", analysis.dimensions),
        ("Slip rating", analysis.slip_rating),
        ("Application", analysis.application),
        ("Printed text", analysis.printed_text),
    )
    for name, value in fields:
        if line := " ".join((value or "").split()):  # models may send line breaks
            yield name, line
