"""Tables of cases in YAML: a test reads one from the file that is named like it, and tells every row that is wrong."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def _tables(file: Path) -> dict[str, list[list[Any]]]:
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)


def rows_of(test_file: str, table: str) -> list[list[Any]]:
    rows = _tables(Path(test_file).with_suffix(".yaml"))[table]
    assert rows
    return rows


def text_of(test_file: str, name: str) -> str:
    """Return a text that is as long as a table."""
    return str(rows_of(test_file, name))


def check_rows(test_file: str, table: str, read: Callable[..., Any]) -> None:
    """Compare `read(*arguments)` with the last cell of each row. Tuples are lists, as they are in YAML."""
    wrong = []
    for *arguments, expected in rows_of(test_file, table):
        try:
            found = json.loads(json.dumps(read(*arguments)))
        except Exception as error:  # that of one row hides no other
            found = repr(error)
        if found != expected:
            wrong.append(f"{arguments}: {found!r}, not {expected!r}")
    assert not wrong, "\n".join(wrong)
