"""Text files in any encoding: whole files decide, damaged lines are named, and no letter becomes U+FFFD."""

import codecs
from pathlib import Path

import pytest

from swatchbook.domain.records import NO_MAPPING
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.item_files import SourceNotes
from swatchbook_shops.items import text_file
from swatchbook_shops.items.plan_batch import plan_batch
from swatchbook_shops.items.text_file import letters_of, open_utf8
from tests.ingest.sources.pictures import draw

MIB = 1 << 20
HEAD = "sku;title;price;images\n"


def titles(file: Path, data: bytes) -> tuple[dict[str | None, str], list[str]]:
    """Return the titles of a batch file's items by their codes, and what is told of its letters."""
    file.write_bytes(data)
    doubts = list[str]()
    listed = list(list_batch(file, NO_MAPPING, max_bytes=MIB, notes=SourceNotes(doubts=doubts)))
    return {item.code: item.title for item in listed}, doubts


def rows(count: int, title: str) -> str:
    return "".join(f"{place:05d};{title} {place};9,50;a.jpg\n" for place in range(count))


def test_first_umlaut_far_below_the_head_is_read(tmp_path: Path) -> None:
    late = "90000;Stühle für Gäste;9,50;a.jpg\n90001;Größe L;9,50;a.jpg\n"
    text = HEAD + rows(100, "Oak chair with a long plain description " * 30) + late
    found, doubts = titles(tmp_path / "late.csv", text.encode("cp1252"))
    assert (found["90000"], found["90001"], doubts) == ("Stühle für Gäste", "Größe L", [])
    plan = plan_batch(tmp_path / "late.csv", NO_MAPPING, max_bytes=MIB)
    assert plan.format == "CSV in cp1252"
    assert plan.letters == (
        "late.csv was read as cp1252. Lines to check: 102 “90000;Stühle für Gäste;9,50;a.jpg”, "
        "103 “90001;Größe L;9,50;a.jpg”.",
    )


def test_stray_byte_costs_its_line_only(tmp_path: Path) -> None:
    text = HEAD + rows(60, "Stühle für Gäste")
    for stray, title in ((b"Caf\xe9 Tisch", "Café Tisch"), ("Möbel ".encode() + b"Caf\xe9 Gr\xfcn", "Möbel Café Grün")):
        found, doubts = titles(tmp_path / "one.csv", text.encode() + b"900;" + stray + b";9,50;a.jpg\n")
        assert (found["00000"], found["00059"], found["900"]) == ("Stühle für Gäste 0", "Stühle für Gäste 59", title)
        assert doubts == [
            "one.csv has letters that are in doubt in 1 line, read as cp1252. "
            f"Lines to check: 62 “900;{title};9,50;a.jpg”."
        ]


def test_utf8_line_in_an_old_file_is_read(tmp_path: Path) -> None:
    data = (HEAD + rows(9, "Stühle für Gäste")).encode("cp1252") + "900;Tür;9,50;a.jpg\n".encode()
    found, doubts = titles(tmp_path / "old.csv", data)
    assert (found["00008"], found["900"]) == ("Stühle für Gäste 8", "Tür")
    assert "in doubt in 1 line, read as utf-8. Lines to check: 11 “900;Tür" in doubts[0]


def test_lost_characters_and_meaningless_bytes_are_named(tmp_path: Path) -> None:
    data = (HEAD + rows(3, "Stühle")).encode() + b"7;St\xef\xbf\xbdhle;1;a.jpg\n8;Oak\x00 table;1;a.jpg\n"
    found, doubts = titles(tmp_path / "lost.csv", data)
    assert (found["7"], found["8"]) == ("St?hle", "Oak table")
    assert "2 lines. Lines to check: 5 “7;St?hle;1;a.jpg”, 6 “8;Oak table;1;a.jpg”" in doubts[0]
    for name, data, title in (
        ("lost.jsonl", b'{"sku": "7", "title": "St\\ufffdhle", "images": "a.jpg"}\n', "St?hle"),
        ("a.csv", (HEAD + rows(9, "Größe für Gäste")).encode("cp1252") + b"7;Gr\x81n\xfcn;1;a.jpg\n", "Gr?nün"),
    ):
        found, doubts = titles(tmp_path / name, data)
        assert (found["7"], len(doubts)) == (title, 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "cp1251", "cp866"])
def test_text_is_read_in_every_format(tmp_path: Path, encoding: str) -> None:
    title = "Стул дубовый"
    for name, text in {
        "a.csv": f"sku;title;price;images\n7;{title};9,50;a.jpg\n8;{title};9,50;a.jpg\n",
        "a.jsonl": f'{{"sku": "7", "title": "{title}", "images": "a.jpg"}}\n' * 2,
        "a.json": f'[{{"sku": "7", "title": "{title}", "images": "a.jpg"}}]',
        "a.xml": f"<items><item><sku>7</sku><title>{title}</title><image>a.jpg</image></item></items>",
    }.items():
        assert titles(tmp_path / name, text.encode(encoding))[0]["7"] == title, name


def test_xml_may_be_utf8_whatever_it_names(tmp_path: Path) -> None:
    item = "<items><item><sku>7</sku><title>Größe – 5 €</title><image>a.jpg</image></item></items>"
    for named, written in (
        ("ISO-8859-1", "cp1252"), ("windows-1252", "cp1252"), ("UTF-8", "cp1252"), ("ISO-8859-1", "utf-8"),
    ):  # fmt: skip
        data = f'<?xml version="1.0" encoding="{named}"?>{item}'.encode(written)
        assert titles(tmp_path / "feed.xml", data)[0]["7"] == "Größe – 5 €", named


def test_no_more_than_a_piece_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_file, "_PIECE", 64)
    for encoding in ("cp1252", "utf-16", "utf-8"):
        text = HEAD + rows(50, "Stühle für Gäste ohne Ende") + "x" * 500 + "ü" * 9 + "\r\n"
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes(text.encode(encoding))
        with open_utf8(file) as opened:
            assert opened.read().decode() == text
        assert letters_of(file).doubtful == 0


def test_binary_file_is_no_text(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    assert text_file.head_of(tmp_path / "a.png", 1 << 16) is None
    (tmp_path / "empty").write_bytes(codecs.BOM_UTF8)
    assert text_file.head_of(tmp_path / "empty", 1 << 16) == ""
