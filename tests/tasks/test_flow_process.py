"""What holds for the process of every flow."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.blocks import load_resources
from swatchbook.domain.records import BlockNames
from swatchbook.tasks import flow_run


@pytest.fixture
def fresh(home: Path) -> Iterator[None]:
    load_resources.cache_clear()
    yield
    load_resources(BlockNames()).close()
    load_resources.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_flow_gives_way_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()
    monkeypatch.setattr(flow_run, "yield_to_people", lambda: done.append("gives way"))

    async def flow() -> None:
        async with flow_run.flow_process(BlockNames()):
            done.append("works")

    asyncio.run(flow())
    assert done == ["gives way", "works"]
