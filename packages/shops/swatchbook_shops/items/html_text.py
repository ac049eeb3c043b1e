"""Read the text of HTML as a browser shows it: elements within a line separate no words, all others do."""

import html
import re

from swatchbook.ingest.sources.field_words import split_words

_HIDDEN = re.compile(r"(?s)<(?:!--.*?--|(?:script|style)\b.*?</(?:script|style)\s*)>")
_TAG = re.compile(r"</?([a-zA-Z][^\s<>/]*)[^<>]*>")
_RAISED = re.compile(r"(?<=\d)<sup\b[^<>]*>(\d+)</sup\s*>", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WITHIN_LINES = split_words(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q s samp small span strike "
    "strong sub sup time tt u var wbr"
)
"""Phrasing elements of HTML, also former ones, but for those that stand for something else, such as `br` and `img`."""


def text_of_html(text: str) -> str:
    """Return a text, which may have markup, without it; spaces are where elements separate words.

    Digits that are raised behind others stay raised: 10<sup>3</sup> is not 103.
    """
    if "<" in text:
        text = _RAISED.sub(lambda found: found[1].translate(_SUPERSCRIPTS), _HIDDEN.sub("", text))
        text = _TAG.sub(lambda found: "" if found[1].casefold() in _WITHIN_LINES else " ", text)
    return html.unescape(text)


def spaced_tags(text: str) -> str:
    """Return a text with a space around each tag: parts of a price, "19<sup>99</sup>", are not one number."""
    return _TAG.sub(r" \g<0> ", text)
