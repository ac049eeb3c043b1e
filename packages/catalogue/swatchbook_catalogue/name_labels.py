"""Cut labels before names: known labels of names and codes ("REF: POLO B"), and words that all names of one style have
before a colon ("Variety: Alder").
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from swatchbook_base.printed_prices import any_of
from swatchbook_base.records import fold
from swatchbook_catalogue.attributes import WORDS_OF, is_code
from swatchbook_catalogue.bare_values import is_bare_value
from swatchbook_catalogue.table_rows import ALL_NAME_HEADS, DESCRIPTIONS

LETTERS = 3  # the fewest letters of a name that is no code; shorter words are units
FEWEST_LABELLED, LABELLED = 4, 0.8  # names of one style that begin with the same words and a colon: a label
WORDS_OF_A_LABEL = 3
_KNOWN = re.compile(
    rf"(?:(?:{any_of(WORDS_OF['code'])})(?:\s?\.?\s?[:：#№]+|\.|\s[–—-](?=\s))"
    rf"|(?:{any_of(ALL_NAME_HEADS - DESCRIPTIONS)})\s?[:：])\s*(?P<rest>\S.*)",
    re.IGNORECASE,
)
_COMMON = re.compile(r"([^\d:：]{2,24}?)\s*[:：]\s*(?P<rest>\S.*)")


def without_label(name: str) -> str:
    """Return a name without the label of names or codes before it ("Name: Alder", "Art. AB-12"), if a name is left."""
    match = _KNOWN.fullmatch(name)
    return match["rest"] if match and _may_be_labelled(match["rest"]) else name


def find_common_labels(styles: Iterable[Collection[str]]) -> frozenset[str]:
    """Return the folded words before a colon that nearly all names of a style have. `styles`: the names of each."""
    found = set()
    for names in styles:
        label, count = next(iter(Counter(filter(None, map(_label_of, names))).most_common(1)), ("", 0))
        if count >= max(FEWEST_LABELLED, LABELLED * len(names)):
            found.add(label)
    return frozenset(found)


def without_common_label(name: str, labels: Collection[str]) -> str:
    """Return a name without one of these labels before it."""
    match = _COMMON.fullmatch(name)
    return match["rest"] if match and _label_of(name) in labels else name


def _label_of(name: str) -> str:
    """Return the folded words before a colon behind which a name may be; nothing without such words."""
    match = _COMMON.fullmatch(name)
    if match is None or len(match[1].split()) > WORDS_OF_A_LABEL or not _may_be_labelled(match["rest"]):
        return ""
    return fold(match[1])


def _may_be_labelled(rest: str) -> bool:
    """Whether what is behind a label can be a name: words or a code, but no price, quantity or date."""
    return (sum(map(str.isalpha, rest)) >= LETTERS or is_code(rest)) and not is_bare_value(rest)
