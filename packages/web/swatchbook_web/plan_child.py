"""The child process that reads the first items of an uploaded batch.

The file comes from outside, and reading it may take any time and memory. A request has the arguments of `plan_batch`;
its answer is the plan.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swatchbook.domain.records import BatchMapping
from swatchbook.ingest.sources.batch_plan import plan_batch
from swatchbook_base.child_process import Frame, serve

JUDGED = 1_000  # a person waits for the page


def handle(request: dict[str, Any], _payload: bytes) -> Iterator[Frame]:
    """Answer one request with a plan. Raises what `plan_batch` raises."""
    plan = plan_batch(
        Path(request["path"]),
        BatchMapping.model_validate(request["mapping"]),
        max_bytes=request["max_bytes"],
        folders=[Path(folder) for folder in request["folders"]],
        judge=JUDGED,
    )
    yield plan.model_dump(mode="json"), b""


if __name__ == "__main__":
    serve(handle)
