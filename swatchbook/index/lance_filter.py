"""The filters of a search as SQL of DataFusion, which LanceDB reads."""

from collections.abc import Sequence

from swatchbook.index.contract import SUPERSEDED, Where
from swatchbook.index.rules import Condition, conditions
from swatchbook.index.words import Words, word_pattern


def sql_of(where: Where | None) -> str | None:
    """Return the filter as DataFusion SQL; None if there is none."""
    if where is None:
        return None
    asked = [_any_of(condition) for condition in conditions(where)]
    if where.whose:
        asked.append(among("owner", where.whose))
    if where.newest_only:
        asked.append(f"kind <> {_quote(SUPERSEDED)}")
    return " AND ".join(asked) or None


def _any_of(condition: Condition) -> str:
    exact = [f"array_has_any({name}, [{_list(values)}])" for name, values in condition.exact.items() if values]
    words = [
        f"regexp_like(array_to_string({name}, '|'), {_quote(_pattern(alternatives))})"
        for name, alternatives in condition.words.items()
        if alternatives
    ]
    limits = [f"{name} >= {_number(limit)}" for name, limit in condition.at_least.items()]
    limits += [f"{name} <= {_number(limit)}" for name, limit in condition.at_most.items()]
    return f"({' OR '.join([*exact, *words, *limits])})"


def _pattern(alternatives: Sequence[Words]) -> str:
    """Return one regular expression for all alternatives; the words of each must be within one value."""
    return "|".join(word_pattern(words, "[^|]*") for words in alternatives)


def among(column: str, values: Sequence[str]) -> str:
    """Return the condition that a column has one of these values."""
    return f"{column} IN ({_list(values)})"


def _list(values: Sequence[str | int]) -> str:
    return ", ".join(_quote(each) if isinstance(each, str) else str(each) for each in values)


def _quote(text: str) -> str:
    """Return a SQL string literal. Only quotes need escaping, by doubling."""
    return "'" + text.replace("'", "''") + "'"


def _number(value: float) -> str:
    """Return a SQL number, cast from text: SQL has no literal for infinity."""
    return f"CAST('{value!r}' AS DOUBLE)"
