"""The command line. Every command imports what it needs when it runs, so that --help is quick, reading commands never
load Prefect, and torch is there only where a query needs a model.
"""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from interface.cli import review
from interface.cli.options import (
    AnyOwner,
    Json,
    check_owner,
    check_text,
    choose_owner,
    opened_resources,
    read_settings,
    resumable,
)

if TYPE_CHECKING:
    from swatchbook.ledger.documents import Document
    from swatchbook.records import Hit, IngestOptions, RunReport
    from swatchbook.resources import Resources

log = logging.getLogger(__name__)

app = typer.Typer(
    name="swatchbook",
    help="Product catalogues as one searchable, fully accounted collection.",
    epilog="Exit status: 0 done · 3 waiting, or completed with failures · 1 failed or blocked · 2 wrong use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

models = typer.Typer(no_args_is_help=True, help="Weights of the chosen models.")
INGEST, LOOK, MEND, SERVE, SETUP = "Take in", "Find and look", "Go on and mend", "Serve", "Set up"

app.add_typer(models, name="models", rich_help_panel=SETUP)
app.add_typer(review.app, name="review", rich_help_panel=MEND)

OneOwner = Annotated[str, typer.Option("--owner", help="Whose collection.")]
Reference = Annotated[str, typer.Argument(metavar="DOCUMENT", help="Id, unambiguous prefix of it, or file name.")]


def main() -> None:
    """The console script."""
    from swatchbook.errors import Failure, as_failure

    try:
        app()
    except Exception as error:  # the outermost boundary: the log has the traceback, people one line
        from interface.cli.terminal import say_failure

        log.error("the command failed", exc_info=error)
        failure = as_failure(error)
        if not isinstance(error, Failure):
            failure.advice = "This should not happen: `swatchbook --debug …` shows where."
        sys.exit(say_failure(failure))


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"swatchbook {version('swatchbook')}")
        except PackageNotFoundError:
            typer.echo("swatchbook, not installed as a package")
        raise typer.Exit


@app.callback()
def prepare(
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="Settings file to read instead of .env.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the log, with tracebacks, on stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Product catalogues as one searchable, fully accounted collection."""
    from interface.cli.log import start

    start(debug=debug)
    if env_file is not None:
        os.environ["SWATCHBOOK_ENV_FILE"] = str(env_file.expanduser().absolute())


# --- take in ----------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=INGEST)
def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", readable=False, help="PDFs, or folders of them.")],
    owner: OneOwner = "default",
    batch_size: Annotated[int | None, typer.Option(help="Images made and committed together.  [20]")] = None,
    max_retries: Annotated[int | None, typer.Option(help="Retries of passing failures within a run.  [3]")] = None,
    roles: Annotated[
        str | None, typer.Option(metavar="ROLE,…", help="Which vectors to make; all the models make if not given.")
    ] = None,
    max_usd: Annotated[float | None, typer.Option(metavar="USD", help="The most that providers may be paid.")] = None,
    no_focus: Annotated[bool, typer.Option("--no-focus", help="Take pages without products too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Queue failed and rejected images anew, read again.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only tell what providers would be asked, and what that costs at most.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make catalogues searchable. Run it again to go on where it stopped; an unchanged one is nothing to do."""
    given = {
        "batch_size": batch_size,
        "max_retries": max_retries,
        "roles": roles.split(",") if roles else None,
        "max_usd": max_usd,
    }
    options = _options({name: value for name, value in given.items() if value is not None}, not no_focus, force)
    check_owner(owner)
    from interface.cli.sources import find_sources
    from interface.cli.terminal import say_json, worst

    files, codes = find_sources(paths, quiet=as_json)
    if plan:
        from interface.cli.cost_plan import tell_estimates

        with opened_resources() as resources:
            codes.append(tell_estimates(resources, files, options, as_json=as_json))
        raise typer.Exit(worst(codes))
    reports: list[RunReport] = []
    if files:
        with opened_resources() as resources, resumable():
            from interface.cli.ingest import ingest as run

            reports, code = run(resources, files, owner=owner, options=options, quiet=as_json)
            codes.append(code)
    if as_json:
        say_json(reports)
    raise typer.Exit(worst(codes))


# --- find and look ----------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=LOOK)
def search(
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What to look for, in words.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="Look for what is like this picture.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Whose collection.  [default]")] = None,
    all_owners: Annotated[bool, typer.Option("--all-owners", help="Search everybody's collection.")] = False,
    by: Annotated[Literal["image", "product"], typer.Option(help="What to list.")] = "image",
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Filter by document, product, category, material, color, page, price_min, price_max; may be repeated.",
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Show each role's rank, score and share.")] = False,
    as_json: Json = False,
) -> None:
    """Search by words, by a picture, or by both."""
    if owner is not None:
        check_owner(owner)
    for given, what in ((text or "", "TEXT"), *((part, "--where") for part in where or ())):
        check_text(given, what)
    from interface.cli.filters import parse_filters

    try:
        filters, references = parse_filters(where or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from None
    settings = read_settings()
    if settings.service_url:
        from interface.cli.ask_service import search_at_service

        hits = search_at_service(
            settings, text=text, image=image, owner=None if all_owners else owner, where=filters,
            documents=references, by=by, k=k,
        )  # fmt: skip
        _say_hits(hits, explain=explain, as_json=as_json)
        return
    from swatchbook.resources import open_resources

    with open_resources(settings) as resources:
        from swatchbook.search.search import search as find

        documents = tuple(_document(resources, reference).id for reference in references)
        filters = filters.model_copy(update={"documents": documents})
        whose = None if all_owners else choose_owner(resources.ledger, owner)
        hits = find(resources, text=text, image=image, owner=whose, where=filters, by=by, k=k)
        _say_hits(hits, explain=explain, as_json=as_json)
        if filters.category and not hits:
            from interface.cli.terminal import note
            from swatchbook.ledger.queries.search_results import categories

            note(f"Categories: {', '.join(categories(resources.ledger, whose)) or 'none'}.")


def _say_hits(hits: "list[Hit]", *, explain: bool, as_json: bool) -> None:
    from interface.cli.terminal import out, say_json

    if as_json:
        say_json(hits)
        return
    from interface.cli.tables import draw_hits

    out().print(draw_hits(hits, explain=explain))


@app.command(rich_help_panel=LOOK)
def show(document: Reference, as_json: Json = False) -> None:
    """One document: its account, its products, and everything that failed."""
    with opened_resources() as resources:
        from interface.cli.tables import draw_document
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries import account
        from swatchbook.ledger.queries.document import show_document

        found = _document(resources, document)
        shown = show_document(resources.ledger, found.id)
        if as_json:
            say_json(shown)
            return
        report = account.document_report(resources.ledger, found.id)
        out().print(draw_document(found, report, shown, now=resources.ledger.now()))


@app.command(rich_help_panel=LOOK)
def status(as_json: Json = False) -> None:
    """What runs, waits, is due, is blocked."""
    with opened_resources() as resources:
        from interface.cli.tables import draw_overview, overview
        from interface.cli.terminal import out, say_json

        seen = overview(resources.ledger)
        say_json(seen.listed()) if as_json else out().print(draw_overview(seen, now=resources.ledger.now()))


@app.command(rich_help_panel=LOOK)
def coverage(owner: AnyOwner = None, as_json: Json = False) -> None:
    """How much of the collection is embedded and searchable."""
    if owner is not None:
        check_owner(owner)
    with opened_resources() as resources:
        from interface.cli.tables import draw_coverage
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries import account
        from swatchbook.ledger.queries.owners import require_owner

        if owner is not None:
            require_owner(resources.ledger, owner)
        counted = account.coverage(resources.ledger, owner=owner)
        say_json(counted) if as_json else out().print(draw_coverage(counted))


# --- go on and mend ---------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=MEND)
def retry(
    document: Annotated[
        str | None, typer.Argument(metavar="[DOCUMENT]", help="One document; all due ones if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Rejected images too.")] = False,
    as_json: Json = False,
) -> None:
    """Work on one document now, or on everything that is due."""
    if force and document is None:
        raise typer.BadParameter("name the document whose rejected images are to be tried again", param_hint="--force")
    with opened_resources() as resources, resumable():
        from interface.cli.ingest import resume
        from interface.cli.terminal import note, say_json
        from swatchbook.ledger import schedule
        from swatchbook.ledger.document_commands import retry as document_commands_retry
        from swatchbook.ledger.retention import collect

        if document is None:
            collect(resources.ledger, resources.files)
            waiting = schedule.due_documents(resources.ledger)
        else:
            found = _document(resources, document)
            waiting = (
                [_document(resources, found.id)]
                if document_commands_retry(resources.ledger, found.id, force=force)
                else []
            )
        if not waiting:
            note("Nothing to do. `swatchbook status` shows what waits.")
        reports, code = resume(resources, waiting, quiet=as_json)
        if as_json:
            say_json(reports)
    raise typer.Exit(code)


@app.command(rich_help_panel=MEND)
def embed(
    document: Reference,
    roles: Annotated[
        str, typer.Option(metavar="ROLE,…", help="Vectors to make beside those that it was ingested for.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Failed and rejected images too.")] = False,
    as_json: Json = False,
) -> None:
    """Make what a document lacks by the models that are set now. What is made, analyses too, is not made again."""
    wanted = _options({"roles": roles.split(",")} if roles else {}, True, False).roles
    with opened_resources() as resources, resumable():
        from interface.cli.ingest import resume
        from interface.cli.terminal import note, say_json
        from swatchbook.upkeep.regenerate import regenerate

        found = _document(resources, document)
        if not (lacking := regenerate(resources, found, roles=wanted, force=force)):
            note(f"{found.name}: nothing to do, all of it is made by the models that are set.")
        reports, code = resume(resources, [_document(resources, found.id)] if lacking else [], quiet=as_json)
        if as_json:
            say_json(reports)
    raise typer.Exit(code)


@app.command(rich_help_panel=MEND)
def cancel(document: Reference) -> None:
    """Stop working on a document. What is searchable stays; `retry` takes it up again."""
    with opened_resources() as resources:
        from interface.cli.terminal import note
        from swatchbook.ledger.document_commands import cancel as document_commands_cancel

        found = _document(resources, document)
        if document_commands_cancel(resources.ledger, found.id):
            note(f"{found.name}: cancelled. Take it up again: swatchbook retry {found.id[:8]}")
        else:
            note(f"{found.name}: nothing to stop, it is {found.status.value}.")


@app.command(rich_help_panel=MEND)
def delete(
    document: Reference,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a document and all that only it shows, from the ledger and from the index. Asks first."""
    with opened_resources() as resources:
        from interface.cli.removal import check_is_meant, say_removed
        from interface.cli.terminal import COMPLETED, OPEN
        from swatchbook.ledger.queries.deletion import count_deletion
        from swatchbook.pipeline.delete import delete as remove

        found = _document(resources, document)
        counted = count_deletion(resources.ledger, found.id)
        if not yes:
            check_is_meant(found, counted)
        finished = remove(resources, found.id)
        say_removed(found, counted, finished=finished, as_json=as_json)
    raise typer.Exit(COMPLETED if finished else OPEN)


@app.command(rich_help_panel=MEND)
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Publish what is missing, drop what is foreign.")] = False,
    as_json: Json = False,
) -> None:
    """Hold ledger, index and files against each other."""
    with opened_resources() as resources:
        from interface.cli.tables import draw_verification
        from interface.cli.terminal import COMPLETED, FAILED, out, say_json
        from swatchbook.upkeep.verify import verify as compare

        found = compare(resources, repair=repair)
        say_json(found.model_dump(mode="json") | {"sound": found.sound}) if as_json else out().print(
            draw_verification(found)
        )
    raise typer.Exit(COMPLETED if found.sound else FAILED)


@app.command(rich_help_panel=MEND)
def tick(as_json: Json = False) -> None:
    """One round of the service's loop, for cron: what is due is started again, what died is freed."""
    with opened_resources() as resources, resumable():
        from interface.cli.terminal import COMPLETED, OPEN, out, say_json
        from interface.cli.upkeep import draw_round, run_round

        done = run_round(resources)
        say_json(done) if as_json else out().print(draw_round(done))
    raise typer.Exit(OPEN if done.troubles else COMPLETED)


@app.command(rich_help_panel=MEND)
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what is left behind: temporary files, results of documents that are gone, files that nothing names."""
    with opened_resources() as resources:
        from interface.cli.terminal import out, say_json
        from interface.cli.upkeep import draw_swept, run_collection

        swept = run_collection(resources, dry_run=dry_run)
        say_json(swept) if as_json else out().print(draw_swept(swept, dry_run=dry_run))


@app.command("rebuild-index", rich_help_panel=MEND)
def rebuild_index(as_json: Json = False) -> None:
    """Make the index anew from the ledger; nothing is computed again."""
    with opened_resources() as resources:
        from interface.cli.progress import counting
        from interface.cli.terminal import err, note, say_json
        from swatchbook.upkeep.verify import rebuild

        with counting("publish", err()) as progress:
            published = rebuild(resources, progress=progress)
        say_json({"published": published}) if as_json else note(f"{published} images and chunks published.")


# --- serve ------------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=SERVE)
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; others than this machine need keys.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: any free one.")] = None,
) -> None:
    """The HTTP service: uploads, webhooks, search, and the loop that brings everything back."""
    from interface.cli.log import show
    from interface.cli.terminal import out
    from interface.service.serve import serve as run

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = read_settings().model_copy(update=given)

    def say(line: str) -> None:
        out().print(line, soft_wrap=True)
        show()  # what keeps it from starting is said in one line, without the log

    run(settings, say)


@app.command(rich_help_panel=SERVE)
def worker() -> None:
    """Makes shards in containers of this machine's Docker engine; told to end, it lets those at work finish."""
    from interface.cli.worker import work_on_shards

    raise typer.Exit(work_on_shards(read_settings()))


# --- set up -----------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=SETUP)
def config(as_json: Json = False) -> None:
    """Every setting, its value, and where that came from; secrets masked."""
    from interface.cli.config import describe, draw
    from interface.cli.terminal import note, out, say_json
    from swatchbook.settings import load_settings, origins, unknown_variables

    rows = describe(load_settings(), origins())
    say_json(rows) if as_json else out().print(draw(rows, width=out().width))
    for name in unknown_variables():
        note(f"{name} is set, but no setting is called that.")


@app.command(rich_help_panel=SETUP)
def setup(
    check: Annotated[bool, typer.Option("--check", help="Only look; exit 3 when something would change.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite saved blocks and the pool too.")] = False,
    as_json: Json = False,
) -> None:
    """Make the pool, blocks, deployments and the notification that a Prefect server needs; twice is nothing to do."""
    from interface.cli.prefect_run import prepare

    settings = read_settings()
    prepare(settings)  # before anything imports Prefect
    from deployments.setup import Mode
    from interface.cli.setup import draw, exit_code, run_setup
    from interface.cli.terminal import out, say_json

    mode = Mode(check=check, force=force)
    lines = run_setup(settings, mode)
    say_json(lines) if as_json else out().print(draw(lines, mode))
    raise typer.Exit(exit_code(lines, mode))


@models.command("pull")
def pull_models(as_json: Json = False) -> None:
    """Fetch the weights that the settings name from the Hugging Face hub, once, at their pinned revision."""
    from interface.cli.models import draw, pull_chosen
    from interface.cli.terminal import note, out, say_json

    pulled = pull_chosen(read_settings())
    if as_json:
        say_json(pulled)
    elif pulled:
        out().print(draw(pulled))
    for each in pulled:
        if each.pin:
            note(f"Keep it pinned: {each.pin}")


@app.command(rich_help_panel=SETUP)
def doctor(as_json: Json = False) -> None:
    """Try every part for real, and say what to do about what does not work."""
    with opened_resources() as resources:
        from interface.cli.doctor import draw, examine
        from interface.cli.terminal import COMPLETED, FAILED, err, out, say_json

        with err().status("examining …"):
            findings = list(examine(resources))
        say_json(findings) if as_json else out().print(draw(findings))
    raise typer.Exit(COMPLETED if all(finding.ok for finding in findings) else FAILED)


# --- shared -----------------------------------------------------------------------------------------------------------


def _document(resources: "Resources", reference: str) -> "Document":
    from swatchbook.ledger.documents import find_document

    check_text(reference, "DOCUMENT")
    if not reference:  # the beginning of every id
        raise typer.BadParameter("it is empty", param_hint="DOCUMENT")
    return find_document(resources.ledger, reference)


def _options(given: dict[str, Any], focus: bool, force: bool) -> "IngestOptions":
    from pydantic import ValidationError

    from swatchbook.records import IngestOptions

    try:
        return IngestOptions(**given, focus=focus, force=force)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        raise typer.BadParameter(f"{first['input']}: {first['msg']}", param_hint=option) from None


if __name__ == "__main__":
    main()
