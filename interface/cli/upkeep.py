"""`swatchbook tick` and `gc`: a round of the loop and a collection, run and shown."""

import asyncio
import os

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.prefect_run import prefect_environment
from interface.cli.terminal import cell, clean, facts, megabytes
from scheduler.tick import Ticked, collect, tick
from swatchbook.resources import Resources
from swatchbook.upkeep.gc import Swept


def run_round(resources: Resources) -> Ticked:
    """One round of the loop; without a Prefect server it waits until what is due is worked off."""
    os.environ.update(prefect_environment(resources.settings, os.environ))
    return asyncio.run(tick(resources))


def run_collection(resources: Resources, *, dry_run: bool) -> Swept:
    """Raises as `scheduler.tick.collect`."""
    os.environ.update(prefect_environment(resources.settings, os.environ))
    return asyncio.run(collect(resources, dry_run=dry_run))


def draw_round(done: Ticked) -> RenderableType:
    """What a round did and what it could not do; one line if there was nothing."""
    said = {
        "runs found dead": len(done.buried),
        "hung processes ended": len(done.killed),
        "deletes finished": len(done.deleted),
        "rows published": done.published,
        "documents started": len(done.launched),
        "documents worked off": done.worked_off,
        "documents reviewed": done.reviewed,
        "flow runs set Crashed": len(done.crashed),
        "flow runs cancelled": len(done.cancelled),
    }
    rows = [(what, cell(count)) for what, count in said.items() if count]
    parts: list[RenderableType] = [facts(rows)] if rows else []
    parts += [Text(f"✗ {clean(trouble)}", "red") for trouble in done.troubles]
    return Group(*parts) if parts else Text("Nothing to do.", "dim")


def draw_swept(swept: Swept, *, dry_run: bool) -> RenderableType:
    """What went, or in a dry run would go."""
    said = {
        "temporary files": swept.temporary,
        "kept results": swept.results,
        "files that nothing names": swept.orphans,
        "contents that nothing uses": swept.contents,
        "rows of old runs": swept.rows,
        "flow runs": swept.flow_runs,
    }
    rows = [(what, cell(count)) for what, count in said.items() if count]
    if not rows:
        return Text("Nothing to remove.", "dim")
    verb = "would be removed" if dry_run else "removed"
    return Group(facts(rows), Text(f"{megabytes(swept.bytes)} {verb}", "dim"))
