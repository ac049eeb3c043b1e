"""What decides on a pure task's cache key."""

from typing import cast

from prefect.context import TaskRunContext

from swatchbook.domain.records import FailedPage, Plan, Tables
from swatchbook.tasks.results import cache_key


def key(*lost: int, of: str = "tables") -> str:
    """Of a task whose input lost these pages."""
    pages = tuple(FailedPage(page=page, kind="provider_timeout", message="Slow.", transient=True) for page in lost)
    given = {"key": "chunk-1", of: Tables(lost=pages), "plan": Plan(pages=())}
    return cache_key(cast(TaskRunContext, None), given)


def test_key_is_the_flows_where_nothing_is_lost() -> None:
    assert key() == "chunk-1"


def test_result_without_a_page_is_not_reused() -> None:
    assert len({key(), key(1), key(2), key(1, 2)}) == 4
    assert key(1, 2) == key(2, 1)
    assert key(2000, 1999) == key(1999, 2000)
    assert key(1, of="tables") != key(1, of="reading")
    assert "/" not in key(1)
