"""prefect.yaml as records: what is deployed, where it runs, when."""

import sysconfig
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from swatchbook.errors import Configuration
from swatchbook.records import Record

ROOT = Path(__file__).parents[1]


class Pool(Record):
    name: str


class Limit(Record):
    """Runs of a deployment at once, and what becomes of the next."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class Schedule(Record):
    """`slug` is how Prefect knows it again, so that one paused in the UI stays paused."""

    slug: str
    cron: str
    timezone: str


class Declared(Record):
    """One deployment."""

    name: str
    version: str
    entrypoint: str  # module:function
    description: str
    tags: tuple[str, ...]
    work_pool: Pool
    concurrency_limit: Limit | None = None  # none: as many at once as its pool takes
    schedules: tuple[Schedule, ...] = ()
    enforce_parameter_schema: bool


def find_declaration() -> Path:
    """prefect.yaml of the checkout, else of the installed wheel. Raises Configuration."""
    places = [ROOT / "prefect.yaml", Path(sysconfig.get_path("data")) / "share" / "swatchbook" / "prefect.yaml"]
    for place in places:
        if place.is_file():
            return place
    raise Configuration(
        f"There is no prefect.yaml: neither {' nor '.join(map(str, places))}.", advice="Install Swatchbook again."
    )


def read_declaration(path: Path) -> tuple[Declared, ...]:
    """All deployments, in order."""
    given: dict[str, Any] = yaml.safe_load(path.read_text())
    return tuple(Declared.model_validate(each) for each in given["deployments"])
