"""The deployments of `prefect.yaml`: when they run (`retry_failed` every 15 minutes, `review_quality` every hour,
`report_coverage` every day, `rescan_sources` every hour once a person has turned that on) and how many runs of each at
a time (three ingests, one of the others).
"""

import sysconfig
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record

CONTROL, EMBED = "control", "embed"
"""Names of the work pools: of parents, and of shards."""

ROOT = Path(__file__).resolve().parents[1]  # in a checkout the folder is linked into the package


class Limit(Record):
    """Concurrent runs of a deployment, and what happens to a run above the limit."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class Schedule(Record):
    """A cron schedule. `slug` identifies it in Prefect, so that one paused or turned on in the UI stays so.

    `active`: whether it runs from the start, or once a person has turned it on.
    """

    slug: str
    cron: str
    timezone: str
    active: bool = True


class Declared(Record):
    """One deployment of prefect.yaml."""

    name: str
    entrypoint: str  # module:function
    description: str
    tags: tuple[str, ...]
    work_pool: dict[Literal["name"], str]
    concurrency_limit: Limit | None = None  # None: only the limit of its pool
    schedules: tuple[Schedule, ...] = ()
    enforce_parameter_schema: bool


def find_declaration() -> Path:
    """Return the path of prefect.yaml, of the checkout or of the installed wheel. Raises Configuration."""
    paths = [ROOT / "prefect.yaml", Path(sysconfig.get_path("data")) / "share" / "swatchbook" / "prefect.yaml"]
    for path in paths:
        if path.is_file():
            return path
    raise Configuration(
        f"prefect.yaml not found at {' or '.join(map(str, paths))}.", advice="Install Swatchbook again."
    )


@cache
def flow_names() -> frozenset[str]:
    """Return the names of all flows: flow and deployment have the same name."""
    return frozenset(declared.name for declared in read_declaration(find_declaration()))


def read_declaration(path: Path) -> tuple[Declared, ...]:
    """Return all deployments, in order."""
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return tuple(Declared.model_validate(each) for each in content["deployments"])
