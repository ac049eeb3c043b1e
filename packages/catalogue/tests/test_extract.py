import io
import time
import zlib
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image, ImageCms

from swatchbook.domain.errors import DiskFull
from swatchbook.domain.records import Extraction, Picture, PlacementState, Plan, PlannedPage
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_folder import FileFolder
from swatchbook.store.files.file_store import Files
from swatchbook_catalogue import extract as pipeline
from swatchbook_catalogue.pdf import reader
from tests.pdf import likeness
from tests.pdf.making import Paper, all_pages, deflated, gradient, jpeg, write_drawn_glyph

BOX = (50, 100, 250, 200)


def extract(paper: Paper, files: Files, tmp_path: Path, plan: Plan | None = None, **changed: object) -> Extraction:
    path = paper.save(tmp_path / "a.pdf")
    settings = Settings.model_validate({"page_seconds": 20, **changed})
    reading = reader.read(path, files, settings)
    plan = plan or all_pages(reading.page_count)
    return pipeline.extract(path, "document", reading, plan, files, settings)


def only(extraction: Extraction) -> Picture:
    assert not extraction.unreadable, extraction.unreadable
    (picture,) = extraction.pictures
    return picture


def pixels(files: Files, picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(files.read(picture.file)))


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean absolute difference of the channels, 0–255."""
    return float(np.abs(np.asarray(a.convert("RGB"), float) - np.asarray(b.convert("RGB"), float)).mean())


def test_jpeg_passes_byte_for_byte(paper: Paper, files: Files, tmp_path: Path) -> None:
    colour, grey, packed = (jpeg(gradient(80, 40, mode, seed)) for mode, seed in (("RGB", 0), ("L", 1), ("RGB", 2)))
    images = [paper.image(80, 40, colour, "/DCTDecode"), paper.image(80, 40, grey, "/DCTDecode", "/DeviceGray")]
    images += [paper.image(80, 40, zlib.compress(packed), "[/FlateDecode /DCTDecode]")]
    for image in images:
        paper.put(paper.page(), image, BOX)
    extraction = extract(paper, files, tmp_path)
    assert not extraction.unreadable
    for picture, data, mode in zip(extraction.pictures, (colour, grey, packed), ("RGB", "L", "RGB"), strict=True):
        assert files.read(picture.file) == data
        assert picture.file.endswith(".jpg")
        assert (picture.passed_through, picture.width, picture.height, picture.mode) == (True, 80, 40, mode)


def test_only_real_masks_of_jpegs_become_alpha(paper: Paper, files: Files, tmp_path: Path) -> None:
    pictures = {"opaque": gradient(80, 40), "soft": gradient(80, 40, seed=3)}
    page = paper.page()
    masks = {}
    for name, mask in (
        ("opaque", Image.new("L", (160, 80), 255)),
        ("soft", Image.linear_gradient("L").resize((160, 80))),
    ):
        soft = paper.image(160, 80, deflated(mask), "/FlateDecode", "/DeviceGray")
        masks[name] = paper.image(80, 40, jpeg(pictures[name]), "/DCTDecode", more=f"SMask {soft} 0 R")
    paper.put(page, masks["opaque"], (50, 100, 250, 200))
    paper.put(page, masks["soft"], (50, 300, 250, 400))
    extraction = extract(paper, files, tmp_path)
    opaque, soft_masked = extraction.pictures
    assert opaque.passed_through
    assert (soft_masked.passed_through, soft_masked.mode) == (False, "RGBA")
    shown = pixels(files, soft_masked)
    assert shown.width == 80
    assert 34 <= shown.height <= 38, "the rows above are too faint to be seen"
    alpha = np.asarray(shown.getchannel("A"), float)
    assert alpha[0].mean() < 40
    assert alpha[-1].mean() > 245
    lower = shown.crop((0, shown.height - 20, 80, shown.height))
    assert difference(lower, pictures["soft"].crop((0, 20, 80, 40))) < 3, "colour is not premultiplied"


def test_wide_gamut_becomes_srgb_and_orientation_is_dropped(paper: Paper, files: Files, tmp_path: Path) -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    name = "sRGB built-in".encode("utf-16-be")
    at = bytes(profile).index(name)
    profile[at : at + len(name)] = "Adobe RGB 199".encode("utf-16-be")
    icc = paper.object("N 3", bytes(profile))
    exif, source = Image.Exif(), gradient(80, 40, seed=3)
    exif[0x0112] = 6
    wide = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode", f"[/ICCBased {icc} 0 R]")
    turned = paper.image(80, 40, jpeg(source, exif=exif), "/DCTDecode")
    for page, xref in zip(paper.pages(2), (wide, turned), strict=True):
        paper.put(page, xref, BOX)
    of_wide, upright = extract(paper, files, tmp_path).pictures
    assert not of_wide.passed_through
    assert (upright.width, upright.height, upright.passed_through) == (80, 40, False)
    assert difference(pixels(files, upright), source) < 4


TURNS: dict[Image.Transpose | None, tuple[float, ...]] = {
    None: (200, 0, 0, 100, 50, 400), Image.Transpose.FLIP_LEFT_RIGHT: (-200, 0, 0, 100, 250, 400),
    Image.Transpose.FLIP_TOP_BOTTOM: (200, 0, 0, -100, 50, 500),
    Image.Transpose.ROTATE_180: (-200, 0, 0, -100, 250, 500), Image.Transpose.ROTATE_90: (0, 200, -100, 0, 150, 300),
    Image.Transpose.ROTATE_270: (0, -200, 100, 0, 50, 500), Image.Transpose.TRANSVERSE: (0, 200, 100, 0, 50, 300),
    Image.Transpose.TRANSPOSE: (0, -200, -100, 0, 150, 500),
}  # fmt: skip


@pytest.mark.parametrize("rotation", [0, 90])
def test_turned_pictures_are_stored_as_shown(paper: Paper, files: Files, tmp_path: Path, rotation: int) -> None:
    xref = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    for matrix in TURNS.values():
        paper.draw(paper.page(rotation=rotation), xref, matrix)
    extraction = extract(paper, files, tmp_path)
    upright = None if rotation == 0 else Image.Transpose.ROTATE_90  # what the page turns back
    by_key = {picture.content_key: picture for picture in extraction.pictures}
    assert len(by_key) == len(TURNS)
    for placement, way, page in zip(extraction.placements, TURNS, paper.document, strict=True):
        picture = by_key[placement.content_key]
        assert likeness.difference(page, placement, pixels(files, picture)) < 6, way
        assert picture.passed_through == (way == upright)


def test_inline_pictures_beside_paint_over_the_edge(paper: Paper, files: Files, tmp_path: Path) -> None:
    sources = [gradient(16, 8, seed=seed) for seed in (1, 2, 3)]
    page = paper.page()
    page.set_mediabox(pymupdf.Rect(0, 0, 399.5, 600))  # whole pixels of a gradient stand over its edge
    paper.shade(page, (0, 0, 400, 90))
    paper.put_inline(page, sources[0], BOX)
    paper.put(page, paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode"), (-10, 250, 250, 350))
    paper.shade(page, (0, 220, 100, 240))
    paper.put_inline(page, sources[1], (-20, 360, 100, 420))
    paper.put_inline(page, sources[2], (50, 450, 250, 550))
    extraction = extract(paper, files, tmp_path)
    assert [p.kind for p in extraction.placements] == ["inline", "embedded", "inline", "inline"]
    stored = {picture.content_key: picture for picture in extraction.pictures}
    shown = [pixels(files, stored[p.content_key]) for p in extraction.placements if p.kind == "inline"]
    assert extraction.placements[0].xref is None
    sources[1] = sources[1].crop((2, 0, 16, 8))  # the rest is over the page's edge
    assert [difference(a, b) for a, b in zip(shown, sources, strict=True)] == [0, 0, 0]


def test_picture_drawn_as_a_letter_is_found(paper: Paper, files: Files, tmp_path: Path) -> None:
    picture = gradient(60, 40)
    image = paper.image(60, 40, zlib.compress(picture.tobytes()), "/FlateDecode")
    coloured, place = b"1000 0 d0 q 1000 0 0 667 0 0 cm /I Do Q", f"/I {image} 0 R"
    write_drawn_glyph(paper, paper.page("Beside a letter"), coloured, place, 240)
    write_drawn_glyph(paper, paper.page("A small one"), coloured, place, 20)
    stencil = b"BI /W 8 /H 8 /BPC 1 /IM true ID " + b"\xaa\x55" * 4 + b" EI"
    letter = b"1000 0 0 0 1000 1000 d1 1000 0 0 1000 0 0 cm " + stencil
    write_drawn_glyph(paper, paper.page("A letter"), letter, "", 240)
    extraction = extract(paper, files, tmp_path)
    assert [(p.page, p.kind) for p in extraction.placements] == [(1, "inline")]
    assert extraction.placements[0].bbox == pytest.approx((50, 140, 290, 300), abs=0.2)
    assert difference(pixels(files, only(extraction)), picture) == 0


def test_faint_gradient_makes_no_pictures_of_the_others(paper: Paper, files: Files, tmp_path: Path) -> None:
    page = paper.page()
    paper.resource(page, "ExtGState/Faint", "<</ca 0.3/CA 0.3>>")
    paper.shade(page, (0, 0, 400, 80), "/Faint gs")
    paper.shade(page, (0, 500, 400, 580))
    paper.put_inline(page, gradient(16, 8), BOX)
    extraction = extract(paper, files, tmp_path)
    assert difference(pixels(files, only(extraction)), gradient(16, 8)) == 0
    assert extraction.placements[0].bbox == pytest.approx(BOX)


def test_equal_content_is_one_picture_of_many_placements(paper: Paper, files: Files, tmp_path: Path) -> None:
    data = jpeg(gradient(80, 40))
    page, other = paper.pages(2)
    first, second = (paper.image(80, 40, data, "/DCTDecode") for _ in range(2))
    paper.put(page, first, BOX)
    paper.put(page, first, BOX)
    paper.put(page, first, (50, 300, 250, 400))
    paper.put(other, second, BOX)
    extraction = extract(paper, files, tmp_path)
    picture = only(extraction)
    assert len(extraction.placements) == 4
    assert {p.content_key for p in extraction.placements} == {picture.content_key}
    assert len({p.id for p in extraction.placements}) == 4
    assert [p.xref for p in extraction.placements][-1] in (first, second)


def test_only_planned_pages_are_extracted(paper: Paper, files: Files, tmp_path: Path) -> None:
    paper.page("only text")
    for seed in range(3):
        paper.put(paper.page(), paper.image(80, 40, jpeg(gradient(80, 40, seed=seed)), "/DCTDecode"), BOX)
    kinds = ("product", "skipped", "product", "entity")
    plan = Plan(pages=tuple(PlannedPage(number=n + 1, kind=k, reason="") for n, k in enumerate(kinds)))  # type: ignore[arg-type]
    assert [p.page for p in extract(paper, files, tmp_path, plan).placements] == [3, 4]
    assert extract(paper, files, tmp_path, Plan(pages=())).placements == ()


def test_each_placement_has_its_state_and_reason(paper: Paper, files: Files, tmp_path: Path) -> None:
    logo = paper.image(60, 60, jpeg(gradient(60, 60, seed=1)), "/DCTDecode")
    icon = paper.image(10, 10, jpeg(gradient(10, 10, seed=2)), "/DCTDecode")
    under = paper.image(50, 40, jpeg(gradient(50, 40, seed=3)), "/DCTDecode")
    for number in range(3):
        page = paper.page(f"page {number}")
        paper.put(page, logo, (330, 540, 390, 595))
        paper.put(page, under, BOX)
        if number == 0:
            off = paper.image(70, 70, jpeg(gradient(70, 70, seed=4)), "/DCTDecode")
            paper.put(page, icon, (10, 10, 30, 30))
            paper.put(page, off, (-300, 100, -100, 300))
        if number < 2:
            over = paper.image(90, 40, jpeg(gradient(90, 40, seed=5 + number)), "/DCTDecode")
            paper.put(page, over, BOX)
    placements = extract(paper, files, tmp_path).placements
    said = {(p.page, p.xref): (p.state, (p.reason or "").split(":")[0]) for p in placements}
    assert {said[n, logo] for n in (1, 2, 3)} == {(PlacementState.DECORATIVE, "repeated")}
    assert said[1, icon] == (PlacementState.DECORATIVE, "tiny")
    assert said[1, off] == (PlacementState.HIDDEN, "off the page or clipped away")
    assert said[1, under] == said[2, under] == (PlacementState.HIDDEN, "covered")
    assert said[3, under] == (PlacementState.SHOWN, ""), "what lies hidden elsewhere is not repeated"
    assert said[2, over] == (PlacementState.SHOWN, "")


def broken_stream(paper: Paper) -> int:
    data = jpeg(gradient(300, 200))
    return paper.image(300, 200, data[: len(data) // 2], "/DCTDecode")


def nonsense(paper: Paper) -> int:
    return paper.image(30, 20, b"this was never a JPEG", "/DCTDecode")


def bomb(paper: Paper) -> int:
    return paper.image(30_000, 30_000, b"x\x9c\x03\x00\x00\x00\x00\x01", "/FlateDecode")


def bomb_by_its_own_header(paper: Paper) -> int:
    data = bytearray(jpeg(gradient(40, 40)))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\x00\xff\x00"  # 65,280 pixels a side
    return paper.image(40, 40, bytes(data), "/DCTDecode")


def test_broken_picture_is_named_and_fails_alone(paper: Paper, files: Files, tmp_path: Path) -> None:
    damaged, none, side = "The JPEG is truncated or damaged.", "Its bytes are not a JPEG.", "SWATCHBOOK_MAX_IMAGE_SIDE"
    makers = (broken_stream, nonsense, bomb, bomb_by_its_own_header)
    broken = [make(paper) for make in makers]
    good = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    for page, xref in zip(paper.pages(len(broken)), broken, strict=True):
        paper.put(page, xref, BOX)
        paper.put(page, good, (50, 300, 250, 400))
    extraction = extract(paper, files, tmp_path)
    assert [p.xref for p in extraction.placements] == [xref for each in broken for xref in (each, good)]
    known = {each.content_key: each for each in extraction.unreadable}
    kinds = ["unreadable_image", "unreadable_image", "too_large", "too_large"]
    for placement, kind, says in zip(extraction.placements[::2], kinds, (damaged, none, side, side), strict=True):
        unreadable = known[placement.content_key]
        assert (unreadable.kind, says in unreadable.message) == (kind, True)
        assert (placement.state, placement.reason) == (PlacementState.UNREADABLE, unreadable.message)
    assert (len(known), len(extraction.pictures), extraction.lost) == (4, 1, ())


def test_file_over_the_limit_is_too_large(paper: Paper, files: Files, tmp_path: Path) -> None:
    noise = Image.effect_noise((1200, 1200), 80)
    data = jpeg(noise) + b"\0" * (1 << 20)
    paper.put(paper.page(), paper.image(1200, 1200, data, "/DCTDecode", "/DeviceGray"), BOX)
    (unreadable,) = extract(paper, files, tmp_path, max_image_mb=1).unreadable
    assert unreadable.kind == "too_large"
    assert "SWATCHBOOK_MAX_IMAGE_MB" in unreadable.message


def test_single_pixel_is_a_swatch_filling_its_box(paper: Paper, files: Files, tmp_path: Path) -> None:
    page = paper.page("Spring collection")
    page.insert_text((50, 215), "Oak natural, oiled", fontsize=9)
    paper.put(page, paper.image(1, 1, b"\xff\x80\x00", "[]"), BOX)
    extraction = extract(paper, files, tmp_path)
    picture, (placement,) = only(extraction), extraction.placements
    assert (picture.width, picture.height) == (200, 100)
    assert pixels(files, picture).getpixel((0, 0)) == (255, 128, 0)
    assert placement.caption == "Oak natural, oiled"
    assert placement.nearby_text == "Spring collection\nOak natural, oiled"


@pytest.mark.usefixtures("troubled")
def test_deadly_one_fails_alone(paper: Paper, files: Files, tmp_path: Path) -> None:
    page, after = paper.pages(2)
    first = paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode")
    deadly = paper.image(13, 13, jpeg(gradient(13, 13)), "/DCTDecode")
    last = paper.image(90, 40, jpeg(gradient(90, 40)), "/DCTDecode")
    for number, xref in enumerate((first, deadly, last)):
        paper.put(page, xref, (50, 100 + 150 * number, 250, 200 + 150 * number))
    paper.put(after, last, BOX)
    extraction = extract(paper, files, tmp_path)
    assert [(p.page, p.xref) for p in extraction.placements] == [(1, first), (1, deadly), (1, last), (2, last)]
    (unreadable,) = extraction.unreadable
    assert unreadable.kind == "crashed_worker"
    assert extraction.placements[1].content_key == unreadable.content_key
    assert len(extraction.pictures) == 2
    assert [(lost.page, lost.transient) for lost in extraction.lost] == [(1, True)], "memory may have been short"


@pytest.mark.usefixtures("troubled")
def test_picture_survives_one_kill(paper: Paper, files: Files, tmp_path: Path) -> None:
    page = paper.page()
    widths = (80, 19, 90)
    xrefs = [paper.image(width, 40, jpeg(gradient(width, 40)), "/DCTDecode") for width in widths]
    for number, xref in enumerate(xrefs):
        paper.put(page, xref, (50, 100 + 150 * number, 250, 200 + 150 * number))
    extraction = extract(paper, files, tmp_path)
    assert [p.xref for p in extraction.placements] == xrefs
    assert [one.width for one in extraction.pictures] == list(widths)
    assert extraction.unreadable == extraction.lost == ()


@pytest.mark.usefixtures("troubled")
def test_failed_picture_is_logged_and_hung_one_transient(
    paper: Paper, files: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for page, side in zip(paper.pages(2), (23, 17), strict=True):
        paper.put(page, paper.image(side, side, jpeg(gradient(side, side)), "/DCTDecode"), BOX)
    extraction = extract(paper, files, tmp_path, page_seconds=3)
    failed, hung = extraction.unreadable
    assert (failed.kind, failed.message) == ("unreadable_image", "The picture could not be read (see the log).")
    assert "picture 0 of page 1 failed" in caplog.text
    assert "IndexError: list index out of range" in caplog.text
    assert hung.kind == "provider_timeout"
    assert [(lost.page, lost.transient) for lost in extraction.lost] == [(2, True)]


def test_full_disk_stops_extraction_with_its_own_error(paper: Paper, tmp_path: Path) -> None:
    class FullFiles(FileFolder):
        def put_bytes(self, data: bytes, suffix: str = "") -> str:
            raise DiskFull("The disk is full.")

    paper.put(paper.page(), paper.image(80, 40, jpeg(gradient(80, 40)), "/DCTDecode"), BOX)
    begun = time.monotonic()
    with pytest.raises(DiskFull):
        extract(paper, FullFiles(str(tmp_path / "files")), tmp_path)
    assert time.monotonic() - begun < 15
