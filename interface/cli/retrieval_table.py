"""Print the results of `swatchbook evaluate search`, and write fitted weights to a .env file."""

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, table
from swatchbook.errors import InvalidReference
from swatchbook.search.evaluation import FIRST, Estimate, Retrieval, Scores
from swatchbook.settings import PREFIX, SearchKind

_VARIABLE = f"{PREFIX}SEARCH_WEIGHTS"


def draw_retrieval(result: Retrieval) -> RenderableType:
    """Return a row for each role, one for all with their weights, and one with fitted weights."""
    numbers = ("weight", f"recall@{FIRST}", "mAP", f"nDCG@{FIRST}", "without it", "fitted")
    rows = table("ranking", *numbers, right=numbers)
    for each in result.roles:
        cost = "" if each.cost is None else _lost(each.cost.gain)
        fitted = result.fitted.get(each.role, 0.0)
        rows.add_row(
            cell(each.role), cell(f"{each.weight:.2f}"), *_cells(each.alone), cell(cost), cell(f"{fitted:.2f}")
        )
    rows.add_row(cell("all, as they weigh", "bold"), cell(""), *_cells(result.fused), cell(""), cell(""))
    rows.add_row(cell("all, fitted on others", "bold"), cell(""), *_cells(result.by_fitted), cell(""), cell(""))
    return Group(rows, Text(f"{result.questions} questions. In brackets: 95 % of resamples of the questions."))


def _cells(scores: Scores) -> list[Text]:
    return [cell(_interval(each)) for each in (scores.recall, scores.precision, scores.gain)]


def _interval(value: Estimate) -> str:
    return f"{value.mean:.3f} ({value.low:.3f}–{value.high:.3f})"


def save_weights(file: Path, weights: Mapping[SearchKind, Mapping[str, float]]) -> None:
    """Write the weights to a .env file, instead of those that it has; its other lines stay. Raises InvalidReference."""
    used = {kind: {role: weight for role, weight in each.items() if weight} for kind, each in weights.items()}
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        kept = [line for line in lines if line.partition("=")[0].removeprefix("export ").strip() != _VARIABLE]
        file.write_text("\n".join([*kept, f"{_VARIABLE}={json.dumps(used)}", ""]), encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InvalidReference(f"{file} cannot be written.", advice="Give the path of a .env file.") from error


def _lost(cost: Estimate) -> str:
    return f"{-cost.mean:+.3f} ({-cost.high:+.3f} to {-cost.low:+.3f})"
