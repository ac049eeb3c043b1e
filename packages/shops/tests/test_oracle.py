"""What is read of shops' files against a reading with other means: no item is lost, and no text or price is another."""

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from swatchbook.domain.records import NO_MAPPING
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.listed import ListedItem
from swatchbook_base.printed_prices import amounts_of

FILES = sorted(each for each in (Path(__file__).parent / "shapes").rglob("*") if each.is_file())
ITEMS = ("item", "prod", "SHOPITEM", "offer", "product", "entry", "article", "o")


def text_of(file: Path) -> str:
    data = file.read_bytes()
    if b"\0" in data:
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def records_of(file: Path) -> Iterator[str]:
    """Yield the whole text of each record of a file: cells, elements with attributes, or values."""
    if file.suffix in (".csv", ".tsv", ".txt"):
        text = re.sub(r"\Asep=.*\s+", "", text_of(file))
        delimiter = max(",;\t|", key=text.splitlines()[0].count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        yield from (" ¦ ".join(row) for row in rows[1:] if any(row))
    elif file.suffix == ".xml":
        root = ElementTree.fromstring(file.read_bytes().replace(b"&nbsp;", b"&#160;"))
        elements = [each for each in root.iter() if each.tag.rpartition("}")[2] in ITEMS]
        for element in elements:
            parts = (part for each in element.iter() for part in (*each.attrib.values(), each.text or ""))
            yield " ¦ ".join(parts)
    else:
        found = [json.loads(line) for line in text_of(file).splitlines()] if file.suffix == ".jsonl" else None
        parsed = found if found is not None else json.loads(text_of(file))
        while isinstance(parsed, dict):
            parsed = next((each for each in parsed.values() if isinstance(each, list) and each), [parsed])
        goods = [each for each in parsed if each.get("@type") not in ("Organization", "WebSite")]
        yield from (json.dumps(each, ensure_ascii=False) for each in goods)


def letters(text: Any) -> str:
    """Return the letters and digits of a text without markup."""
    plain = html.unescape(html.unescape(re.sub(r"<[^>]*>", " ", str(text).replace("\\", ""))))
    return "".join(each for each in plain.casefold() if each.isalnum())


def numbers_in(text: str) -> set[float]:
    """Return every number of a text, with a point and with a comma as the sign of decimals, and minor units."""
    found = set[float]()
    for token in re.findall(r"\d(?:[\d.,'\u00a0\u202f ]*\d)?", text):
        plain = re.sub(r"['\u00a0\u202f ]", "", token)
        for number in (plain.replace(",", ""), plain.replace(".", "").replace(",", ".")):
            if re.fullmatch(r"\d+(\.\d+)?", number):
                found |= {float(number), float(number) / 100}
    return found


def is_of(item: ListedItem, record: str) -> bool:
    names = (item.item, item.code, item.title, *(name for each in item.variants for name in (each.code, each.name)))
    return any(letters(name) in letters(record) for name in names if name and letters(name))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_items_are_what_another_reading_finds(file: Path) -> None:
    items, records = list(list_batch(file, NO_MAPPING, max_bytes=1 << 20)), list(records_of(file))
    assert records
    lost = [record for record in records if not any(is_of(item, record) for item in items)]
    assert not lost, "no item is of these records"
    for item in items:
        of_item = " ¦ ".join(record for record in records if is_of(item, record))
        told = [item.title, *item.metadata.values(), *(each.name for each in item.variants)]
        assert "\ufffd" not in "".join(told)
        assert letters(item.title) in letters(of_item), item.title
        prices = [item.metadata.get("price"), *(each.price for each in item.variants)]
        wrong = {amount for price in prices if price for amount in amounts_of(price)} - numbers_in(of_item)
        assert not wrong, f"{item.item}: no such number in {of_item}"
