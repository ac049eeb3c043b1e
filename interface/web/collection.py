"""The page of the account: what is searchable and what fails, models, runs, throughput, costs and health.

`GET /coverage` has the same numbers. Figures by day are plotted as SVG; the page's style sheet colours the shapes by
their classes, in light and dark.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import floor, log10
from typing import Annotated, Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import Form, Query, Response
from markupsafe import Markup

from interface.service import collection
from interface.service.collection import StatesQuery, TheParts, list_states, shown_coverage
from interface.service.parameters import SearchText
from interface.web.pages import TheView, page_router, see_other
from swatchbook.ledger.stored_documents import list_documents
from swatchbook.records import DocumentStatus, RunState, Stage
from swatchbook.reports.collection_state import DAYS
from swatchbook.reports.document_state import describe_document, describe_step

_NEED_SOMETHING = (DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.WAITING)
_LISTED = 50
"""Documents that are listed of each status, and accounts of documents on a page."""

_COUNTED = {Stage.READ: "pages read", Stage.EMBEDDED: "pictures embedded"}
"""Stages whose throughput is plotted."""

router = page_router()


@router.get("/ui/coverage")
def show_coverage(
    view: TheView,
    parts: TheParts,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    retried: Annotated[int | None, Query(ge=0, le=collection.MOST_RETRIED)] = None,
) -> Response:
    """Return the state of the owner's collection, or of all owners."""
    ledger, owner = view.resources.ledger, view.owner
    state = shown_coverage(view.resources, view.caller, parts, owner)
    now = ledger.now()
    days = last_days(DAYS, now)
    return view.render(
        "coverage.html",
        state=state,
        states=list_states(view.resources, view.caller, StatesQuery(owner=owner, limit=_LISTED, cursor=cursor)),
        retried=retried,
        words=_work_of,
        plots={
            "failures": plot_days(
                "failures", "Failed tries by day", "Stacked bars by kind of failure; the table below has the numbers.",
                days, ((each.day, each.kind, each.count) for each in state.failures),
            ),
            "work": plot_days(
                "work", "Pages read and pictures embedded by day", "Stacked bars; the table below has the numbers.",
                days, ((each.day, _COUNTED[each.stage], each.units) for each in state.work if each.stage in _COUNTED),
            ),
            "costs": plot_days(
                "costs", "Cost by day in US dollars", "Stacked bars by provider; the table below has the numbers.",
                days, ((each.day, each.provider, each.cost_usd) for each in state.costs),
            ),
        },
        stopped=[
            (document, describe_document(document, now=now))
            for status in _NEED_SOMETHING
            for document in list_documents(ledger, owner=owner, status=status, limit=_LISTED)
        ],
    )  # fmt: skip


def _work_of(run: RunState) -> str:
    """Return what a run does, or did last, in words."""
    if run.stage is None:
        return ""
    return describe_step(run.source, run.stage, run.done, run.total, run.note).sentence


@router.post("/ui/coverage/retry")
def retry_kind(view: TheView, kind: Annotated[SearchText, Form()]) -> Response:
    """Try again now what failed with this kind."""
    queued = collection.retry_kind(view.resources, view.caller, collection.RetryKind(kind=kind, owner=view.owner))
    return see_other(view.link("/ui/coverage", retried=len(queued.documents)))


# --- plots of figures by day ------------------------------------------------------------------------------------------

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
