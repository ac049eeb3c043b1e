"""Read the pictures that a record of a shop or scraper names, in whatever shape it names them. Nothing is opened."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from swatchbook.domain.records import sha256
from swatchbook.ingest.sources.field_words import LOCAL_PATHS, flat, is_picture_field, words_of
from swatchbook.ingest.sources.item_files import IMAGES, MAX_NAMED, NamedPicture, is_empty, is_written_here
from swatchbook_base.one_line import shorten
from swatchbook_shops.items.batch_fields import Fields
from swatchbook_shops.items.batch_names import MORE_IMAGES, is_small_picture_field
from swatchbook_shops.items.batch_values import (
    MAX_DEPTH,
    MAX_TITLE,
    NO_VALUES,
    as_text,
    join_url,
    listed,
    literal,
    lookup,
)

OF_VARIANT = "variant"
"""The `role` of a picture that a shop shows for variants, and not with their product."""

_PLACEHOLDER = 4_000
"""Characters of a `data:` URL up to which it is the placeholder of a picture that a page loads later."""


def read_pictures(
    fields: Fields, base: str | None
) -> tuple[tuple[tuple[NamedPicture, ...], ...], tuple[NamedPicture, ...]]:
    """Return alternatives of pictures, the best first, and the pictures that are always taken."""
    more = [
        picture
        for name in fields.given.get(MORE_IMAGES, ())
        for picture in _noted(fields, MORE_IMAGES, name, lookup(fields.record, name), base)
    ]
    if IMAGES in fields.given:
        groups = [_noted(fields, IMAGES, name, lookup(fields.record, name), base) for name in fields.given[IMAGES]]
        return tuple(tuple(group) for group in groups if group), tuple(_once(more))
    groups = list[list[NamedPicture]]()
    for name in LOCAL_PATHS:
        groups += [_noted(fields, IMAGES, field.name, field.value, None) for field in fields.top.get(name, ())]
    named = [(str(name), value) for name, value in fields.record.items() if not is_empty(value)]
    by_name = [(name, value) for name, value in named if is_picture_field(name) and flat(name) not in LOCAL_PATHS]
    places = set(fields.given.get(MORE_IMAGES, ()))
    large = [(name, value) for name, value in by_name if not is_small_picture_field(name) and name not in places]
    found = list[NamedPicture]()
    for name, value in large:
        found += _noted(fields, MORE_IMAGES if found else IMAGES, name, value, base)
    if found:
        groups.append(_once(_captioned(fields, found)))
    for name, value in by_name:
        if is_small_picture_field(name):
            groups.append(_noted(fields, IMAGES, name, value, base))
    if not any(groups):
        groups += _hidden_pictures(fields, named, base)
    return tuple(tuple(group) for group in groups if group), tuple(_once(more))


def _hidden_pictures(
    fields: Fields, named: Sequence[tuple[str, Any]], base: str | None
) -> Iterator[list[NamedPicture]]:
    """Yield pictures of inner objects, of fields with URLs of pictures, whatever their names, and of texts."""
    inner = [(each.name, each.value) for found in fields.inner.values() for each in found]
    for is_small in (False, True):
        yield [
            picture
            for name, value in inner
            if is_picture_field(name.split(".")[-1]) and is_small_picture_field(name) is is_small
            for picture in _noted(fields, IMAGES, name, value, base)
        ]
    yield [
        picture
        for name, value in named
        if isinstance(value, str | list) and all(_is_picture_url(each) for each in listed(value)[:20])
        for picture in _noted(fields, IMAGES, name, value, base)
    ]
    for name, value in named:
        if isinstance(value, str) and "<img" in value:
            sources = [html.unescape(source) for source in _IMG.findall(value)]
            yield _noted(fields, IMAGES, name, sources, base)


_IMG = re.compile(r"""<img\b[^<>]*?\bsrc\s*=\s*["']([^"'<>]+)["']""", re.IGNORECASE)


def _noted(fields: Fields, kind: str, name: str, value: Any, base: str | None) -> list[NamedPicture]:
    found = [] if is_empty(value) else _once(pictures_in(value, base))
    if found:
        fields.note(kind, name)
    if isinstance(value, str) and kind not in fields.given and not _SIGNS_OF_PLACES.intersection(value):
        return [replace(each, certain=False) for each in found]
    return found


_SIGNS_OF_PLACES = frozenset("./\\[")


def _captioned(fields: Fields, found: list[NamedPicture]) -> list[NamedPicture]:
    """Return the pictures, the first with the caption from a field such as `image_alt`."""
    for name, value in fields.record.items():
        words = words_of(str(name))
        if "alt" in words and found[0].caption is None and isinstance(value, str) and (text := as_text(value)):
            fields.used.add(str(name))
            return [replace(found[0], caption=shorten(text, MAX_TITLE)), *found[1:]]
    return found


def _once(pictures: Iterable[NamedPicture]) -> list[NamedPicture]:
    """Return the pictures without those that share a place with an earlier one."""
    seen, kept = set[str](), list[NamedPicture]()
    for picture in pictures:
        if seen.isdisjoint(picture.places):
            kept.append(picture)
        seen.update(picture.places)
    return kept


def pictures_in(value: Any, base: str | None, depth: int = 0) -> Iterator[NamedPicture]:
    """Yield the pictures in a value: a text with one or several, an object with a URL, or a list of these."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str):
        if value.strip()[:1] in ("[", "{") and isinstance(written := literal(value.strip()), list | dict):
            yield from pictures_in(written, base, depth + 1)
            return
        for place in _split(value):
            yield NamedPicture(_places(place, base))
    elif isinstance(value, list):
        for each in value[: MAX_NAMED + 1]:
            yield from pictures_in(each, base, depth + 1)
    elif isinstance(value, dict):
        yield from _pictures_of_object(value, base, depth)


def _pictures_of_object(value: Mapping[str, Any], base: str | None, depth: int) -> Iterator[NamedPicture]:
    known = {flat(str(key)): each for key, each in value.items() if not is_empty(each)}
    if any(
        "video" in str(known.get(key, "")).casefold() for key in ("type", "mediatype", "mediacontenttype", "medium")
    ):
        return
    caption = next((text for key in _CAPTION_KEYS if (text := as_text(known.get(key)))), None)
    local = [known[key] for key in _PATH_KEYS if isinstance(known.get(key), str)]
    urls = [known[key] for key in _URL_KEYS if isinstance(known.get(key), str) and not _is_placeholder(known[key])]
    if local or urls:
        places = [
            place for each in local[:1] + urls[:1] for place in _places(each.strip(), base if each in urls else None)
        ]
        text = shorten(caption, MAX_TITLE) if caption else None
        yield NamedPicture(tuple(dict.fromkeys(places)), text, of_variant=known.get("role") == OF_VARIANT)
        return
    if isinstance(known.get("main"), dict):  # the main one and others
        for each in known.values():
            yield from pictures_in(each, base, depth + 1)
        return
    for key in _URL_KEYS:  # one more level: {"large": {"url": …}}, {"node": {"src": …}}
        if isinstance(known.get(key), dict | list) and (found := list(pictures_in(known[key], base, depth + 1))):
            yield from (
                NamedPicture(p.places, p.caption or (shorten(caption, MAX_TITLE) if caption else None)) for p in found
            )
            return
    for each in known.values():
        if isinstance(each, dict | list) or _is_picture_url(each):
            yield from pictures_in(each, base, depth + 1)


_URL_BEGINS = ("https://", "http://", "//")
_CAPTION_KEYS = ("alt", "alttext", "caption", "alternatetext", "imagealt", "legend")
_PATH_KEYS = ("path", "localpath", "filepath", "file")
_URL_KEYS = (
    "original", "originalsrc", "originalurl", "full", "fullsize", "fullurl",
    "fullxfull", "urlfullxfull", "zoom", "hires",
    "xlarge", "large", "largeurl", "urllarge", "big", "url", "src", "contenturl",
    "href", "link", "imageurl", "secureurl",
    "imageuri", "uri", "source", "image", "node", "previewimage", "main", "default",
    "regular", "standard", "medium", "loc",
    "", "small", "thumbnail", "thumbnailurl", "thumb", "tiny", "images", "edges", "nodes", "gallery", "items", "data",
)  # fmt: skip


def _split(text: str) -> list[str]:
    """Return the places in a text: one, or several as lines, or with "," ";" "|" between them."""
    text = html.unescape(text.strip()) if "&amp;" in text else text.strip()
    if is_written_here(text):
        return [] if _is_placeholder(text) else [text]
    parts = [part.strip().strip("\"'") for part in _BETWEEN_URLS.split(text)]
    if len(parts) == 1 and "://" not in text:
        paths = [path for part in re.split(r"[,;|\n]", text) if (path := part.strip())]
        parts = paths if len(paths) > 1 and all(map(_has_picture_suffix, paths)) else parts
    return [_WIDTH.sub("", part) for part in parts if part.casefold() not in NO_VALUES]


_BETWEEN_URLS = re.compile(r"(?<![\s,;|~^])[\s,;|~^]++(?=https?://|//)")
_WIDTH = re.compile(r"\s+\d+(?:\.\d+)?[wx]$")
"""A width or density in `srcset`."""


def _places(text: str, base: str | None) -> tuple[str, ...]:
    """Return the possible places of a picture: a URL; or a path, and a URL relative to that of the item.

    One that is written within the record has a name instead, for the account.
    """
    text = text.strip()
    if is_written_here(text):
        return (f"{text[:40]}… ({sha256(text.encode(errors='replace'))[:12]})",)
    if text.startswith("//"):
        return (f"https:{text}",)
    if "://" in text or base is None:
        return (text,)
    return tuple(dict.fromkeys((text, join_url(text, base).replace(" ", "%20"))))


def _is_placeholder(text: str) -> bool:
    return is_written_here(text) and len(text) <= _PLACEHOLDER


def _is_picture_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_URL_BEGINS) and _has_picture_suffix(value)


def _has_picture_suffix(text: str) -> bool:
    return bool(
        re.search(r"\.(?:jpe?g|png|webp|gif|avif|hei[cf]|bmp|tiff?|jp2)(?:[?#]\S*)?$", text.strip(), re.IGNORECASE)
    )
