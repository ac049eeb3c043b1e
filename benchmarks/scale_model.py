"""What larger collections need, on paper: docs/scale.md's table, from the growth that benchmarks/scale.json has.

`python -m benchmarks.scale_model` writes the table into docs/scale.md. Memory, disk and the time to publish grow by the
straight line through the two largest measured sizes; so does a search that compares every vector.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale import STORE

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
SIZES = (1_000_000, 100_000_000)
NAMES = {"lance": "LanceDB", "weaviate": "Weaviate"}
GB_MONTH, DISK_GB_MONTH = 4.0, 0.10
"""US dollars for a month of a GiB of memory, with its share of processors, and of SSD: rounded list prices."""

BEGIN, END = "<!-- measured: python -m benchmarks.scale_model -->\n", "<!-- end -->\n"


_GROWING = ("memory_mb", "disk_mb", "publish_seconds", "cpu")


def straight_line(measured: Sequence[Mapping[str, Any]], name: str, images: int) -> float:
    """Return a figure at a size, by the line through the two largest measured sizes, not below the largest measured."""
    small, large = measured[-2:]
    slope = (large[name] - small[name]) / (large["images"] - small["images"])
    return float(max(large[name], large[name] + slope * (images - large["images"])))


def rows(kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table's rows: measured sizes first, then those on paper."""
    for kind, name in NAMES.items():
        measured = kept[kind]["sizes"]
        for each in measured:
            yield _row(name, each["images"], "measured", each)
        for images in SIZES:
            figures = [what for what in _GROWING if measured[-1][what] is not None]
            yield _row(name, images, "on paper", {what: straight_line(measured, what, images) for what in figures})


def _row(name: str, images: int, how: str, figures: Mapping[str, Any]) -> str:
    memory, disk = figures["memory_mb"] / 1024, figures["disk_mb"] / 1024
    hours = figures["publish_seconds"] / 3600
    cpu = "–" if figures.get("cpu") is None else f"{figures['cpu']:,.0f}"
    cost = memory * GB_MONTH + disk * DISK_GB_MONTH
    return f"| {name} | {images:,} | {how} | {memory:,.1f} | {disk:,.1f} | {hours:,.2f} | {cpu} | {cost:,.0f} |\n"


def table(kept: Mapping[str, Any]) -> str:
    """Return the table as Markdown."""
    head = (
        "| index | images | | memory, GiB | disk, GiB | publishing, h | processor ms a search | $ a month |\n"
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n"
    )
    return head + "".join(rows(kept))


def write_into(page: str, kept: Mapping[str, Any]) -> str:
    """Return the page with its table computed again."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}{table(kept)}{END}{rest.split(END)[1]}"


def write_page() -> None:
    """Write the table of what was measured last into docs/scale.md."""
    PAGE.write_text(write_into(PAGE.read_text(), json.loads(STORE.read_text())))


if __name__ == "__main__":
    write_page()
