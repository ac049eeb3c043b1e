"""Guess the encoding of a text without a byte order mark that is not UTF-8.

Statistics tell alphabets apart. They do not tell Western from Central European ("Ø" and "Ř" are one byte), where a file
of a shop has few signs beyond ASCII: there the encoding counts in which one language has all of them.
"""

import codecs

_ENCODINGS = (
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip

_LATIN = {
    "cp1252": (
        "äöüßëéèê", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "àáâãçéêíóôõúü", "àèéìíòóùúî", "æøåéèêòôä", "åäöéàü",
    ),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýžöü", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüűä", "ăâîşţșț", "čćđšžöü"),
    "cp1254": ("âçğıîöşüûi\u0307",),
}  # fmt: skip
"""Encoding -> the letters beyond ASCII of German and Dutch, French, Spanish, Portuguese, Italian, Danish and Norwegian,
Swedish and Finnish; Polish, Czech, Slovak, Hungarian, Romanian, Croatian; Turkish. The first is taken if several fit.
"""
_FEW = 4
"""The bytes beyond ASCII from which statistics are believed: two signs of Chinese or Japanese."""

_EVERYWHERE = "øéèàçñöüäßµ"  # the sign of a diameter, and letters of names and loan words
_OPENING = "„“”«»‘’‚¿¡°ªº²³×®™•–—…\u00a0"  # signs before or behind which a word may be


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its first bytes: that of a byte order mark, UTF-8, or the best guess."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last sign may be cut off
    except UnicodeDecodeError:
        return _guessed(head)
    return "utf-8"


def _guessed(head: bytes) -> str:
    from charset_normalizer import from_bytes  # imports its tables, which UTF-8 does not need

    found = from_bytes(head, cp_isolation=list(_ENCODINGS), threshold=0.3).best()
    fitting = {found.encoding, *found.could_be_from_charset} if found else set[str]()
    if fitting and fitting.isdisjoint(_LATIN) and sum(byte > 127 for byte in head) >= _FEW:
        return next(name for name in _ENCODINGS if name in fitting)
    return min(_LATIN, key=lambda name: _strange(head.decode(name, errors="replace"), _LATIN[name]))


def _strange(text: str, alphabets: tuple[str, ...]) -> int:
    """Return how many signs beyond ASCII are no letters of a language, and no signs outside a word: of the best one."""
    signs = [
        sign.lower()
        for before, sign, after in zip(f" {text}", text, f"{text[1:]} ", strict=False)
        if not sign.isascii()
        and (sign.isalpha() or after.isalpha() or (before.isalpha() and sign not in _OPENING))
        and not (sign in _OPENING and not (before.isalpha() and after.isalpha()))
    ]
    return min(sum(sign not in alphabet + _EVERYWHERE for sign in signs) for alphabet in alphabets)
