"""Plots of figures by day as SVG, by pygal. Of what it draws only shapes, classes and texts are kept: no script, no
style and no id that changes, so that the page's own style sheet colours them, in light and dark. At most eight values
have a colour; the others are added up.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from markupsafe import Markup

COLORS: Final = 8
"""Colours of the style sheet."""

OTHERS: Final = "(others)"
_WIDTH, _HEIGHT = 760, 200
_DROPPED = ("defs", "title", "desc")


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
    import pygal  # 0.2 s: only for the page that has plots

    chart = pygal.StackedBar(
        css=[], js=[], width=_WIDTH, height=_HEIGHT, margin=4, show_legend=False, spacing=4, max_scale=6,
        value_formatter=lambda value: f"{value:,.6g}",
    )  # fmt: skip
    chart.x_labels = [day[5:] for day in days]
    for each, values in series.items():
        chart.add(each, values)
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in _DROPPED or not isinstance(child.tag, str) or child.get("class", "").endswith("overlay"):
                parent.remove(child)  # what its script needs, and comments
    for number, (each, values) in enumerate(series.items()):
        for bars in root.iterfind(f".//g[@class='series serie-{number} color-{number}']/g[@class='bars']"):
            for bar, day, value in zip(list(bars), days, values, strict=True):
                if value:
                    ET.SubElement(bar[0], "title").text = f"{day}: {each}: {value:,.6g}"  # told when pointed at
                else:
                    bars.remove(bar)
    root.attrib = {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "class": "plot"}
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", what))):
        described = ET.Element(tag, id=f"{name}-{tag}")
        described.text = text
        root.insert(place, described)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 — ElementTree has escaped the texts
