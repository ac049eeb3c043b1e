"""Cut known labels of names and codes before names: "REF: POLO B"."""

import re

from swatchbook_base.printed_prices import any_of
from swatchbook_catalogue.attributes import WORDS_OF, is_code
from swatchbook_catalogue.bare_values import is_bare_value
from swatchbook_catalogue.table_rows import ALL_NAME_HEADS, DESCRIPTIONS

LETTERS = 3  # the fewest letters of a name that is no code; shorter words are units
_KNOWN = re.compile(
    rf"(?:(?:{any_of(WORDS_OF['code'])})(?:\s?\.?\s?[:：#№]+|\.|\s[–—-](?=\s))"
    rf"|(?:{any_of(ALL_NAME_HEADS - DESCRIPTIONS)})\s?[:：])\s*(?P<rest>\S.*)",
    re.IGNORECASE,
)


def without_label(name: str) -> str:
    """Return a name without the label of names or codes before it ("Name: Alder", "Art. AB-12"), if a name is left."""
    match = _KNOWN.fullmatch(name)
    return match["rest"] if match and _may_be_labelled(match["rest"]) else name


def _may_be_labelled(rest: str) -> bool:
    """Whether what is behind a label can be a name: words or a code, but no price, quantity or date."""
    return (sum(map(str.isalpha, rest)) >= LETTERS or is_code(rest)) and not is_bare_value(rest)
