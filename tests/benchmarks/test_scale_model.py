"""The figures on paper are computed from the measured ones, and the page has them."""

import json

from benchmarks.scale import STORE
from benchmarks.scale_model import PAGE, straight_line, write_into

MEASURED = [{"images": 10, "disk_mb": 3.0}, {"images": 20, "disk_mb": 5.0}]


def test_figure_grows_along_the_line_through_measured_ones() -> None:
    for images, expected in [(20, 5.0), (30, 7.0), (1_020, 205.0)]:
        assert straight_line(MEASURED, "disk_mb", images) == expected
    assert straight_line([*MEASURED, {"images": 40, "disk_mb": 4.0}], "disk_mb", 1_000) == 4.0


def test_the_page_has_what_the_measured_figures_make() -> None:
    assert PAGE.read_text() == write_into(PAGE.read_text(), json.loads(STORE.read_text()))
