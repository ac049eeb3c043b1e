"""The week's stage times as rows of a table, in the coverage report and on the command line."""

from collections.abc import Iterable

from swatchbook.records import StageWeek

STAGE_HEADER = ("stage", "runs", "seconds for a page or image", "week before", "change")


def stage_rows(stages: Iterable[StageWeek]) -> list[tuple[str, ...]]:
    """Return table rows of stage times, in the order of STAGE_HEADER."""
    return [
        (
            each.stage.value,
            str(each.now.runs),
            f"{each.now.unit_seconds:.3g}",
            f"{each.before.unit_seconds:.3g} (runs: {each.before.runs})" if each.before else "–",
            "–" if each.change is None else f"{each.change:+.0%}",
        )
        for each in stages
    ]
