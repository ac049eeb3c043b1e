"""Find lost pictures: parts of a page that look like pictures and that no picture found covers (in the child process).

They can only be vector drawings, or the rest of a raster that was cut: all else that a page paints is found. So the
search uses the page with its pictures in a flat colour (`visible_pictures.py`), which is already painted. What looks
like a picture: `picture_like.py`.

`swatchbook audit` renders the pages with all that they show, and looks at skipped ones, too.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from swatchbook.geometry import Box
from swatchbook.pdf.trace_painting import Painting
from swatchbook.pdf.visible_pictures import pixel_size, render_box

if TYPE_CHECKING:
    from PIL.Image import Image

FEWEST_PATHS = 20
"""The least number of paths and shadings of a page that is searched: fewer draw a sign, a panel or a table."""

MOST_PATHS = 100_000  # paths of a page that is searched: more take over a second to paint


def find_lost(
    page: Any, painting: Painting, *, flat: Callable[[], "Image"], known: Sequence[Box], cut: Sequence[Box]
) -> list[tuple[Box, str | None]]:
    """Return the boxes of a page's lost pictures, in points, each with its perceptual hash.

    `flat` gives the page with its pictures in a flat colour; it is asked only where something may be lost. `known` are
    the boxes of the pictures found and of lines that were read, `cut` those of rasters of which only parts were found.
    """
    paths = painting.paths + sum(picture.gradient for picture in painting.pictures)
    if paths > MOST_PATHS or (paths < FEWEST_PATHS and not cut):
        return []
    import numpy as np  # 0.1 s: few pages need it

    from swatchbook.pdf.picture_like import look_of, pictures_seen, word_boxes

    seen, scale = flat().copy(), 1 / pixel_size(page)
    for box in cut:
        seen.paste(render_box(page, box, scale), (round(box[0] * scale), round(box[1] * scale)))
    boxes = pictures_seen(np.asarray(seen), [*word_boxes(page), *known], scale=scale)
    return [(box, look_of(seen, box, scale)) for box in boxes]
