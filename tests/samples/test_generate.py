"""The sample catalogues: what stands in them is what their truth says, and every build says the same."""

import json
import statistics
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from samples.book import bind
from samples.generate import BUILD, build, make_catalogue

A4_AREA = 595 * 842


@pytest.fixture(scope="session")
def large() -> tuple[Path, dict[str, Any]]:
    path = build(BUILD)
    return path, json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))


def pixel_keys(document: pymupdf.Document, xrefs: set[int]) -> set[int]:
    return {zlib.crc32(pymupdf.Pixmap(document, x).samples) for x in xrefs}


@pytest.mark.nightly
def test_two_builds_of_the_small_sample_are_identical(tmp_path: Path) -> None:
    kept, new = build(BUILD, small=True), tmp_path / "small.pdf"
    truth = make_catalogue(new, small=True)
    assert json.loads(json.dumps(truth)) == json.loads(kept.with_suffix(".truth.json").read_text(encoding="utf-8"))
    assert new.read_bytes() == kept.read_bytes()


def test_the_large_one_is_as_large_as_promised(large: tuple[Path, dict[str, Any]]) -> None:
    path, truth = large
    assert (truth["pages"], len(truth["products"]), truth["images"]) == (71, 11, 256)
    assert path.stat().st_size < 25e6
    assert len({p["category"] for p in truth["products"]}) == 5
    kinds = Counter(p["kind"] for p in truth["nonproduct_pages"])
    assert kinds == {"cover": 1, "about": 1, "contents": 1, "section": 5, "certificates": 1, "contact": 1}


def test_product_pictures_have_distinct_pixels_and_visible_sizes(large: tuple[Path, dict[str, Any]]) -> None:
    path, truth = large
    hints = [label["image_hint"] for label in truth["image_links"]]
    xrefs = {h["xref"] for h in hints if h["xref"]}
    with pymupdf.open(path) as document:
        keys = pixel_keys(document, xrefs)
    assert len(keys) == len(xrefs) == truth["images"] - sum(not h["xref"] for h in hints)
    for x0, y0, x1, y1 in (h["bbox"] for h in hints):
        width, height = x1 - x0, y1 - y0
        assert min(width, height) > 60
        assert max(width, height) / min(width, height) < 4
        assert width * height > 0.01 * A4_AREA


def test_large_sample_holds_every_way_to_store_pictures(large: tuple[Path, dict[str, Any]]) -> None:
    path, truth = large
    ways: Counter[str] = Counter()
    with pymupdf.open(path) as document:
        for xref in {label["image_hint"]["xref"] for label in truth["image_links"]}:
            if xref is None:
                ways["inline"] += 1
                continue
            space, mask = document.xref_get_key(xref, "ColorSpace")[1], document.xref_get_key(xref, "SMask")[0]
            ways[f"{document.xref_get_key(xref, 'Filter')[1]} {space}{' mask' if mask == 'xref' else ''}"] += 1
        assert sum(page.rotation == 90 for page in document) == 1
        assert document.get_toc()[2][:2] == [1, "Porcelain & Ceramic"]
        assert document[2].get_label() == "1"
    assert ways == {
        "/DCTDecode /DeviceRGB": 245, "/DCTDecode /DeviceCMYK": 3, "/JPXDecode /DeviceRGB": 3,
        "/FlateDecode /DeviceRGB mask": 4, "inline": 1,
    }  # fmt: skip


def test_cmyk_and_inline_pictures_show_their_own_colours(large: tuple[Path, dict[str, Any]]) -> None:
    path, truth = large
    colours = {}
    with pymupdf.open(path) as document:
        for wanted in ("Cimento Oat", "Terra Nova Chalk", "Medina Night"):
            label = next(x for x in truth["image_links"] if x["caption"].startswith(wanted) and x["role"] == "swatch")
            clip = pymupdf.Rect(label["image_hint"]["bbox"])
            pixels = document[label["page"] - 1].get_pixmap(clip=clip, dpi=20)
            colours[wanted] = [statistics.mean(pixels.samples[c::3]) for c in range(3)]
    assert min(colours["Terra Nova Chalk"]) > 180
    assert all(140 < c < 220 for c in colours["Cimento Oat"])
    red, _, blue = colours["Medina Night"]
    assert blue > red + 20


@pytest.mark.nightly
def test_ten_editions_multiply_pages_and_share_no_picture() -> None:
    book = bind(10)
    shown = [p for s in book.sheets for p in s.placed if p.owner]
    assert len(book.sheets) == 710
    assert len({p.name for p in book.products}) == 110
    assert len({(p.shot, p.edition) for p in shown}) == 2560
    assert len({p.shot for p in shown}) == 256  # made once, tinted nine times
