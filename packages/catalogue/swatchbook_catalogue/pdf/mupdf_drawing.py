"""Draw boxes over a rendered page and notes next to it with MuPDF (in the child process)."""

from collections.abc import Mapping
from typing import Any

import pymupdf

NOTES, NOTE, MOST_NOTES = 560, 30, 4_000  # pixels next to a drawn page: width of the notes, height of each and of all
NOTES_STYLE = "* { font-family: sans-serif; font-size: 14px; } p { margin: 0 0 6px 0; } h3 { font-size: 18px; }"


def draw(rendered: Any, scale: float, drawing: Mapping[str, Any]) -> bytes:
    """Return a rendered page (a pixmap) as PNG, with boxes over it and notes next to it."""
    width, height = rendered.width, rendered.height
    with pymupdf.open() as made:
        room = min(NOTE * drawing["notes"].count("<p>"), MOST_NOTES)
        sheet = made.new_page(width=width + NOTES, height=max(height, room))
        sheet.insert_image((0, 0, width, height), pixmap=rendered)
        for box in drawing["boxes"]:
            _draw_box(sheet, box, scale, (width, height))
        notes = (width + 20, 10, width + NOTES - 20, sheet.rect.height - 10)
        sheet.insert_htmlbox(notes, drawing["notes"], css=NOTES_STYLE, scale_low=0)  # made smaller if there are many
        png: bytes = sheet.get_pixmap(alpha=False).tobytes("png")
    return png


def _draw_box(sheet: Any, box: Mapping[str, Any], scale: float, frame: tuple[int, int]) -> None:
    """Draw a box over a white one, and its sign at the corner, or at the page's edge nearest to it."""
    color = tuple(int(box["color"][at : at + 2], 16) / 255 for at in (1, 3, 5))
    around = pymupdf.Rect([side * scale for side in box["bbox"]]) & pymupdf.Rect(0, 0, *frame)
    if around.is_valid and not around.is_empty:
        sheet.draw_rect(around, color=(1, 1, 1), width=6)
        dashes = f"[{' '.join(map(str, box['dashes']))}] 0" if box["dashes"] else None
        sheet.draw_rect(around, color=color, width=3, dashes=dashes)
    length = 8 + 9 * len(box["sign"])
    x = min(max(box["bbox"][0] * scale, 0), frame[0] - length)
    y = min(max(box["bbox"][1] * scale, 0), frame[1] - 18)
    sheet.draw_rect((x, y, x + length, y + 18), color=None, fill=color)
    sheet.insert_text((x + 4, y + 14), box["sign"], fontsize=14, fontname="hebo", color=(1, 1, 1))
