"""`--where` and page numbers as people write them, and the line that names the models of a search."""

import json
from pathlib import Path

import pytest
import typer

from swatchbook.domain.errors import InvalidReference
from swatchbook.doors.cli.commands.search import parse_filters
from swatchbook.doors.cli.shared_arguments import parse_pages
from swatchbook.index.contract import FILTERS, Where
from swatchbook_base import e5
from tests.command import attempt, run, run_json
from tests.tables import rows_of


def test_filters_of_all_kinds_are_written_or_refused() -> None:
    written = ["material=oak", "material = ash", "color=white", "page=3", "price_max=49.5", "document=a.pdf"]
    where, documents = parse_filters(written)
    assert where == Where(material=("oak", "ash"), color=("white",), page=(3,), price_max=49.5)
    assert documents == ("a.pdf",)
    assert parse_filters(["category=R10=B"])[0].category == ("R10=B",)
    for name in FILTERS:
        where, documents = parse_filters([f"{name}=3"])
        assert documents == (("3",) if name == "document" else ())
        assert [each for each, _ in where.asked()] == ([] if documents else [FILTERS[name]])
    for written, said in rows_of(__file__, "wrong"):
        with pytest.raises(InvalidReference, match=said):
            parse_filters(written)


def test_other_models_and_distant_results_are_said(filled: Path) -> None:
    searched = ("search", "oak floor", "--owner", "anna", "--json")
    said = {each: attempt(*searched, SWATCHBOOK_TEXT_ENCODER=each) for each in ("e5", "voyage")}
    assert {(status, bool(json.loads(out))) for status, out, _ in said.values()} == {(0, True)}
    line = "Searched by other models than the settings name: text, understanding by"
    assert line not in said["e5"][2]
    assert f"{line} {e5.TAG}, not by voyage-3.5@1024/document-query. See" in " ".join(said["voyage"][2].split())
    searched = ("search", "diesel piston ring", "--owner", "anna", "--by", "product")
    line, _, table = run(*searched).partition("\n")
    assert line == "Nothing matches closely. Nearest:"
    hits = run_json(*searched)
    assert [hit["close"] for hit in hits] == [False] * len(hits)
    assert all(hit["title"] in table for hit in hits)


def test_pages_are_read_in_order_each_once() -> None:
    for text, pages in (
        ("", ()),
        ("3", (3,)),
        ("3,5-7", (3, 5, 6, 7)),
        (" 7 - 9 , 8,3", (3, 7, 8, 9)),
        ("5–6,", (5, 6)),
    ):
        assert parse_pages(text) == pages
    for text in ["x", "3-", "-3", "7-5", "0", "0-2", "1-2-3", "1.5", "1-999999999999"]:
        with pytest.raises(typer.BadParameter):
            parse_pages(text)
