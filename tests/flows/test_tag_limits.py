"""A limit that a person sets on a tag in Prefect holds for the tasks with it; on a real Prefect server."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency import services
from prefect.tasks import Task

from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.flows.ingest_images import ingest_images
from swatchbook.ingest.embed import process_batch
from swatchbook.ingest.register_path import register_folder
from swatchbook.resources import Resources
from swatchbook.tasks import collection, embed, stages
from swatchbook.tasks.flow_run import report_of
from swatchbook.tasks.policy import ASKING, EMBEDDING, PUBLISHING, READING

pytestmark = pytest.mark.stack

OPTIONS = IngestOptions(focus=False, batch_size=1)


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (None, 2)])
def test_limit_on_a_tag_holds(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int | None, most: int
) -> None:
    for number in range(3):
        Image.new("RGB", (64, 64), (80 * number, 90, 90)).save(tmp_path / f"{number}.png")
    document = register_folder(resources, tmp_path, owner="anna", options=OPTIONS).document.id
    at_work, together = list[int](), list[int]()

    def counted(*given: Any, **named: Any) -> Any:
        at_work.append(1)
        together.append(len(at_work))
        time.sleep(0.5)
        try:
            return process_batch(*given, **named)
        finally:
            at_work.pop()

    services._no_limits_cache.clear()  # a process remembers for a while that a tag has no limit
    monkeypatch.setattr(embed, "process_batch", counted)

    async def call() -> DocumentStatus:
        async with get_client() as client:
            if limit:
                wanted = GlobalConcurrencyLimitCreate(name=f"tag:{EMBEDDING}", limit=limit)
                await client.create_global_concurrency_limit(wanted)
            try:
                state = await ingest_images(str(tmp_path), "anna", OPTIONS, return_state=True)
                return (await report_of(state, resources.ledger, document)).status
            finally:
                if limit:
                    await client.delete_global_concurrency_limit_by_name(f"tag:{EMBEDDING}")

    assert asyncio.run(call()) == DocumentStatus.COMPLETED
    assert max(together) >= most if limit is None else max(together) == most


def test_every_documented_tag_is_that_of_tasks() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "flow-runs.md").read_text()
    tasks = [each for module in (collection, embed, stages) for each in vars(module).values() if isinstance(each, Task)]
    used = {tag for each in tasks for tag in each.tags}
    assert used == {READING, ASKING, EMBEDDING, PUBLISHING}
    assert [tag for tag in used if f"| `{tag}` |" not in documented] == []
