"""Codes to scan are no pictures of products, whatever else is black on white."""

from pathlib import Path

import cv2
import numpy as np
import pymupdf
from PIL import Image, ImageDraw

from swatchbook.domain.records import PlacementState
from tests.pdf.making import png, read_pdf


def qr_code(side: int = 330) -> Image.Image:
    modules = cv2.QRCodeEncoder.create().encode("https://maker.example/products")
    return Image.fromarray(np.asarray(modules)).convert("RGB").resize((side, side), Image.Resampling.NEAREST)


def package() -> Image.Image:
    """A square picture of a package with a small code on it."""
    picture = Image.new("RGB", (600, 600), "white")
    ImageDraw.Draw(picture).rectangle((120, 60, 480, 560), fill=(150, 60, 40))
    picture.paste(qr_code(132), (240, 380))
    return picture


def marks() -> Image.Image:
    """Three corner marks without a code."""
    picture = Image.new("RGB", (330, 330), "white")
    for left, top in ((30, 30), (230, 30), (30, 230)):
        for inset, color in ((0, "black"), (10, "white"), (20, "black")):
            ImageDraw.Draw(picture).rectangle(
                (left + inset, top + inset, left + 70 - inset, top + 70 - inset), fill=color
            )
    return picture


def test_code_to_scan_is_decorative(tmp_path: Path) -> None:
    document = pymupdf.open()
    for picture in (qr_code(), package(), marks()):
        page = document.new_page()
        page.insert_image((100, 100, 200, 200), stream=png(picture))
        page.insert_text((100, 220), "Scan for the whole range of products")
    document.save(tmp_path / "a.pdf")
    placements = read_pdf(tmp_path / "a.pdf").found.placements
    shown = (PlacementState.SHOWN, None)
    code = (PlacementState.DECORATIVE, "a code to scan")
    assert [(placement.state, placement.reason) for placement in placements] == [code, shown, shown]
