"""`swatchbook upkeep`: check, repair and clean a collection; run one round of the loop."""

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import Json, opened_resources
from swatchbook.doors.cli.terminal import (
    COMPLETED,
    FAILED,
    OPEN,
    cell,
    err,
    facts,
    megabytes,
    note,
    out,
    resumable,
    say_json,
    table,
)
from swatchbook_base.one_line import clean

if TYPE_CHECKING:
    from swatchbook.deployments.tick import Ticked
    from swatchbook.upkeep.gc import Swept
    from swatchbook.upkeep.verify import Damage, Verification


def verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Publish missing rows, remove unknown ones, queue what lost its pictures.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all files, the index, and a ledger in SQLite; else only sizes count.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that ledger, index and file store agree."""
    with opened_resources() as resources:
        from swatchbook.upkeep.verify import verify as compare

        result = compare(resources, repair=repair, deep=deep)
        say_json(result.model_dump(mode="json") | {"sound": result.sound}) if as_json else out().print(
            draw_verification(result)
        )
    raise typer.Exit(COMPLETED if result.sound else FAILED)


def draw_verification(verification: "Verification") -> RenderableType:
    """Return the missing and foreign rows of each space, and the lost and damaged files."""
    rows = table("space", "expected", "missing", "foreign", right=("expected", "missing", "foreign"))
    for space in verification.spaces:
        rows.add_row(
            cell(space.space),
            cell(space.expected),
            cell(space.missing, "red" if space.missing else "dim"),
            cell(space.foreign, "red" if space.foreign else "dim"),
        )
    parts: list[RenderableType] = [rows] if verification.spaces else []
    parts += [Text(f"✗ the space {each.space} is damaged", "red") for each in verification.spaces if each.damaged]
    parts += [Text(f"✗ file {key} is missing; ingest its document again", "red") for key in verification.lost_files]
    parts += [Text(f"✗ {_describe_damage(damage)}", "red") for damage in verification.damaged_files]
    if verification.queued:
        parts.append(
            Text(
                f"{verification.queued} documents are queued: "
                "`swatchbook fill failed --all-owners` stores their files again"
            )
        )
    if verification.sound:
        parts.append(
            Text("✓ ledger, index and files agree" + (" after repair" if verification.repaired else ""), "green")
        )
        return Group(*parts)
    advice = "to see what is left: " if verification.repaired else "to repair: "
    parts.append(Text(advice + "swatchbook upkeep verify" + " --repair" * (not verification.repaired), "dim"))
    return Group(*parts, Text(f"✗ {', '.join(verification.problems)}", "red"))


def _describe_damage(damage: "Damage") -> str:
    names = clean(", ".join(damage.documents)) or "no document"
    advice = "; ingest or upload it again" if damage.upload_again else ""
    return f"file {damage.file} of {names} is damaged{advice}"


def tick(as_json: Json = False) -> None:
    """Run one round of the service's background loop, for cron: start due documents, clean up after dead runs."""
    with opened_resources(begins=True) as resources, resumable():
        import asyncio  # it brings much that other commands do not need

        from swatchbook.deployments.tick import tick as run_round
        from swatchbook.doors.prefect_server import prefect_environment

        os.environ.update(prefect_environment(resources.settings, os.environ))
        done = asyncio.run(run_round(resources))  # without a Prefect server until all due documents are processed
        say_json(done) if as_json else out().print(draw_round(done))
    raise typer.Exit(OPEN if done.troubles else COMPLETED)


def draw_round(done: "Ticked") -> RenderableType:
    """Return the results and errors of a round; one line when there was nothing to do."""
    counts = {
        "dead runs cleaned up": len(done.buried),
        "hung processes killed": len(done.killed),
        "deletes finished": len(done.deleted),
        "rows published": done.published,
        "objects of events registered": done.registered,
        "Prefect set up again": int(done.restored),
        "documents started": len(done.launched),
        "documents cancelled in Prefect": len(done.stopped),
        "documents processed": done.worked_off,
        "documents reviewed": done.reviewed,
        "flow runs set Crashed": len(done.crashed),
        "flow runs cancelled": len(done.cancelled),
        "slots of flow runs freed": len(done.freed),
    }
    rows = [(name, cell(count)) for name, count in counts.items() if count]
    parts: list[RenderableType] = [facts(rows)] if rows else []
    parts += [Text(f"✗ {clean(trouble)}", "red") for trouble in done.troubles]
    return Group(*parts) if parts else Text("Nothing to do.", "dim")


def gc(
    now: Annotated[
        bool, typer.Option("--now", help="Also what became unused less than an hour ago, as after a delete.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove garbage: temporary files, results of deleted documents, unreferenced files."""
    with opened_resources() as resources:
        import asyncio  # it brings much that other commands do not need

        from swatchbook.deployments.tick import collect
        from swatchbook.doors.prefect_server import prefect_environment
        from swatchbook.store.ledger.retention import UNUSED_SECONDS

        os.environ.update(prefect_environment(resources.settings, os.environ))
        swept = asyncio.run(collect(resources, older_than=0.0 if now else UNUSED_SECONDS))
        say_json(swept) if as_json else out().print(draw_swept(swept))


def draw_swept(swept: "Swept") -> RenderableType:
    """Return what was removed."""
    counts = {
        "temporary files": swept.temporary,
        "cached results": swept.results,
        "previews": swept.previews,
        "unreferenced files": swept.orphans,
        "unused contents": swept.contents,
        "rows of old runs": swept.rows,
        "documents in the trash": swept.trashed,
        "flow runs": swept.flow_runs,
        "artifacts in Prefect": swept.artifacts,
    }
    rows = [(name, cell(count)) for name, count in counts.items() if count]
    if not rows:
        return Text("Nothing to remove.", "dim")
    return Group(facts(rows), Text(f"{megabytes(swept.bytes)} removed", "dim"))


def rebuild_index(as_json: Json = False) -> None:
    """Rebuild the index from the ledger, without calling any model."""
    with opened_resources() as resources:
        from swatchbook.doors.cli.progress import counting
        from swatchbook.upkeep.verify import rebuild

        with counting("publish", err()) as progress:
            published = rebuild(resources, progress=progress)
        say_json({"published": published}) if as_json else note(f"{published} images and chunks published.")


COMMANDS = {
    "Operation": {
        "upkeep": typer.Typer(no_args_is_help=True, help="Keep a collection in order: check, repair, clean, back up."),
        "upkeep verify": verify,
        "upkeep rebuild-index": rebuild_index,
        "upkeep gc": gc,
        "upkeep tick": tick,
    },
}
