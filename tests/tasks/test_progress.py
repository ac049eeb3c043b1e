"""The progress artifact of a document's run shows its end last."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from swatchbook.tasks import document_run
from swatchbook.tasks.document_run import _Mirror, in_background


def test_cancelled_update_never_follows_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    handled = list[float]()

    async def update(_: Any, *, progress: float, description: str) -> None:
        """Handle a request that a server has taken: its client's cancel ends nothing."""
        delay = 0.1 if progress < 100 else 0.0
        await asyncio.shield(asyncio.create_task(handle(progress, delay)))

    async def handle(progress: float, delay: float) -> None:
        await asyncio.sleep(delay)
        handled.append(progress)

    async def run() -> None:
        mirror: Any = _Mirror(*[SimpleNamespace(name="catalogue.pdf")] * 2, uuid4())  # type: ignore[arg-type]
        async with in_background(mirror._show(75.0, "embedding")):
            await asyncio.sleep(0.01)
        await mirror._show(100.0, "completed")
        await asyncio.sleep(0.2)

    monkeypatch.setattr(document_run, "aupdate_progress_artifact", update)
    asyncio.run(run())
    assert handled == [75.0, 100.0]
