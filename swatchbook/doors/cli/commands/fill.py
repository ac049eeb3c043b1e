"""`swatchbook fill`: make what documents and spaces lack; print the plan, what was made and what is left.

`swatchbook cancel` stops documents.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import (
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
from swatchbook.doors.cli.terminal import (
    COMPLETED,
    OPEN,
    cell,
    duration,
    err,
    note,
    out,
    owner_flag,
    resumable,
    say_json,
    table,
    until,
)
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import plural, truncate

if TYPE_CHECKING:
    from swatchbook.resources import Resources
    from swatchbook.store.ledger.space_objects import Lack
    from swatchbook.upkeep.fill_missing import Fill, Filled, FillPlan


def fill_failed(
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
        from swatchbook.doors.cli.ingest import resume
        from swatchbook.store.ledger import schedule
        from swatchbook.store.ledger.document_commands import retry as retry_document
        from swatchbook.store.ledger.retention import collect
        from swatchbook.store.ledger.stored_documents import get_document

        if only_due:
            whose = choose_owner(resources.ledger, owner, all_owners)
            collect(resources.ledger, resources.files)
            waiting = schedule.due_documents(resources.ledger, owner=whose)
        else:
            chosen = choose_documents(resources.ledger, document, every, owner, all_owners)
            again = [row.id for row in chosen if retry_document(resources.ledger, row.id, force=force)]
            waiting = [get_document(resources.ledger, each) for each in again]
        if not waiting and document is not None:
            from swatchbook.store.ledger.queries.report import document_report
            from swatchbook.upkeep.reports.document_state import describe_retry

            for row in chosen:
                note(describe_retry(row, document_report(resources.ledger, row.id), force=force))
        elif not waiting:
            kept = " What cannot be read stays rejected; `swatchbook ingest --force` reads it again." if force else ""
            note(f"Nothing to do. `swatchbook status` lists waiting documents.{kept}")
        reports, code = resume(resources, waiting, quiet=as_json)
        if as_json:
            say_json(reports)
    raise typer.Exit(code)


def fill_outdated(
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
        from swatchbook.doors.cli.ingest import resume
        from swatchbook.store.ledger.stored_documents import get_document
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


def fill_missing(
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    roles: Roles = "",
    stale: Annotated[
        bool,
        typer.Option(
            "--stale",
            help="Also make what the models in the settings have not made yet, in the spaces that `fill spaces` fills.",
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

    Run it again to resume after an interruption. What has failed for good is left to `fill failed`.
    """
    wanted = parse_roles(roles)
    with opened_resources() as resources, resumable():
        from swatchbook.upkeep.fill_missing import Fill

        fill = Fill(
            spaces="both" if stale else "searched", owner=choose_owner(resources.ledger, owner, all_owners),
            roles=wanted, batch_size=batch_size, limit=limit, max_usd=max_usd,
        )  # fmt: skip
        code = run_fill(resources, fill, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)


SHOWN_FAILURES = 10


def fill_spaces(roles: Roles = "", dry_run: DryRun = False, max_usd: MaxUsd = None, as_json: Json = False) -> None:
    """Make what the spaces of the models in the settings lack. Searches stay as they are.

    Run it again to resume after an interruption.
    """
    wanted = parse_roles(roles)
    with opened_resources() as resources, resumable():
        from swatchbook.upkeep.fill_missing import Fill

        fill = Fill(spaces="chosen", roles=wanted, max_usd=max_usd)
        code = run_fill(resources, fill, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)


def run_fill(resources: "Resources", fill: "Fill", *, dry_run: bool, as_json: bool) -> int:
    """Make what is missing, or plan it, print the result and return the exit status."""
    from swatchbook.doors.cli.progress import counting
    from swatchbook.upkeep.fill_missing import fill_missing, plan_fill

    if dry_run:
        plan = plan_fill(resources, fill)
        say_json(plan.model_dump(mode="json") | {"usd": plan.usd}) if as_json else out().print(draw_plan(plan))
        return COMPLETED
    with counting("fill", err()) as progress:
        done = fill_missing(resources, fill, progress=progress)
    now = resources.ledger.now()
    say_json(done) if as_json else out().print(draw_filled(done, fill, now=now))
    return OPEN if done.lacks or done.failures or done.busy else COMPLETED


def draw_plan(plan: "FillPlan") -> RenderableType:
    """Return what a fill would make, about how long its calls take, and their highest cost."""
    if not plan.roles:
        nothing = Text("Nothing to make: no vector is missing that can be made now.", "dim")
        return Group(nothing, *_lost(plan.unreadable))
    cost = "cost unknown" if plan.usd is None else f"at most {plan.usd:.4f} USD" if plan.usd else "free"
    calls = sum(each.calls for each in plan.roles)
    head = f"{_objects(plan)} · {plural(calls, 'call')} · {cost}"
    figures = ("objects", "calls", "tokens ≤", "time of calls ≈", "cost ≤")
    rows = table("role", "space", *figures, right=figures)
    for each in plan.roles:
        usd = "price unknown" if each.usd is None else f"{each.usd:.4f} USD" if each.usd else "free"
        counts = (cell(f"{count:,}") for count in (each.objects, each.calls, each.tokens))
        seconds = cell(duration(each.seconds) if each.calls else "")
        rows.add_row(cell(each.role, "bold"), cell(each.tag, "dim"), *counts, seconds, cell(usd))
    return Group(Text(head, "bold"), rows, *_lost(plan.unreadable))


def draw_filled(done: "Filled", fill: "Fill", *, now: float) -> RenderableType:
    """Return what a fill has made and what is left, with the next command to run. `now` in Unix seconds."""
    cost = "cost unknown" if done.cost_usd is None else f"{done.cost_usd:.4f} USD"
    lines = [Text(f"{plural(done.made, 'item')} made for {_objects(done)} · {cost}", "bold")]
    lines += [Text(f"✗ {clean(each)}", "red") for each in truncate(list(done.failures), SHOWN_FAILURES)]
    lines += [Text(f"! {clean(reason)}", "yellow") for reason in done.busy]
    lines += [*_lost(done.unreadable), *(lack_line(lack, now) for lack in done.lacks)]
    return Group(*lines, *(Text(line, "dim") for line in _advice(done, fill, now)))


def lack_line(lack: "Lack", now: float) -> Text:
    """Return what a space still lacks, what of it waits until when, and what has failed."""
    parts = [f"still lacks {plural(lack.open, 'object')}"] if lack.open else []
    parts += [f"{lack.waiting} wait for a later try ({until(lack.next_try, now)})"] if lack.waiting else []
    parts += [f"{plural(lack.failed, 'object')} failed for good"] if lack.failed else []
    return Text(f"! {lack.role} by {clean(lack.tag)}: {', '.join(parts)}", "yellow")


def _advice(done: "Filled", fill: "Fill", now: float) -> Iterator[str]:
    """Yield the next command to run, and when: what waits is not made before its next try."""
    tries = [lack.next_try for lack in done.lacks if lack.next_try is not None]
    if any(lack.open > lack.waiting for lack in done.lacks):
        if done.objects or fill.spaces == "chosen":  # else the same would be left
            yield "go on: the same command again"
    elif tries:
        yield f"nothing can be made now; go on {until(min(tries), now)}: the same command again"
    if any(lack.failed for lack in done.lacks):
        yield "what has failed for good: swatchbook fill failed DOCUMENT"
    if fill.spaces == "chosen" and not done.lacks:
        yield "search with it: swatchbook spaces activate"


def _objects(result: "FillPlan | Filled") -> str:
    return f"{plural(result.objects, 'object')} of {plural(result.documents, 'document')}"


def _lost(count: int) -> list[Text]:
    what = (
        f"! the stored file of {plural(count, 'image')} cannot be read; `swatchbook upkeep verify --repair` queues them"
    )
    return [Text(what, "yellow")] if count else []


def cancel(
    document: ReferenceOrAll = None, every: All = False, owner: OwnerName = None, all_owners: AllOwners = False
) -> None:
    """Stop processing a document, or with --all every one.

    What is already searchable stays; `fill failed` resumes it.
    """
    with opened_resources() as resources:
        from swatchbook.store.ledger.document_commands import cancel as cancel_document

        for row in choose_documents(resources.ledger, document, every, owner, all_owners):
            if cancel_document(resources.ledger, row.id):
                note(f"{row.name}: cancelled. To resume it: swatchbook fill failed {row.id[:8]}{owner_flag(row.owner)}")
            else:
                note(f"{row.name}: nothing to stop, its status is {row.status.value}.")


COMMANDS = {
    "Everyday": {
        "fill": typer.Typer(no_args_is_help=True, help="Make what is missing: what failed, vectors, new spaces."),
        "fill failed": fill_failed,
        "fill missing": fill_missing,
        "fill outdated": fill_outdated,
        "fill spaces": fill_spaces,
    },
    "Collection": {"cancel": cancel},
}
