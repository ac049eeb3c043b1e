"""Plot figures by day as SVG: stacked bars, with lines at round values.

The page's own style sheet colours the shapes by their classes, in light and dark. At most eight values have a colour;
the others are added up.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import floor, log10
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

COLORS: Final = 8
"""Colours of the style sheet."""

OTHERS: Final = "(others)"
_WIDTH, _HEIGHT = 760, 200
_LEFT, _TOP, _GROUND = 56, 8, 172.0
"""Width of the values next to the plot, the end of the highest bar, and its height, in units of the SVG."""

_LINES = 4  # at most, above the ground
_ROUNDING = 1e-9


class Plot(NamedTuple):
    """A plot and the numbers behind it: for each series, in the order of its colours, one value for each day."""

    svg: Markup
    days: Sequence[str]
    series: Mapping[str, Sequence[float]]


def last_days(count: int, now: float) -> list[str]:
    """Return the last days of UTC, today last, as YYYY-MM-DD."""
    today = datetime.fromtimestamp(now, UTC).date()
    return [(today - timedelta(days=back)).isoformat() for back in reversed(range(count))]


def plot_days(
    name: str, title: str, what: str, days: Sequence[str], values: Iterable[tuple[str, str, float]]
) -> Plot | None:
    """Return stacked bars, one for each day, of (day, series, value); None without any. `name`: that of the plot."""
    by_series = defaultdict[str, Counter[str]](Counter)
    for day, series, value in values:
        if day in days:
            by_series[series][day] += value  # type: ignore[assignment]  # a Counter adds floats, too
    most = sorted(by_series, key=lambda series: (-sum(by_series[series].values()), series))
    for series in most[COLORS - 1 :] if len(most) > COLORS else ():
        by_series[OTHERS] += by_series.pop(series)
    drawn = {series: [by_series[series][day] for day in days] for series in (*most, OTHERS) if series in by_series}
    if not any(map(any, drawn.values())):
        return None
    return Plot(_draw(name, title, what, days, drawn), days, drawn)


def _draw(name: str, title: str, what: str, days: Sequence[str], series: Mapping[str, Sequence[float]]) -> Markup:
    highest = max(map(sum, zip(*series.values(), strict=True)))
    step = _step(highest / _LINES)
    scale, width = _GROUND / max(highest, step), (_WIDTH - _LEFT) / len(days)
    svg = Element("svg", {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "class": "plot"})
    svg.set("aria-labelledby", f"{name}-title {name}-desc")
    SubElement(svg, "title", id=f"{name}-title").text = title
    SubElement(svg, "desc", id=f"{name}-desc").text = what
    for line in range(int(highest / step + _ROUNDING) + 1):
        y = f"{_TOP + _GROUND - line * step * scale:.1f}"
        SubElement(svg, "path", {"d": f"M{_LEFT} {y} H{_WIDTH}", "class": "line"})
        SubElement(svg, "text", {"x": f"{_LEFT - 5}", "y": y, "class": "y"}).text = f"{line * step:,.6g}"
    for at, day in enumerate(days):
        x = f"{_LEFT + (at + 0.5) * width:.1f}"
        SubElement(svg, "text", {"x": x, "y": f"{_HEIGHT - 4}", "class": "x"}).text = day[5:]
    tops = [_TOP + _GROUND] * len(days)
    for number, (each, values) in enumerate(series.items()):
        bars = SubElement(svg, "g", {"class": f"series color-{number}"})
        for at, value in enumerate(values):
            if value:
                tops[at] -= value * scale
                box = (_LEFT + (at + 0.2) * width, tops[at], 0.6 * width, value * scale)
                place = zip(("x", "y", "width", "height"), (f"{length:.2f}" for length in box), strict=True)
                bar = SubElement(bars, "rect", {**dict(place), "class": "rect"})
                SubElement(bar, "title").text = f"{days[at]}: {each}: {value:,.6g}"  # shown when it is pointed at
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 — ElementTree has escaped the texts


def _step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `least`."""
    power = 10.0 ** floor(log10(least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - _ROUNDING))
