"""`swatchbook retry`, `embed`, `backfill` and `cancel`: resume, complete and stop documents."""

from typing import Annotated

import typer

from swatchbook.interface.cli.shared_arguments import (
    All,
    AllOwners,
    DryRun,
    Json,
    MaxUsd,
    OwnerName,
    ReferenceOrAll,
    Roles,
    choose_documents,
    choose_owner,
    login_name,
    opened_resources,
    parse_boxes,
    parse_pages,
    parse_roles,
)
from swatchbook.interface.cli.terminal import note, owner_flag, resumable, say_json


def retry(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also retry rejected images whose file could be read.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Resume a document now, or with --all every one; without either, those that are due.

    What failed or was cancelled is resumed only by its name or with --all.
    """
    only_due = document is None and not every
    if force and only_due:
        raise typer.BadParameter("it needs a DOCUMENT or --all", param_hint="--force")
    with opened_resources() as resources, resumable():
        from swatchbook.interface.cli.ingest import resume
        from swatchbook.ledger import schedule
        from swatchbook.ledger.document_commands import retry as retry_document
        from swatchbook.ledger.retention import collect
        from swatchbook.ledger.stored_documents import get_document

        if only_due:
            whose = choose_owner(resources.ledger, owner, all_owners)
            collect(resources.ledger, resources.files)
            waiting = schedule.due_documents(resources.ledger, owner=whose)
        else:
            chosen = choose_documents(resources.ledger, document, every, owner, all_owners)
            again = [row.id for row in chosen if retry_document(resources.ledger, row.id, force=force)]
            waiting = [get_document(resources.ledger, each) for each in again]
        if not waiting and document is not None:
            from swatchbook.ledger.queries.report import document_report
            from swatchbook.reports.document_state import describe_retry

            for row in chosen:
                note(describe_retry(row, document_report(resources.ledger, row.id), force=force))
        elif not waiting:
            kept = " What cannot be read stays rejected; `swatchbook ingest --force` reads it again." if force else ""
            note(f"Nothing to do. `swatchbook status` lists waiting documents.{kept}")
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
            metavar="BOXES", help="Take in these possible pictures that were left out: 5:1,5:2; `show` lists them."
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Also retry failed and rejected images.")] = False,
    as_json: Json = False,
) -> None:
    """Embed what is missing or outdated of a document with the models in the settings; with --all, of every document.

    Existing vectors and analyses of these models are kept. --roles adds roles to those of the document's ingest, and
    --pages pages that it skipped, --boxes possible pictures that were left out; later ingests of the same file
    keep them.
    """
    wanted, taken, added = parse_roles(roles), parse_pages(pages), parse_boxes(boxes, "--boxes")
    if (taken or added) and every:
        raise typer.BadParameter("name one document: pages are its own", param_hint="--pages" if taken else "--boxes")
    with opened_resources() as resources, resumable():
        from swatchbook.interface.cli.ingest import resume
        from swatchbook.ledger.stored_documents import get_document
        from swatchbook.upkeep.queue_again import regenerate

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
        from swatchbook.interface.cli.commands.spaces import run_fill
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
        from swatchbook.ledger.document_commands import cancel as cancel_document

        for row in choose_documents(resources.ledger, document, every, owner, all_owners):
            if cancel_document(resources.ledger, row.id):
                note(f"{row.name}: cancelled. To resume it: swatchbook retry {row.id[:8]}{owner_flag(row.owner)}")
            else:
                note(f"{row.name}: nothing to stop, its status is {row.status.value}.")


COMMANDS = {
    "Everyday": {"retry": retry},
    "Collection": {"embed": embed, "backfill": backfill, "cancel": cancel},
}
