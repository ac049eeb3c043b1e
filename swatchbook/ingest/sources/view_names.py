"""Tell picture files that are named after what they show of one product (hero, gallery 01, IMG_1234) from products.

Such a name has only words for views, words of cameras and numbers, in addition to the name of its folder.
"""

import re
from collections.abc import Collection, Iterable

from swatchbook.ingest.sources.field_words import PICTURE_WORDS, split_words, words_of

_FIRST = split_words(
    "hero main primary cover haupt hauptbild titel titelbild packshot principal portada principale copertina "
    "couverture glowne hlavni hoofd huvudbild главное главная главный основное"
)
_FRONT = split_words(
    "front frontal frente frontale vorne vorderseite vorderansicht avant face fronte davanti przod framsida voorkant "
    "forside спереди"
)
_VIEWS = _FIRST.union(
    _FRONT,
    split_words(
        "gallery galerie galeria back rear behind side left right top bottom detail details closeup close up zoom "
        "angle view views overview inside outside interior exterior lifestyle ambient alt alternate frame spin thumb "
        "thumbnail ruckseite rueckseite hinten seite seitlich links rechts oben unten ansicht ansichten detailansicht "
        "milieu arriere cote gauche droite dessus dessous vue profil trasera detras lateral izquierda derecha arriba "
        "abajo vista detalle retro dietro sinistra destra sopra sotto dettaglio tyl bok lewy prawy detal achterkant "
        "zijkant baksida sida bagside сзади сбоку деталь вид"
    ),
)
_COUNTED = PICTURE_WORDS | split_words(
    "dsc dscf dscn dscp dcim mvi pxl gopr dji sam cimg imag imgp pict pano mg p wa whats app scan copy kopie edit "
    "edited hd px x at no nr untitled unbenannt burst portrait mp"
)
_MOST_COUNTED = 24
"""More pictures with nothing but counters are those of several products."""

_OF_CAMERA_OR_DAY = re.compile(r"\d{3}[A-Z_]{5}|dcim|(19|20)\d\d([-_. ]?\d\d){0,2}", re.IGNORECASE)
"""Folders such as 100CANON, 2026-05-01 and 2026."""

_DIGITS = re.compile(r"(\d+)")


def is_one_product(folder: str, names: Collection[str], *, is_root: bool) -> bool:
    """Return whether the pictures of a folder show one product, by its name and theirs.

    Names may begin with a subfolder's. Counters alone say so only in a subfolder: the root may be what came out of a
    camera.
    """
    if not names or not names_product(folder):
        return False
    own = words_of(folder)
    found = set[str]()
    for name in names:
        words = _without(own, words_of(_stem(name)))
        if words is None or not words <= _VIEWS | _COUNTED:
            return False
        found |= words
    return bool(found & _VIEWS) or (not is_root and len(names) <= _MOST_COUNTED)


def are_counted(folder: str, names: Collection[str]) -> bool:
    """Return whether several pictures of a folder have names of counters alone: they may be several products, too."""
    own = words_of(folder)
    return len(names) > 1 and not any((_without(own, words_of(_stem(name))) or set()) & _VIEWS for name in names)


def names_product(folder: str) -> bool:
    """Return whether a folder's name may be that of a product: not "images", "details", "100CANON" or a day."""
    words = {word for word in words_of(folder) if not word.isdigit()}
    return not _OF_CAMERA_OR_DAY.fullmatch(folder) and not (words and words <= _VIEWS | PICTURE_WORDS)


def best_first(names: Iterable[str]) -> list[str]:
    """Return names of pictures with the main one first, then the front, then by their numbers."""
    return sorted(names, key=_rank)


def _rank(path: str) -> tuple[object, ...]:
    words = set(words_of(_stem(path)))
    parts = [(int(part), "") if part.isdecimal() else (0, part.casefold()) for part in _DIGITS.split(_stem(path))]
    return not words & _FIRST, not words & _FRONT, path.count("/"), parts, path


def _without(own: tuple[str, ...], words: tuple[str, ...]) -> set[str] | None:
    """Return a name's words without numbers and without the folder's name, None if it is that name with a number."""
    is_own = bool(own) and words[: len(own)] == own
    rest = words[len(own) :] if is_own else words
    left = {word for word in rest if not word.isdigit()}
    return None if is_own and rest and not left else left


def _stem(path: str) -> str:
    return path.rpartition(".")[0]
