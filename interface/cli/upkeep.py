"""Print the results of one round of the loop (`swatchbook tick`), or of one garbage collection (`gc`).

The work is done in `scheduler/tick.py` and `upkeep/gc.py`.
"""

import asyncio
import os

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.prefect_environment import prefect_environment
from interface.cli.terminal import cell, clean, facts, megabytes
from scheduler.tick import Ticked, collect, tick
from swatchbook.ledger.retention import UNUSED_SECONDS
from swatchbook.resources import Resources
from swatchbook.upkeep.gc import Swept


def run_round(resources: Resources) -> Ticked:
    """Run one round of the loop. Without a Prefect server it waits until all due documents are processed."""
    os.environ.update(prefect_environment(resources.settings, os.environ))
    return asyncio.run(tick(resources))


def run_collection(resources: Resources, *, now: bool, dry_run: bool) -> Swept:
    """Remove garbage here and in Prefect; `now`: of any age. Raises as `scheduler.tick.collect`."""
    os.environ.update(prefect_environment(resources.settings, os.environ))
    return asyncio.run(collect(resources, older_than=0.0 if now else UNUSED_SECONDS, dry_run=dry_run))


def draw_round(done: Ticked) -> RenderableType:
    """Return the results and errors of a round; one line when there was nothing to do."""
    counts = {
        "dead runs cleaned up": len(done.buried),
        "hung processes killed": len(done.killed),
        "deletes finished": len(done.deleted),
        "rows published": done.published,
        "Prefect set up again": int(done.restored),
        "documents started": len(done.launched),
        "documents cancelled in Prefect": len(done.stopped),
        "documents processed": done.worked_off,
        "documents reviewed": done.reviewed,
        "flow runs set Crashed": len(done.crashed),
        "flow runs cancelled": len(done.cancelled),
    }
    rows = [(name, cell(count)) for name, count in counts.items() if count]
    parts: list[RenderableType] = [facts(rows)] if rows else []
    parts += [Text(f"✗ {clean(trouble)}", "red") for trouble in done.troubles]
    return Group(*parts) if parts else Text("Nothing to do.", "dim")


def draw_swept(swept: Swept, *, dry_run: bool) -> RenderableType:
    """Return what was removed, or in a dry run would be removed."""
    counts = {
        "temporary files": swept.temporary,
        "cached results": swept.results,
        "previews": swept.previews,
        "unreferenced files": swept.orphans,
        "unused contents": swept.contents,
        "rows of old runs": swept.rows,
        "documents in the trash": swept.trashed,
        "flow runs": swept.flow_runs,
    }
    rows = [(name, cell(count)) for name, count in counts.items() if count]
    if not rows:
        return Text("Nothing to remove.", "dim")
    verb = "would be removed" if dry_run else "removed"
    return Group(facts(rows), Text(f"{megabytes(swept.bytes)} {verb}", "dim"))
