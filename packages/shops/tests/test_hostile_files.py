"""Batch files that attack the reader: each is one failure in plain words, and takes little time and memory."""

import io
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook

from swatchbook.domain.records import BatchMapping
from swatchbook.ingest.sources.batch import list_batch

MIB = 1 << 20
ITEM = "<item><id>1</id><title>{}</title><price>3 EUR</price><link>https://x.example/1</link></item>"


def failures(file: Path, content: str | bytes, max_bytes: int = MIB) -> list[str]:
    """Return why the items of a file with this content failed; those that did not as an empty text."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [str(item.failure or "") for item in list_batch(file, BatchMapping(columns={}), max_bytes=max_bytes)]


def workbook(sheet: str | None = None, **other_parts: str) -> bytes:
    """Return an Excel file whose sheet has this XML, and other parts of these texts."""
    written = Workbook()
    written.active.append(["Item no.", "Product name", "Price", "Image"])
    written.active.append([1, "Oak", 3, "https://x.example/oak.jpg"])
    buffer, changed = io.BytesIO(), io.BytesIO()
    written.save(buffer)
    with ZipFile(buffer) as old, ZipFile(changed, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if sheet is not None and name.startswith("xl/worksheets/") else old.read(name))
        for name, text in other_parts.items():
            new.writestr(name, text)
    return changed.getvalue()


BOMB = "<!DOCTYPE a [" + '<!ENTITY l0 "lol">' + "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)
) + "]>"  # fmt: skip
SECRET = '<!DOCTYPE a [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'


def test_xml_with_entities_is_refused(tmp_path: Path) -> None:
    for head, title in ((BOMB, "&l9;"), (SECRET, "&secret;")):
        (why,) = failures(tmp_path / "feed.xml", f"<?xml version='1.0'?>{head}<items>{ITEM.format(title)}</items>")
        assert why
        assert "root:" not in why
        assert "Traceback" not in why


def test_great_depth_is_one_failure(tmp_path: Path) -> None:
    (why,) = failures(tmp_path / "feed.xml", "<a>" * 200_000 + "</a>" * 200_000)
    assert why
    (why,) = failures(tmp_path / "items.json", '{"id": ' * 100_000)
    assert "not JSON" in why
    item = '{"id": 1, "image": "https://x.example/1.jpg"}\n'
    good, bad = failures(tmp_path / "items.jsonl", item + "[" * 100_000)
    assert (good, bool(bad)) == ("", True)


def test_feed_of_endless_parts_is_one_failure(tmp_path: Path) -> None:
    many = range(100_000)
    attributes = " ".join(f'a{n}="{n}"' for n in many)
    one = ITEM.format("Oak")
    for feed, says in (
        (f"<items><item {attributes}/>{one}</items>", "more than 10000 attributes"),
        (f"<items>{one}<item>{''.join(f'<a{n}/>' for n in many)}</item></items>", "more than 10000 fields"),
        (f"<items>{one}<item a='{'x' * (5 << 20)}'/></items>", "more than 4 MiB"),
        (f"<a><b>{''.join(f'<a{n}/>' for n in range(9_000))}</b>{'<b/>' * 100_000}</a>", "looks like an item"),
    ):
        begun = time.process_time()
        *_, why = failures(tmp_path / "feed.xml", feed)
        assert says in why
        assert time.process_time() - begun < 15, says


def test_damaged_excel_file_is_one_failure(tmp_path: Path) -> None:
    newer = workbook().replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\x63")  # the version it needs: 9.9
    with pytest.raises(NotImplementedError):
        ZipFile(io.BytesIO(newer))
    sheets = ("<worksheet><sheetData><row", "no XML at all", f"{BOMB}<worksheet>&l9;</worksheet>")
    for data, says in (
        *((workbook(sheet), "damaged") for sheet in sheets), *((workbook()[:size], "") for size in (0, 4, 100, 2_000)),
        (newer, "a zip archive"), (workbook(**{"xl/media/zeros": "0" * (40 << 20)}), "unpacked"),
    ):  # fmt: skip
        (why,) = failures(tmp_path / "items.xlsx", data)
        assert why
        assert says in why


def test_csv_with_an_unclosed_quote_says_so(tmp_path: Path) -> None:
    rows = 'id,title,image\n1,Oak,https://x.example/1.jpg\n2,"' + "a" * (5 << 20)
    (why,) = failures(tmp_path / "items.csv", rows)
    assert "quote is not closed" in why
