"""A scanned catalogue: its pages are rendered and read by a vision model, then treated like any other."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from swatchbook.domain.errors import ProviderRejected, ProviderTimeout
from swatchbook.domain.records import Description, FailedPage
from swatchbook_catalogue.discover import discover
from swatchbook_catalogue.llm.find_products import ask_products
from swatchbook_catalogue.llm.metadata import ask_metadata
from swatchbook_catalogue.llm.scans import PAGE_SIDE, read_scans, scanned_pages, with_scans
from tests.catalogue.llm.chat import FakeChat
from tests.catalogue.llm.scanned import Scanned
from tests.models.providers import attentive


@pytest.fixture(scope="module")
def scan(small_catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    return Scanned(small_catalogue, tmp_path_factory.mktemp("scan"))


def test_scanned_catalogue_yields_its_products_and_their_metadata(scan: Scanned, small_catalogue: Path) -> None:
    assert scanned_pages(scan.pages) == [1, 2, 3, 4, 5, 6]
    scans = read_scans(FakeChat(scan.says), scanned_pages(scan.pages), scan.render)
    pages = list(with_scans(scan.pages, scans))
    found = ask_products(FakeChat(attentive.answer), scan.reading, pages, discover(scan.reading, scan.pages))
    truth = json.loads(small_catalogue.with_suffix(".truth.json").read_text())["products"]
    assert [(p.name, p.first_page, p.last_page) for p in found.products] == [
        (p["name"], p["first_page"], p["last_page"]) for p in truth
    ]
    oak = found.products[0]
    own = [page for page in pages if page.number in oak.pages]
    description = ask_metadata(FakeChat(attentive.answer), oak, own, Description(metadata={}))
    assert description.metadata["slip_rating"] == "R10"


def test_pages_are_rendered_and_missing_ones_are_lost(scan: Scanned) -> None:
    painted = dict(scan.render([2, 99]))
    assert isinstance(painted[2], bytes)
    picture = Image.open(io.BytesIO(painted[2]))
    assert (max(picture.size), picture.format, picture.mode) == (PAGE_SIDE, "JPEG", "RGB")
    assert isinstance(painted[99], FailedPage)


def test_unreadable_page_is_lost_alone_and_named() -> None:
    gone = FailedPage(page=3, kind="crashed_worker", message="It crashed.", transient=True)

    def paint(numbers: Sequence[int]) -> list[tuple[int, bytes | FailedPage]]:
        return [(number, gone if number == 3 else str(number).encode()) for number in numbers]

    def reply(texts: Sequence[str], pictures: Sequence[bytes]) -> Any:
        return ProviderRejected("No.") if pictures[0] == b"2" else {"lines": [f"# Page {pictures[0].decode()}"]}

    scans = read_scans(FakeChat(reply), range(1, 41), paint)
    assert len(scans.lines) == 38
    assert scans.lines[40] == ("# Page 40",)
    assert [(lost.page, lost.kind, lost.transient) for lost in scans.lost] == [
        (2, "provider_rejected", False), (3, "crashed_worker", False),
    ]  # fmt: skip
    with pytest.raises(ProviderTimeout):
        read_scans(FakeChat(lambda texts, pictures: ProviderTimeout("Late.")), [1], paint)
