"""Guess the encoding of a text that is not UTF-8: of those in which its letters make sense, the likeliest by chardet.

Statistics alone take the signs of a shop's file (€, ², quotes) for letters. So an encoding of one byte counts in which
one language has the letters, at places in words where it has them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

_WESTERN = (
    "äöüßëéèê", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "àáâãçéêíóôõúü", "àèéìíòóùúî", "æøåéèêòôä", "åäöéàü",
)  # fmt: skip
_WESTERN_LETTERS = "".join(_WESTERN)
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýžöü", "áäčďéíľňóôšťúýž", "áéíóöőúüűä", "ăâîşţșț", "čćđšžöü")
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž")
_TURKISH = ("âçğıîöşüûi\u0307",)
_CYRILLIC = (
    "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгдежзийклмнопрстуфхцчшщьюяєіїґ", "абвгдђежзијклљмнњопрстћуфхцчџш",
    "абвгдежзйклмнопрстуфхцчшыьэюяёіў", "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
)  # fmt: skip
_GREEK = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",)
_HEBREW = ("".join(map(chr, range(0x5D0, 0x5EB))),)
_ARABIC = ("".join(map(chr, range(0x621, 0x653))) + "پچژگکی\u200c،؛؟",)
_THAI = ("".join(map(chr, range(0xE01, 0xE5C))),)

_ALPHABETS: Mapping[str, tuple[str, ...]] = {
    "cp1252": _WESTERN, "cp1250": _CENTRAL, "cp1254": _TURKISH, "cp1255": _HEBREW, "cp1251": _CYRILLIC,
    "cp1253": _GREEK, "cp1257": _BALTIC, "iso8859-2": _CENTRAL, "mac-roman": _WESTERN, "cp850": _WESTERN,
    "cp437": _WESTERN, "cp852": _CENTRAL, "koi8-r": _CYRILLIC, "koi8-u": _CYRILLIC, "cp866": _CYRILLIC,
    "mac-cyrillic": _CYRILLIC, "mac-latin2": _CENTRAL, "cp1256": _ARABIC, "cp874": _THAI,
}  # fmt: skip
"""Encoding -> the letters beyond ASCII of its languages; of encodings that fit equally well the first is taken."""

LATIN = tuple(name for name, letters in _ALPHABETS.items() if letters in (_WESTERN, _CENTRAL, _BALTIC, _TURKISH))
OF_TWO_BYTES = ("cp932", "euc_jis_2004", "gb18030", "big5hkscs", "cp949")

_EVERYWHERE = "øéèàçñöüäïóßµ"  # the sign of a diameter, and letters of names and loan words
_OPENING = "„“”«»‘’‚¿¡°ªº²³×®™•–—…־\u00a0"  # signs before or behind which a word may be
_ONLY_BEFORE = "„‚¿¡"
_APART = "–—•"
_AFTER_ELISION = "aàâeéèêiîoôuhyAÀÂEÉÈÊIÎOÔUHYs"
_LINES = "".join(map(chr, range(0x2500, 0x25A0)))  # of tables
_NO_SIGN = "".join(map(chr, range(0x80, 0xA0))) + "\ufffd"
_BEFORE_CONSONANTS = "เแโใไ"  # vowels of Thai
_FIRST_OF_OTHER_SCRIPTS = "\u0370"  # Greek
_ALIKE = 0.02
"""The share of signs that may be more strange than in the best encoding: names are of other languages."""
_UNREAD = 5  # times as odd as a strange sign is a byte that is none
_CLEAR = 1.2  # times likelier is an encoding that a single sign speaks for
_SURE, _SURE_OF_FEW = 0.97, 0.5  # times as likely is an encoding that may be the right one
_FEW = 4  # words with signs beyond ASCII, of which more doubt is reported


def cells_of(text: bytes) -> list[bytes]:
    """Return the cells of a text that have signs beyond ASCII: the others say nothing of its encoding."""
    return re.findall(rb"[^;,\t\"<>\r\n]*[\x80-\xff][^;,\t\"<>\r\n]*", text)


def guess_encoding(cells: Iterable[bytes]) -> tuple[str, bool]:
    """Return the encoding of cells that are not UTF-8, and whether all that read them differently fit less."""
    from chardet import detect_all  # imports its models, which UTF-8 does not need

    judged = b"\n".join(dict.fromkeys(cells))
    names = [*_ALPHABETS, *OF_TWO_BYTES]
    read = {name: judged.decode(name, errors="replace") for name in names}
    strange = {name: _strangeness(read[name], _ALPHABETS[name]) for name in _ALPHABETS}
    runs = re.findall(rb"[\x80-\xff]+", judged)
    most = min(strange.values()) + _ALIKE * sum(map(len, runs))
    found = detect_all(judged, include_encodings=names, compat_names=False, ignore_threshold=True)
    likely = {each["encoding"]: each["confidence"] for each in found}
    is_latin = max(map(len, runs), default=0) == 1  # in other scripts some letters are next to each other
    fitting = [name for name in names if strange.get(name, most) <= most and (name in LATIN or not is_latin)]
    fitting = fitting or [min(strange, key=lambda name: strange[name])]
    best = max(fitting, key=lambda name: likely.get(name, 0.0))
    if len(runs) == 1 and likely.get(best, 0.0) < _CLEAR * likely.get(fitting[0], 0.0):
        best = fitting[0]
    best = next(name for name in fitting if read[name] == read[best])
    others = (name for name in fitting if read[name] != read[best])
    least = (_SURE_OF_FEW if len(runs) < _FEW else _SURE) * likely.get(best, 0.0)
    return best, all(likely.get(name, 0.0) < least for name in others)


def _strangeness(text: str, alphabets: tuple[str, ...]) -> float:
    """Return how many signs beyond ASCII are strange in a language, in the one in which fewest are.

    A western letter counts half where the language lacks it: foreign names have such letters.
    """
    signs = list(_signs(text))
    odd = sum(weight for _, weight in signs)
    counted = Counter(sign for sign, weight in signs if weight < 1)
    return odd + min(
        sum(
            times * (0.5 if sign in _WESTERN_LETTERS else 1)
            for sign, times in counted.items()
            if sign not in letters + _EVERYWHERE
        )
        for letters in alphabets
    )


def _signs(text: str) -> Iterator[tuple[str, float]]:
    """Yield the signs beyond ASCII of words, each with how odd its place is: 1 if a language has none there."""
    for before, sign, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if sign.isascii():
            continue
        if sign in _NO_SIGN:
            yield sign, _UNREAD
            continue
        is_between = before.isalpha() and after.isalpha()
        if sign.isalpha() and sign not in _OPENING:
            yield sign.lower(), float(_is_odd(before, sign, after))
        elif sign in _OPENING:
            if (is_between and not (sign == "’" and after in _AFTER_ELISION)) or (
                sign in _ONLY_BEFORE and before.isalpha()
            ):
                yield sign, 1
            elif sign in _APART and (before.isalpha() or after.isalpha()):
                yield "é", 0.5
        elif before.isalpha() or after.isalpha() or sign in _LINES:
            yield sign, float(_is_odd(before, sign, after))


def _is_odd(before: str, sign: str, after: str) -> bool:
    if (sign.isupper() and before.islower()) or (sign.islower() and after.isupper()):
        return True
    if sign >= _FIRST_OF_OTHER_SCRIPTS:
        is_torn = (sign in _BEFORE_CONSONANTS and not "ก" <= after <= "ฮ") or (sign == "ς" and after.isalpha())
        return is_torn or any(c.isascii() and c.isalpha() for c in (before, after))
    return all(c.isalpha() and not c.isascii() for c in (before, after))
