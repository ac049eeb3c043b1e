"""Split printed materials into values to filter by.

"Porcelain stoneware, glazed" is one material with its treatment, "Brass, copper or stainless steel" are three, and
"100 % new wool, jute back" is wool and jute.
"""

import re

from swatchbook.index.words import names_material

_SEPARATOR = re.compile(r"\s*(?:[,;|·\n]|/(?!\s*(?:m|ft)[2²]))\s*")  # not the "/" in "420 g/m2"
_MEASURE = re.compile(r"\s*\d[\d.,]*\s*(?:g|kg|mm|cm|m|m[2²]|oz)(?:\s*/\s*(?:m|ft)[2²])?\s*", re.IGNORECASE)
_SHARE = re.compile(r"(?:\d{1,3}(?:[.,]\d+)?\s?[-–]\s?)?\d{1,3}(?:[.,]\d+)?\s?%(?:\s(?:of|de)\s)?")
_EITHER = re.compile(r"\s+(?:or|and|oder|und|ou|et|o|e|y|of|en|&)\s+")
_OF_PART = re.compile(
    r"(?<=^\S)(?P<rest>\S*)\s+(?:back|backing|base|body|core|cover|face|filling|frame|legs?|lining|shell|sole|top|upper|"
    r"rücken|rahmen|füllung|futter|gestell|kern)$",
    re.IGNORECASE,
)
"""A material of one word with the part that is made of it: "jute back"."""


def materials_in(printed: str) -> list[str]:
    """Return the materials of a printed list, without shares and measures.

    A part in lower case that names no material ("glazed") belongs to the material before it, if the list begins with a
    capital and some part of it is known.
    """
    values = list[str]()
    parts = [bare for part in split_list(_SHARE.sub(";", printed)) if (bare := part.strip(" :"))]
    known = {part for part in parts if names_material(part)}
    for part in parts:
        if part in known:
            pieces = _EITHER.split(part)
            both = pieces if all(map(names_material, pieces)) else [part]
            values += [_OF_PART.sub(r"\g<rest>", piece) for piece in both]
        elif values and known and part[0].islower() and not parts[0][0].islower():
            values[-1] = f"{values[-1]}, {part}"
        else:
            values.append(part)
    return values


def split_list(printed: str) -> list[str]:
    """Return the parts of a printed list without measures: "linen" for "linen, 420 g/m2"."""
    return [part for part in _SEPARATOR.split(printed) if part and not _MEASURE.fullmatch(part)]
