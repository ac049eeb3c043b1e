"""The rule of docs/development.md where a step of work lives, and where retries and resources are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_imports import ROOT, imported, parsed

STEPS = ("swatchbook/ingest", "swatchbook/upkeep", "tasks", "flows")
pytestmark = pytest.mark.xdist_group("sources")
TASK_LINES = 20
"""The most lines of a task's body: what it does is in the domain."""


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).glob("*.py"))]


def naming(word: str, *folders: str) -> set[str]:
    """Return the files whose code (not their comments and docstrings) has this name or attribute."""
    return {
        str(path.relative_to(ROOT))
        for path in files(*folders)
        for node in ast.walk(parsed(path))
        if word in (getattr(node, "id", None), getattr(node, "attr", None))
    }


def tasks() -> Iterator[ast.AsyncFunctionDef]:
    for path in files("tasks"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.AsyncFunctionDef):
                decorators = [each.func for each in node.decorator_list if isinstance(each, ast.Call)]
                if any(getattr(each, "id", None) == "task" for each in decorators):
                    yield node


def test_no_step_writes_sql() -> None:
    found = [(path, name) for path in files(*STEPS) for name in imported(path)]
    assert len(found) > 500
    assert [each for each in found if each[1].startswith(("sqlalchemy", "swatchbook.store.ledger.tables"))] == []


def test_task_is_a_policy_around_short_body() -> None:
    found = list(tasks())
    assert found
    lines = {
        each.name: len(ast.unparse(ast.Module(each.body[1:], [])).splitlines())
        for each in found
        if ast.get_docstring(each)
    }
    assert {name: count for name, count in lines.items() if count > TASK_LINES} == {}


def test_resources_and_retries_are_where_they_should_be() -> None:
    without = [each.name for each in tasks() if "resources" not in [argument.arg for argument in each.args.args]]
    assert without == ["_find_active_shards"], "which only asks Prefect"
    assert naming("load_resources", "tasks", "flows") == {"tasks/flow_run.py", "flows/embed_shard.py"}
    assert naming("retry_delays", *STEPS) == {"tasks/policy.py", "swatchbook/upkeep/fill_missing.py"}
