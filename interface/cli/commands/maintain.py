"""Commands that keep a collection in order: resume, complete, stop and delete documents, check and repair, back up."""

from pathlib import Path
from typing import Annotated

import typer

from interface.cli.interrupted import resumable
from interface.cli.shared_arguments import (
    All,
    AllOwners,
    DryRun,
    Json,
    MaxUsd,
    OwnerName,
    ReferenceOrAll,
    Roles,
    Yes,
    check_choice,
    choose_document,
    choose_documents,
    choose_one_owner,
    choose_owner,
    given_path,
    opened_resources,
    parse_boxes,
    parse_pages,
    parse_roles,
)


def retry(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    force: Annotated[bool, typer.Option("--force", help="Also retry rejected images.")] = False,
    as_json: Json = False,
) -> None:
    """Resume a document now, or with --all every one; without either, those that are due.

    What failed or was cancelled is resumed only by its name or with --all.
    """
    only_due = document is None and not every
    if force and only_due:
        raise typer.BadParameter("it needs a DOCUMENT or --all", param_hint="--force")
    with opened_resources() as resources, resumable():
        from interface.cli.ingest import resume
        from interface.cli.terminal import note, say_json
        from swatchbook.ledger import schedule
        from swatchbook.ledger.document_commands import retry as retry_document
        from swatchbook.ledger.documents import get_document
        from swatchbook.ledger.retention import collect

        if only_due:
            whose = choose_owner(resources.ledger, owner, all_owners)
            collect(resources.ledger, resources.files)
            waiting = schedule.due_documents(resources.ledger, owner=whose)
        else:
            chosen = choose_documents(resources.ledger, document, every, owner, all_owners)
            again = [row.id for row in chosen if retry_document(resources.ledger, row.id, force=force)]
            waiting = [get_document(resources.ledger, each) for each in again]
        if not waiting:
            note("Nothing to do. `swatchbook status` lists waiting documents.")
        reports, code = resume(resources, waiting, quiet=as_json)
        if as_json:
            say_json(reports)
    raise typer.Exit(code)


def embed(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    roles: Roles = "",
    pages: Annotated[
        str,
        typer.Option(metavar="PAGES", help="Take in these skipped pages of the PDF, too: 3,5-7; `show` lists them."),
    ] = "",
    boxes: Annotated[
        str,
        typer.Option(
            metavar="BOXES", help="Take in these pictures that were seen and not taken: 5:1,5:2; `show` lists them."
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Also retry failed and rejected images.")] = False,
    as_json: Json = False,
) -> None:
    """Embed what is missing or outdated of a document with the models in the settings; with --all, of every document.

    Existing vectors and analyses of these models are kept. --roles adds roles to those of the document's ingest, and
    --pages pages that it skipped, --boxes what looks like a picture and was not taken; later ingests of the same file
    keep them.
    """
    wanted, taken, added = parse_roles(roles), parse_pages(pages), parse_boxes(boxes, "--boxes")
    if (taken or added) and every:
        raise typer.BadParameter("name one document: pages are its own", param_hint="--pages" if taken else "--boxes")
    with opened_resources() as resources, resumable():
        from interface.cli.ingest import resume
        from interface.cli.review_tables import login_name
        from interface.cli.terminal import note, say_json
        from swatchbook.ledger.documents import get_document
        from swatchbook.upkeep.queue_missing import regenerate

        lacking = list[str]()
        for row in choose_documents(resources.ledger, document, every, owner, all_owners):
            if regenerate(resources, row, roles=wanted, pages=taken, boxes=added, by=login_name(), force=force):
                lacking.append(row.id)
            else:
                note(
                    f"{row.name}: nothing to do, its vectors are up to date"
                    + (", and no such page is skipped." if taken else ", and these are taken." if added else ".")
                )
        waiting = [get_document(resources.ledger, each) for each in lacking]
        reports, code = resume(resources, waiting, quiet=as_json)
        if as_json:
            say_json(reports)
    raise typer.Exit(code)


def backfill(
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    roles: Roles = "",
    stale: Annotated[
        bool,
        typer.Option(
            "--stale",
            help="Also make what the models in the settings have not made yet, in the spaces that `spaces fill` fills.",
        ),
    ] = False,
    dry_run: DryRun = False,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Images embedded and committed together; as at their ingest by default."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most images and chunks; all by default.")] = None,
    max_usd: MaxUsd = None,
    as_json: Json = False,
) -> None:
    """Embed what is missing in completed documents, from the stored files.

    Run it again to resume after an interruption. What has failed for good is left to `retry`.
    """
    wanted = parse_roles(roles)
    with opened_resources() as resources, resumable():
        from interface.cli.fill_missing import run_fill
        from swatchbook.upkeep.fill_missing import Fill

        fill = Fill(
            spaces="both" if stale else "searched", owner=choose_owner(resources.ledger, owner, all_owners),
            roles=wanted, batch_size=batch_size, limit=limit, max_usd=max_usd,
        )  # fmt: skip
        code = run_fill(resources, fill, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)


def cancel(
    document: ReferenceOrAll = None, every: All = False, owner: OwnerName = None, all_owners: AllOwners = False
) -> None:
    """Stop processing a document, or with --all every one. What is already searchable stays; `retry` resumes it."""
    with opened_resources() as resources:
        from interface.cli.terminal import note, owner_flag
        from swatchbook.ledger.document_commands import cancel as cancel_document

        for row in choose_documents(resources.ledger, document, every, owner, all_owners):
            if cancel_document(resources.ledger, row.id):
                note(f"{row.name}: cancelled. To resume it: swatchbook retry {row.id[:8]}{owner_flag(row.owner)}")
            else:
                note(f"{row.name}: nothing to stop, its status is {row.status.value}.")


def delete(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    now: Annotated[
        bool, typer.Option("--now", help="Delete it for good, with vectors and files; also what is in the trash.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Move a document to the trash, or with --all every one of the owner. Asks first; `trash restore` brings it back.

    A day later it is deleted for good, with its vectors and files. Images that other documents use stay.
    """
    with opened_resources() as resources:
        from interface.cli.delete import delete_document, delete_owner, end_trashed, throw_all_away
        from swatchbook.errors import InvalidReference
        from swatchbook.ledger.trash import find_trashed

        check_choice(document, every)
        whose = choose_one_owner(resources.ledger, owner)
        if document is None:
            code = (delete_owner if now else throw_all_away)(resources, whose, yes=yes, as_json=as_json)
        else:
            try:
                row = choose_document(resources.ledger, document, whose)
            except InvalidReference as unknown:
                try:
                    trashed = find_trashed(resources.ledger, document, whose)
                except InvalidReference:
                    raise unknown from None
                code = end_trashed(resources, trashed, now=now, yes=yes, as_json=as_json)
            else:
                code = delete_document(resources, row, now=now, yes=yes, as_json=as_json)
    raise typer.Exit(code)


def verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Publish missing rows, remove unknown ones, queue what lost its pictures.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read every stored file; without it only sizes count.")] = False,
    as_json: Json = False,
) -> None:
    """Check that ledger, index and file store agree."""
    with opened_resources() as resources:
        from interface.cli.exit_status import COMPLETED, FAILED
        from interface.cli.terminal import out, say_json
        from interface.cli.verification_table import draw_verification
        from swatchbook.upkeep.verify import verify as compare

        result = compare(resources, repair=repair, deep=deep)
        say_json(result.model_dump(mode="json") | {"sound": result.sound}) if as_json else out().print(
            draw_verification(result)
        )
    raise typer.Exit(COMPLETED if result.sound else FAILED)


def tick(as_json: Json = False) -> None:
    """Run one round of the service's background loop, for cron: start due documents, clean up after dead runs."""
    with opened_resources() as resources, resumable():
        from interface.cli.exit_status import COMPLETED, OPEN
        from interface.cli.terminal import out, say_json
        from interface.cli.upkeep import draw_round, run_round

        done = run_round(resources)
        say_json(done) if as_json else out().print(draw_round(done))
    raise typer.Exit(OPEN if done.troubles else COMPLETED)


def gc(
    now: Annotated[
        bool, typer.Option("--now", help="Also what became unused less than an hour ago, as after a delete.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove garbage: temporary files, results of deleted documents, unreferenced files."""
    with opened_resources() as resources:
        from interface.cli.terminal import out, say_json
        from interface.cli.upkeep import draw_swept, run_collection

        swept = run_collection(resources, now=now, dry_run=dry_run)
        say_json(swept) if as_json else out().print(draw_swept(swept, dry_run=dry_run))


def rebuild_index(as_json: Json = False) -> None:
    """Rebuild the index from the ledger, without calling any model."""
    with opened_resources() as resources:
        from interface.cli.progress import counting
        from interface.cli.terminal import err, note, say_json
        from swatchbook.upkeep.verify import rebuild

        with counting("publish", err()) as progress:
            published = rebuild(resources, progress=progress)
        say_json({"published": published}) if as_json else note(f"{published} images and chunks published.")


def backup(
    folder: Annotated[
        Path, typer.Argument(parser=given_path, metavar="FOLDER", help="An empty folder, or an earlier backup.")
    ],
    as_json: Json = False,
) -> None:
    """Write everything but the settings to a folder: ledger, vectors and files. The collection may be in use.

    Run it again to add what is new.
    """
    with opened_resources() as resources, resumable():
        from interface.cli.backup import draw_backup, exit_code
        from interface.cli.progress import counting
        from interface.cli.terminal import err, out, say_json
        from swatchbook.backup.write import back_up

        with counting("back up", err()) as progress:
            done = back_up(resources, folder, progress=progress)
        say_json(done) if as_json else out().print(draw_backup(done))
    raise typer.Exit(exit_code(done))


def restore(
    folder: Annotated[
        Path, typer.Argument(parser=given_path, metavar="FOLDER", help="A folder that `backup` has written.")
    ],
    as_json: Json = False,
) -> None:
    """Restore a backup into this ledger, file store and index, whichever these are; nothing is embedded again.

    What is here stays: documents that are here already are not changed. Run it again after an interruption.
    """
    with opened_resources() as resources, resumable():
        from interface.cli.backup import draw_restore, exit_code
        from interface.cli.progress import counting
        from interface.cli.terminal import err, out, say_json
        from swatchbook.backup.restore import restore as run

        with counting("restore", err()) as progress:
            done = run(resources, folder, progress=progress)
        say_json(done) if as_json else out().print(draw_restore(done))
    raise typer.Exit(exit_code(done))
