"""Read the items of an XML feed one by one as records: Google Merchant, RSS, Atom, Yandex YML, Heureka, Awin etc.

The feed's first part shows which of its elements are the items. An entity that the file declares is refused, no DTD is
read, and an item is limited in size, fields and depth.
"""

import html
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.parsers import expat  # nosec: entities are refused, and nothing outside is read

from swatchbook.domain.errors import TooLarge, UnreadableDocument
from swatchbook.ingest.sources.field_words import flat, split_words
from swatchbook_shops.items.batch_fields import has_item_fields
from swatchbook_shops.items.text_file import open_utf8

_CHUNK = 1 << 16  # bytes that are parsed at a time
_LOOKED_AT = 1 << 22  # bytes of a feed in which its items are recognised
_MOST_CHARACTERS = 1 << 22  # characters of one item, and bytes of one tag
_MOST_FIELDS = 10_000  # elements and attributes of one item
_MOST_DEPTH = 60  # levels of nested elements
_ITEM_NAMES = split_words(
    "item entry offer shopitem product prod produkt produit producto prodotto artikel good row record"
)
_KEPT_PREFIXES = frozenset({"g", "media", "content"})
_GOOGLE = "http://base.google.com/ns/"
_ADVICE = "Check how it was written."
TEXT = "#text"
"""The name of the text of an element that also has attributes."""


def read_xml(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a feed as records. Raises UnreadableDocument, TooLarge and OSError."""
    shape = _Shape()
    for _ in _parse(file, shape, at_most=_LOOKED_AT):
        pass
    path = shape.items()
    if path is None:
        names = ", ".join(dict.fromkeys(name for names in shape.elements for name in names))
        raise UnreadableDocument(
            f"None of its elements looks like an item. Its elements: {names[:400]}.",
            advice="Items have elements such as title, price, link and image.",
        )
    yield from _parse(file, _Items(path))


class _Shape:
    """A builder that counts the elements of a feed by their path, with the names in each."""

    def __init__(self) -> None:
        self.elements = dict[tuple[str, ...], tuple[int, set[str]]]()
        self._path = list[str]()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._path:
            self.elements[tuple(self._path)][1].add(name)
        self._path.append(name)
        count, names = self.elements.get(tuple(self._path), (0, set[str]()))
        names.update(attributes)  # in place: one element may have all names, and many others the same path
        self.elements[tuple(self._path)] = count + 1, names

    def text(self, text: str) -> None:
        """Ignore a text."""

    def end(self, _: str) -> None:
        self._path.pop()

    def taken(self) -> list[Mapping[str, Any]]:
        return []

    def items(self) -> tuple[str, ...] | None:
        """Return the path of the elements that look most like items; of equals, the outer ones."""
        best: tuple[int, int] | None = None
        found = None
        for path, (count, names) in self.elements.items():
            fields = has_item_fields(dict.fromkeys(names))
            score = fields + 3 * (flat(path[-1].split(":")[-1]) in _ITEM_NAMES) + 2 * (count > 1)
            if fields >= 2 and (best is None or (score, -len(path)) > best):
                best, found = (score, -len(path)), path
        return found


class _Items:
    """A builder that makes records of the elements at a path, with the names of categories that a feed lists by id."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._wanted, self._path = path, list[str]()
        self._open = list[tuple[str, dict[str, Any], list[str]]]()
        self._size = self._fields = 0
        self._done = list[Mapping[str, Any]]()
        self._categories = dict[str, tuple[str | None, str]]()
        self._category: tuple[str, str | None, list[str]] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(name)
        if self._open:
            self._fields += 1 + len(attributes)
            if self._fields > _MOST_FIELDS:
                raise TooLarge(f"An item of the feed has more than {_MOST_FIELDS} fields.", advice=_ADVICE)
            self._open.append((name, dict(attributes), []))
        elif tuple(self._path) == self._wanted:
            self._open, self._size, self._fields = [(name, dict(attributes), [])], 0, len(attributes)
        elif flat(name) == "category" and "id" in attributes:
            self._category = attributes["id"], attributes.get("parentId", attributes.get("parent_id")), []

    def text(self, text: str) -> None:
        if self._open:
            self._size += len(text)
            if self._size > _MOST_CHARACTERS:
                raise TooLarge("An item of the feed has more than 4 MiB.", advice="Leave out what is no text.")
            self._open[-1][2].append(text)
        elif self._category:
            self._category[2].append(text)

    def end(self, name: str) -> None:
        self._path.pop()
        if not self._open:
            if self._category and flat(name) == "category":
                own, parent, name_parts = self._category
                self._categories[own], self._category = (parent, "".join(name_parts).strip()), None
            return
        name, children, texts = self._open.pop()
        text = "".join(texts).strip()
        value: Any = children if children else text
        if children and text:
            children[TEXT] = text
        if not self._open:
            record = children if children else {TEXT: text}
            self._done.append(self._with_category(record))
            return
        outer = self._open[-1][1]
        if name not in outer:
            outer[name] = value
        elif isinstance(outer[name], list):
            outer[name].append(value)
        else:
            outer[name] = [outer[name], value]

    def taken(self) -> list[Mapping[str, Any]]:
        done, self._done = self._done, []
        return done

    def _with_category(self, record: dict[str, Any]) -> Mapping[str, Any]:
        """Return a record with the path of its category in place of the category's id."""
        if not self._categories or "categoryId" not in record:
            return record
        of_item = record["categoryId"]
        first = of_item[0] if isinstance(of_item, list) else of_item
        id: str | None = first.get(TEXT) if isinstance(first, dict) else first
        path = list[str]()
        while id in self._categories and len(path) < _MOST_DEPTH:
            id, name = self._categories[id]
            path.insert(0, name)
        if not path:
            return record
        return {key: value for key, value in record.items() if key != "categoryId"} | {"category": " > ".join(path)}


def _parse(file: Path, into: _Shape | _Items, *, at_most: int | None = None) -> Iterator[Mapping[str, Any]]:
    """Feed a file to a builder, and yield the records that are complete."""
    with open_utf8(file) as opened:
        head = opened.read(_CHUNK).lstrip(b" \t\r\n")
        parser = expat.ParserCreate("utf-8")
        _connect(parser, into)
        read = 0
        try:
            while head:
                parser.Parse(head, False)
                yield from into.taken()
                read += len(head)
                if read - parser.CurrentByteIndex > _MOST_CHARACTERS:  # expat looks at all of a tag for each chunk
                    raise TooLarge("A tag or comment of the feed has more than 4 MiB.", advice=_ADVICE)
                if at_most is not None and read >= at_most:
                    return
                head = opened.read(_CHUNK)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            yield from into.taken()
            raise UnreadableDocument(
                f"Its XML is not well formed in line {parser.ErrorLineNumber}.",
                advice="Check how it was written, or whether it is whole.",
            ) from error
        yield from into.taken()


def _connect(parser: expat.XMLParserType, into: _Shape | _Items) -> None:
    """Let a parser call a builder, with the names that records use."""
    google = {"g"}
    depth = 0

    def name_of(name: str) -> str:
        prefix, _, local = name.rpartition(":")
        prefix = "g" if prefix in google else prefix
        return f"{prefix}:{local}" if prefix in _KEPT_PREFIXES else local

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MOST_DEPTH:
            raise TooLarge(f"More than {_MOST_DEPTH} elements are in each other.", advice=_ADVICE)
        if len(attributes) > _MOST_FIELDS:
            raise TooLarge(f"An element of the feed has more than {_MOST_FIELDS} attributes.", advice=_ADVICE)
        google.update(key[6:] for key, value in attributes.items() if key[:6] == "xmlns:" and value.startswith(_GOOGLE))
        into.start(name_of(name), {name_of(k): v for k, v in attributes.items() if v and not k.startswith("xml")})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        into.end(name_of(name))

    def refuse(*_: object) -> None:
        raise UnreadableDocument("It declares entities, which are not read.", advice="Write it without <!ENTITY>.")

    def other(text: str) -> None:
        if text.startswith("&") and text.endswith(";"):  # &nbsp; and others of HTML, which no DTD declares
            into.text(html.unescape(text))

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, into.text
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = lambda *_: 1  # an external entity is read as empty
    parser.DefaultHandlerExpand = other
    parser.UseForeignDTD(True)  # entities that nothing declares are left to `other`
