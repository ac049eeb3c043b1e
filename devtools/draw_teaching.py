"""Draw how the F1 of products grows with each action of a simulated person, as an SVG with a panel for each file.

Usage: python -m devtools.draw_teaching SVG TITLE=FIGURES.json[,MORE.json] …
The files are those of `python -m devtools.score_teaching … --json FILE`; those of two halves are drawn as one.
"""

import argparse
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Final

WIDTH, HEIGHT = 250, 200
"""Pixels of a panel."""
LEFT, TOP, RIGHT, BOTTOM = 34, 28, 108, 34
"""Pixels around a panel, for its numbers, its title and the names of its lines."""
LINES: Final = {
    "median": ("#0072b2", median),
    "mean": ("#00734f", mean),
    "lowest fifth": ("#b3261e", lambda values: quantiles(values, n=5, method="inclusive")[0]),
}
"""What is drawn of all catalogues, with its colour, which is told apart on white and on black."""
APART = 13
"""The fewest pixels between the names of two lines."""


def main() -> None:
    """Write the SVG."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("svg", type=Path)
    parser.add_argument("panels", nargs="+", metavar="TITLE=FILE[,FILE]")
    given = parser.parse_args()
    drawn = []
    for n, panel in enumerate(given.panels):
        title, _, files = panel.partition("=")
        courses = [course["f1"] for file in files.split(",") for course in json.loads(Path(file).read_text())]
        x = n * (LEFT + WIDTH + RIGHT) + LEFT
        drawn.append(f'<g transform="translate({x} {TOP})">{draw_panel(title, courses)}</g>')
    size = f"0 0 {len(drawn) * (LEFT + WIDTH + RIGHT)} {TOP + HEIGHT + BOTTOM}"
    body = "\n".join(drawn)
    given.svg.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif" font-size="12" '
        f'fill="#808080">\n{body}\n</svg>\n'
    )


def draw_panel(title: str, courses: Sequence[Sequence[float]]) -> str:
    """Return the lines of one panel; `courses` has the F1 of each catalogue after 0, 1, 2 … actions."""
    actions = len(courses[0])
    parts = [f'<text y="-12" font-weight="bold">{escape(title)} ({len(courses)} catalogues)</text>']
    for n in range(0, 11, 2):
        y = _y(n / 10)
        parts.append(f'<path d="M0 {y:.1f}H{WIDTH}" stroke="#808080" stroke-opacity="0.3"/>')
        parts.append(f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{n / 10:.1f}</text>')
    for n in range(actions):
        parts.append(f'<text x="{_x(n, actions):.1f}" y="{HEIGHT + 16}" text-anchor="middle">{n}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT + 31}" text-anchor="middle">actions of a person</text>')
    lowest = -float(APART)
    ends = []
    for name, (colour, of) in LINES.items():
        values = [of([course[n] for course in courses]) for n in range(actions)]
        points = " ".join(f"{_x(n, actions):.1f},{_y(value):.1f}" for n, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        ends.append((_y(values[-1]), name, colour, values[-1]))
    for y, name, colour, value in sorted(ends):
        lowest = max(y + 4, lowest + APART)
        parts.append(f'<text x="{WIDTH + 6}" y="{lowest:.1f}" fill="{colour}">{value:.2f} {name}</text>')
    return "\n".join(parts)


def _x(action: int, actions: int) -> float:
    return WIDTH * action / (actions - 1)


def _y(f1: float) -> float:
    return HEIGHT * (1 - f1)


if __name__ == "__main__":
    main()
