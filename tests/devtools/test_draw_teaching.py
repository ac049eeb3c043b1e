"""The plot of teaching has the figures of its files."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from devtools import draw_teaching


def test_plot_has_a_panel_for_each_title_with_its_last_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halves = [tmp_path / f"{n}.json" for n in range(2)]
    for n, file in enumerate(halves):
        file.write_text(json.dumps([{"f1": [0.1 * n, 0.5, 0.9]}, {"f1": [0.2, 0.4, 0.4 + 0.2 * n]}]))
    svg = tmp_path / "plot.svg"
    panels = [f"Left <out>={halves[0]},{halves[1]}", f"Aside={halves[1]}"]
    monkeypatch.setattr(sys, "argv", ["draw_teaching", str(svg), *panels])
    draw_teaching.main()
    drawn = ElementTree.fromstring(svg.read_text())
    texts = ["".join(each.itertext()) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "Left <out> (4 catalogues)" in texts
    assert "Aside (2 catalogues)" in texts
    assert {"0.75 median", "0.70 mean", "0.52 lowest fifth", "0.66 lowest fifth"} <= set(texts)
    lines = [each.get("points", "") for each in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    assert len(lines) == 6
    assert all(len(points.split()) == 3 for points in lines)
