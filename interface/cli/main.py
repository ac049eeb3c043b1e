"""The commands of `swatchbook`: their arguments, options and help. Each imports its modules when it runs: --help stays
fast, commands that only read never import Prefect, and torch is imported only when a model runs.
"""

import logging
import os
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from interface.cli import evaluate, owners, products, review, spaces
from interface.cli.options import (
    All,
    AllOwners,
    Json,
    OwnerName,
    OwnerNames,
    Reference,
    ReferenceOrAll,
    Roles,
    Yes,
    check_choice,
    check_owner,
    check_owners,
    check_text,
    choose_document,
    choose_documents,
    choose_one_owner,
    choose_owner,
    choose_owners,
    opened_resources,
    parse_pages,
    parse_roles,
    read_settings,
    resumable,
)

if TYPE_CHECKING:
    from swatchbook.errors import Failure
    from swatchbook.index.base import Where
    from swatchbook.records import IngestOptions, RunReport, SearchResults
    from swatchbook.resources import Resources

log = logging.getLogger(__name__)

app = typer.Typer(
    name="swatchbook",
    help="Turn product catalogues (PDF) into one searchable, fully accounted collection.",
    epilog="Exit status: 0 completed · 1 failed, blocked, cancelled, or the input was refused · 2 wrong usage · "
    "3 waiting, or completed with failures · 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

models = typer.Typer(no_args_is_help=True, help="Manage model weights.")
INGEST, SEARCH, MAINTAIN, SERVE, SETUP = "Ingest", "Search and inspect", "Maintain", "Serve", "Configure"

app.add_typer(models, name="models", rich_help_panel=SETUP)
app.add_typer(evaluate.app, name="evaluate", rich_help_panel=SEARCH)
app.add_typer(owners.app, name="owners", rich_help_panel=MAINTAIN)
app.add_typer(products.app, name="products", rich_help_panel=SEARCH)
app.add_typer(review.app, name="review", rich_help_panel=MAINTAIN)
app.add_typer(spaces.app, name="spaces", rich_help_panel=MAINTAIN)

By = Annotated[Literal["image", "product", "chunk"], typer.Option("--by", help="What each result is.")]
EditionsOption = Annotated[
    Literal["newest", "all"],
    typer.Option("--editions", help="Of which editions of documents: `all` also finds what only older ones show."),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Filter by document, product, category, brand, size, condition, currency, host, material, color, page, "
        "price_min or price_max; repeatable.",
    ),
]


def main() -> None:
    """Run the command line; print one line for any error and exit with its code."""
    from swatchbook.errors import Failure, as_failure

    prefect_url = os.environ.get("PREFECT_API_URL")
    try:
        app()
    except SystemExit as ended:
        if os.environ.get("PREFECT_API_URL") != prefect_url:  # set by the command: its own server, which ends with it
            from interface.cli.prefect_run import leave

            leave(int(ended.code or 0))
        raise
    except Exception as error:  # the outermost boundary: the traceback goes to the log, one line to the terminal
        from interface.cli.terminal import say_failure

        log.error("the command failed", exc_info=error)
        failure = _blame_full_disk(as_failure(error))
        if not isinstance(error, Failure) and failure.kind == Failure.kind:
            failure.advice = "This is a bug. Run the command again as `swatchbook --debug …` to see the traceback."
        sys.exit(say_failure(failure))


def _blame_full_disk(failure: "Failure") -> "Failure":
    """Return DiskFull instead of an error that a full disk may have caused."""
    from swatchbook.runtime.disk import blame_full_disk
    from swatchbook.settings import load_settings

    with suppress(Exception):  # settings that cannot be read are the failure itself
        return blame_full_disk(failure, load_settings().home)
    return failure


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"swatchbook {version('swatchbook')}")
        except PackageNotFoundError:
            typer.echo("swatchbook (not installed as a package)")
        raise typer.Exit


@app.callback()
def prepare(
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="Read settings from this file instead of .env.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Print the log, with tracebacks, to stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Turn product catalogues (PDF) into one searchable, fully accounted collection."""
    from interface.cli.log import start

    start(debug=debug)
    if env_file is not None:
        os.environ["SWATCHBOOK_ENV_FILE"] = str(env_file.expanduser().absolute())


# --- ingest -----------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=INGEST)
def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            readable=False,
            help="PDF files, pictures, scraped batches (JSON, JSONL), or folders that contain them, with subfolders.",
        ),
    ],
    owner: OwnerName = None,
    batch_size: Annotated[int | None, typer.Option(help="Images embedded and committed together.  [20]")] = None,
    max_retries: Annotated[int | None, typer.Option(help="Retries of temporary failures within a run.  [3]")] = None,
    roles: Roles = "",
    max_usd: Annotated[
        float | None, typer.Option(metavar="USD", help="Maximum cost of calls to paid providers.")
    ] = None,
    no_focus: Annotated[bool, typer.Option("--no-focus", help="Also process pages without products.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Read the PDF again, and retry failed and rejected images.")
    ] = False,
    edition_of: Annotated[
        str | None,
        typer.Option(
            metavar="DOCUMENT", help="The PATH is a newer edition of this document, whose products leave the search."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only estimate the calls to providers and their maximum cost.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ingest PDF catalogues, pictures and scraped batches, and make them searchable.

    Run it again to resume after an interruption. Completed documents with the same options are skipped.
    """
    given = {
        "batch_size": batch_size,
        "max_retries": max_retries,
        "roles": parse_roles(roles),
        "max_usd": max_usd,
    }
    options = _options({name: value for name, value in given.items() if value is not None}, not no_focus, force)
    check_owner(owner)
    from interface.cli.exit_status import worst
    from interface.cli.sources import name_sources
    from interface.cli.terminal import say_json
    from swatchbook.ledger.documents import PDF
    from swatchbook.records import DEFAULT_OWNER
    from swatchbook.resources import open_resources

    settings = read_settings()
    sources, codes = name_sources(paths, settings.image_suffixes, quiet=as_json)
    if edition_of is not None and len(sources) != 1:
        raise typer.BadParameter("name one source with it", param_hint="--edition-of")
    if plan:
        from interface.cli.cost_estimate import print_estimates

        with open_resources(settings) as resources:
            codes.append(print_estimates(resources, sources, options, as_json=as_json))
        raise typer.Exit(worst(codes))
    reports: list[RunReport] = []
    if sources:
        with open_resources(settings) as resources, resumable():
            from interface.cli.ingest import ingest as run

            kinds = {source.path: PDF if source.kind == PDF else None for source in sources}
            whose = owner or DEFAULT_OWNER
            older = edition_of and choose_document(resources.ledger, edition_of, whose).id
            reports, code = run(resources, kinds, owner=whose, options=options, quiet=as_json, edition_of=older)
            codes.append(code)
    if as_json:
        say_json(reports)
    raise typer.Exit(worst(codes))


@app.command("ingest-images", rich_help_panel=INGEST)
def ingest_images(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            readable=False,
            help="Folders of pictures, with subfolders; JSON or JSONL files of scraped items, or folders of them.",
        ),
    ] = None,
    mode: Annotated[
        Literal["references", "scraped", "all"],
        typer.Option(help="What the PATHs are: references (pictures), scraped (batches), all: look at each."),
    ] = "all",
    references_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A folder of pictures, beside the PATHs.")
    ] = None,
    scraped_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A folder of scraped batches, beside the PATHs.")
    ] = None,
    owner: OwnerName = None,
    batch_size: Annotated[int | None, typer.Option(help="Images embedded and committed together.  [20]")] = None,
    max_retries: Annotated[int | None, typer.Option(help="Retries of temporary failures within a run.  [3]")] = None,
    roles: Roles = "",
    max_usd: Annotated[
        float | None, typer.Option(metavar="USD", help="Maximum cost of calls to paid providers.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Read all files again, and retry failed and rejected images.")
    ] = False,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Remove items that are no longer in their folder or batch.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.yaml",
            help="Settings, references_dir, scraped_dir and batch_size; options of the command line go first.",
        ),
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete what these folders and batches put there, and ingest nothing.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Ingest folders of pictures and scraped batches, and make them searchable.

    Run it again when something has changed: only new and changed files are read. Each item of a batch is a product, and
    each picture of a folder, with the name of its file.
    """
    if config is not None:
        from interface.cli.config_file import use_config

        given_there = use_config(config)
        references_dir = references_dir or given_there.references_dir
        scraped_dir = scraped_dir or given_there.scraped_dir
        batch_size = given_there.batch_size if batch_size is None else batch_size
    if not (paths or references_dir or scraped_dir):
        raise typer.BadParameter("name a folder or a batch", param_hint="PATH")
    given = {
        "batch_size": batch_size,
        "max_retries": max_retries,
        "roles": parse_roles(roles),
        "max_usd": max_usd,
        "mirror": mirror,
    }
    options = _options({name: value for name, value in given.items() if value is not None}, True, force)
    check_owner(owner)
    from interface.cli.terminal import say_json

    with opened_resources() as resources, resumable():
        from interface.cli.ingest_images import KINDS
        from interface.cli.ingest_images import ingest_images as run
        from swatchbook.records import DEFAULT_OWNER

        kinds: dict[Path, str | None] = dict.fromkeys(paths or (), KINDS[mode])
        if scraped_dir and mode != "references":
            kinds[scraped_dir] = KINDS["scraped"]
        if references_dir and mode != "scraped":
            kinds[references_dir] = KINDS["references"]
        if clear:
            from interface.cli.delete import clear_sources

            raise typer.Exit(
                clear_sources(resources, kinds, choose_one_owner(resources.ledger, owner), yes=yes, as_json=as_json)
            )
        ingested, code = run(resources, kinds, owner=owner or DEFAULT_OWNER, options=options, quiet=as_json)
    if as_json:
        say_json(ingested)
    raise typer.Exit(code)


@app.command("import", rich_help_panel=INGEST)
def import_table(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A .csv, .jsonl or .parquet file; or env:NAME, where the environment variable NAME has the URL of a "
            "database.",
        ),
    ],
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="The mapping: a YAML file that says which column is what.")
    ],
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Take the rows of this user only; owner of all rows, if no column has the user."
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images embedded and committed together.  [20]")] = None,
    roles: Roles = "",
    max_usd: Annotated[
        float | None, typer.Option(metavar="USD", help="Maximum cost of calls to paid providers.")
    ] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Remove items that are no longer in the table.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count rows and vectors.")] = False,
    as_json: Json = False,
) -> None:
    """Import a collection from a table, with the vectors that it has already.

    Each owner's completed rows with a picture become products; pictures without a usable vector are embedded. Run it
    again when the table has changed.
    """
    given = {"batch_size": batch_size, "roles": parse_roles(roles), "max_usd": max_usd, "mirror": mirror}
    options = _options({name: value for name, value in given.items() if value is not None}, True, False)
    check_owner(owner)
    check_text(source, "SOURCE")
    from interface.cli.terminal import say_json

    with opened_resources() as resources, resumable():
        from interface.cli.import_table import import_table as run

        imported, code = run(resources, source, config, owner=owner, options=options, dry_run=dry_run, quiet=as_json)
    if as_json:
        say_json(imported)
    raise typer.Exit(code)


# --- search and inspect -----------------------------------------------------------------------------------------------


@app.command(rich_help_panel=SEARCH)
def search(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Text to search for.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="Find images similar to this picture.")] = None,
    like: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Find images similar to this one of the collection.")
    ] = None,
    unlike: Annotated[
        list[str] | None, typer.Option("--not", metavar="ID", help="Move away from what this image shows.")
    ] = None,
    owner: OwnerNames = None,
    all_owners: AllOwners = False,
    by: By = "image",
    where: Filters = None,
    editions: EditionsOption = "newest",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Number of results.")] = 10,
    offset: Annotated[int, typer.Option(min=0, max=1_000, help="Leave out so many of the first results.")] = 0,
    weights: Annotated[
        str | None, typer.Option(metavar="ROLE=NUMBER,…", help="Weights of the roles instead of the defaults.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the rank, score and share of each role.")] = False,
    as_json: Json = False,
) -> None:
    """Search by text, by a picture, by images of the collection, or by text and pictures."""
    check_text(text or "", "TEXT")
    check_owners(owner, all_owners)
    filters, references = _filters(where, editions)
    settings = read_settings()
    if settings.service_url:
        from interface.cli.ask_service import search_at_service

        results = search_at_service(
            settings, text=text, image=image, like=like or (), unlike=unlike or (), owner=owner, where=filters,
            documents=references, by=by, k=k, offset=offset, weights=weights,
        )  # fmt: skip
        _print_results(results, explain=explain, as_json=as_json)
        return
    from swatchbook.resources import open_resources

    with open_resources(settings) as resources:
        from swatchbook.search.examples import Examples
        from swatchbook.search.fusion import parse_weights
        from swatchbook.search.search import find_relevant

        filters = _on_collection(resources, filters, references, owner, all_owners)
        results = find_relevant(
            resources, text=text, image=image, examples=Examples(like or (), unlike or ()), where=filters, by=by, k=k,
            offset=offset, weights=None if weights is None else parse_weights(weights),
        )  # fmt: skip
        _print_results(results, explain=explain, as_json=as_json)


@app.command(rich_help_panel=SEARCH)
def facets(
    owner: OwnerNames = None,
    all_owners: AllOwners = False,
    by: By = "image",
    where: Filters = None,
    editions: EditionsOption = "newest",
    as_json: Json = False,
) -> None:
    """List the values to filter a search by, and how many results have each; with --where, of those that match."""
    check_owners(owner, all_owners)
    filters, references = _filters(where, editions)
    settings = read_settings()
    if settings.service_url:
        from interface.cli.ask_service import facets_at_service

        counted = facets_at_service(settings, owner=owner, where=filters, documents=references, by=by)
    else:
        from swatchbook.resources import open_resources

        with open_resources(settings) as resources:
            from swatchbook.ledger.queries.filters import facets as count_facets

            filters = _on_collection(resources, filters, references, owner, all_owners)
            counted = count_facets(resources.ledger, by, filters)
    from interface.cli.facets import draw_facets
    from interface.cli.terminal import out, say_json

    say_json(counted) if as_json else out().print(draw_facets(counted))


def _filters(where: "list[str] | None", editions: Literal["newest", "all"]) -> "tuple[Where, tuple[str, ...]]":
    """Return the filters, and the document references as given. Raises BadParameter."""
    for part in where or ():
        check_text(part, "--where")
    from interface.cli.filters import parse_filters

    try:
        filters, documents = parse_filters(where or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--where") from None
    return filters.model_copy(update={"editions": editions}), documents


def _on_collection(
    resources: "Resources", filters: "Where", references: "tuple[str, ...]", owners: list[str] | None, all_owners: bool
) -> "Where":
    """Return the filters with the documents that are referred to, and with the owners to search.

    A document is looked for among those of the first owner who has such a one.
    """
    whose = choose_owners(resources.ledger, owners, all_owners)
    documents = tuple(_document_of_any(resources, reference, whose) for reference in references)
    one = whose[0] if len(whose) == 1 else None
    return filters.model_copy(update={"documents": documents, "owner": one, "owners": () if one else whose})


def _document_of_any(resources: "Resources", reference: str, owners: "tuple[str, ...]") -> str:
    from swatchbook.errors import InvalidReference

    for owner in owners[:-1]:
        with suppress(InvalidReference):
            return choose_document(resources.ledger, reference, owner).id
    return choose_document(resources.ledger, reference, owners[-1] if owners else None).id


def _print_results(results: "SearchResults", *, explain: bool, as_json: bool) -> None:
    from interface.cli.terminal import note, out, say_json

    if as_json:
        say_json(results.hits)
    elif not results.nearest:
        from interface.cli.tables import draw_hits

        out().print(draw_hits(results.hits, explain=explain))
    if results.nearest:
        from interface.cli.facets import describe_nearest

        note(describe_nearest(results.nearest))
    for missed in results.unmatched:
        from interface.cli.facets import describe_unmatched

        note(describe_unmatched(missed))


@app.command(rich_help_panel=SEARCH)
def show(document: Reference, owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """Show one document: its account, products and failures."""
    with opened_resources() as resources:
        from interface.cli.tables import draw_document
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries.document import show_document
        from swatchbook.ledger.queries.report import document_report

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        details = show_document(resources.ledger, row.id)
        if as_json:
            say_json(details)
            return
        report = document_report(resources.ledger, row.id)
        out().print(draw_document(row, report, details, now=resources.ledger.now()))


@app.command(rich_help_panel=SEARCH)
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="The older document: id, beginning of an id, or name.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The newer document.")],
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """Compare the products of two documents: added, removed, renamed, and changed in price or size."""
    with opened_resources() as resources:
        from interface.cli.editions import draw_diff
        from interface.cli.terminal import out, say_json
        from swatchbook.reports.editions import compare_documents

        whose = choose_owner(resources.ledger, owner, all_owners)
        ids = [choose_document(resources.ledger, each, whose).id for each in (before, after)]
        found = compare_documents(resources.ledger, *ids)
        say_json(found) if as_json else out().print(draw_diff(found))


@app.command(rich_help_panel=SEARCH)
def inspect(
    document: Reference,
    page: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only this page of the PDF.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="HTML file to write; one in the home if not given.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture of the page instead; needs --page.")
    ] = None,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
) -> None:
    """Show a catalogue's pages with a box over every placement: its state, why, its caption and its products.

    Prints the path of the file: HTML that holds all pages and opens in any browser, or a PNG of one page.
    """
    if png is not None and (page is None or html is not None):
        raise typer.BadParameter("give --page with it, and no --html", param_hint="--png")
    with opened_resources() as resources:
        from interface.cli.inspection import write_html, write_png
        from interface.cli.terminal import cell, out
        from swatchbook.reports.inspection_html import html_path

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        if png is not None and page is not None:
            write_png(resources, row, page, png)
        else:
            html = html or html_path(resources.settings, row.id, row.name, page)
            write_html(resources, row, page, html)
        out().print(cell(png or html), soft_wrap=True)


@app.command(rich_help_panel=SEARCH)
def audit(document: Reference, owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """Look for lost pictures: what looks like a picture on a catalogue's pages, and has no placement."""
    with opened_resources() as resources:
        from interface.cli.inspection import draw_audit
        from interface.cli.terminal import out, say_json
        from swatchbook.reports.audit import audit

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        found = audit(resources, row)
        if as_json:
            say_json(found)
        else:
            out().print(draw_audit(found))


@app.command(rich_help_panel=SEARCH)
def label(document: Reference, owner: OwnerName = None, all_owners: AllOwners = False) -> None:
    """Print a truth file for a catalogue, to correct by hand: its present products, pictures and pages as JSON."""
    with opened_resources() as resources:
        from interface.cli.terminal import say_json
        from swatchbook.evaluation.stored import draft_of

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        say_json(draft_of(resources.ledger, row))


@app.command(rich_help_panel=SEARCH)
def export(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    form: Annotated[
        Literal["csv", "jsonl", "xlsx", "parquet"] | None,
        typer.Option("--format", help="Format; by default that of PATH's suffix, else csv."),
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="PATH", help="File to write; stdout if not given.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also copy the products' pictures into this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON; needs --to.")] = False,
) -> None:
    """Export products, one row each, with the names of their pictures: as CSV, JSON lines, Excel or Parquet.

    In CSV, a cell that begins with = + - @ gets an apostrophe in front, so that no spreadsheet runs it as a formula.
    """
    if as_json and to is None:
        raise typer.BadParameter("the export itself goes to stdout: add --to PATH", param_hint="--json")
    with opened_resources() as resources:
        from interface.cli.export import choose_format, exportable, note_exported
        from interface.cli.export import export as write
        from interface.cli.terminal import say_json

        chosen = choose_format(form, to)
        documents = choose_documents(resources.ledger, document, every, owner, all_owners)
        exported = write(resources, exportable(documents, every=every), chosen, to=to, pictures=pictures)
        say_json(exported) if as_json else note_exported(exported)
    raise typer.Exit(exported.exit_code)


@app.command(rich_help_panel=SEARCH)
def status(owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """List documents that are running, waiting, due or blocked."""
    with opened_resources() as resources:
        from interface.cli.tables import draw_overview, overview
        from interface.cli.terminal import out, say_json

        state = overview(resources.ledger, resources.settings, choose_owner(resources.ledger, owner, all_owners))
        say_json(state.listed()) if as_json else out().print(draw_overview(state, now=resources.ledger.now()))


@app.command(rich_help_panel=SEARCH)
def coverage(owner: OwnerName = None, all_owners: AllOwners = False, roles: Roles = "", as_json: Json = False) -> None:
    """Show how much of the collection is embedded and searchable, and what the stages took this week."""
    wanted = parse_roles(roles)
    with opened_resources() as resources:
        from interface.cli.tables import draw_coverage
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries.coverage import count_coverage
        from swatchbook.ledger.queries.timings import stage_weeks
        from swatchbook.reports.stale import stale_roles

        whose = choose_owner(resources.ledger, owner, all_owners)
        counted = count_coverage(resources.ledger, owner=whose, roles=wanted)
        stale = stale_roles(resources.ledger, resources.settings, whose, wanted)
        stages = stage_weeks(resources.ledger, whose)
        if as_json:
            say_json(counted.model_dump(mode="json") | {"stale": stale, "stages": stages})
        else:
            out().print(draw_coverage(counted, stale, stages))


@app.command(rich_help_panel=SEARCH)
def stats(owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """Count images by state, role, model and kind of failure; show by role how alike a sample of them is."""
    with opened_resources() as resources:
        from interface.cli.statistics import draw_statistics
        from interface.cli.terminal import out, say_json
        from swatchbook.reports.statistics import collect_statistics

        collected = collect_statistics(resources, choose_owner(resources.ledger, owner, all_owners))
        say_json(collected) if as_json else out().print(draw_statistics(collected))


@app.command("near-duplicates", rich_help_panel=SEARCH)
def near_duplicates(
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="Groups to list, the largest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List images of an owner that show nearly the same picture: in another size, compression or brightness."""
    with opened_resources() as resources:
        from interface.cli.statistics import draw_near_duplicates
        from interface.cli.terminal import out, say_json
        from swatchbook.search.near_duplicates import describe_near_duplicates

        found = describe_near_duplicates(resources, choose_owner(resources.ledger, owner, all_owners), limit)
        say_json(found) if as_json else out().print(draw_near_duplicates(found))


# --- maintain ---------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=MAINTAIN)
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


@app.command(rich_help_panel=MAINTAIN)
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
    force: Annotated[bool, typer.Option("--force", help="Also retry failed and rejected images.")] = False,
    as_json: Json = False,
) -> None:
    """Create a document's missing or outdated vectors with the models in the settings; with --all, of every document.

    Existing vectors and analyses of these models are kept. --roles adds roles to those of the document's ingest, and
    --pages pages that it skipped; later ingests of the same file keep them.
    """
    wanted, taken = parse_roles(roles), parse_pages(pages)
    if taken and every:
        raise typer.BadParameter("name one document: pages are its own", param_hint="--pages")
    with opened_resources() as resources, resumable():
        from interface.cli.ingest import resume
        from interface.cli.terminal import note, say_json
        from swatchbook.ledger.documents import get_document
        from swatchbook.upkeep.regenerate import regenerate

        lacking = list[str]()
        for row in choose_documents(resources.ledger, document, every, owner, all_owners):
            if regenerate(resources, row, roles=wanted, pages=taken, force=force):
                lacking.append(row.id)
            else:
                note(
                    f"{row.name}: nothing to do, its vectors are up to date"
                    + (", and no such page is skipped." if taken else ".")
                )
        waiting = [get_document(resources.ledger, each) for each in lacking]
        reports, code = resume(resources, waiting, quiet=as_json)
        if as_json:
            say_json(reports)
    raise typer.Exit(code)


@app.command(rich_help_panel=MAINTAIN)
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be made, and its cost.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, max=256, help="Images embedded and committed together.")] = 10,
    limit: Annotated[int | None, typer.Option(min=1, help="Most images and chunks; all by default.")] = None,
    max_usd: Annotated[
        float | None, typer.Option(metavar="USD", min=0, help="Maximum cost of calls to paid providers.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the vectors that the images of completed documents lack, and whose stored file can be read.

    Run it again to resume after an interruption. What has failed for good is left to `retry`.
    """
    wanted = parse_roles(roles)
    with opened_resources() as resources, resumable():
        from interface.cli.backfill import draw_backfill_plan, draw_backfilled
        from interface.cli.exit_status import COMPLETED, OPEN
        from interface.cli.progress import counting
        from interface.cli.terminal import err, out, say_json
        from swatchbook.upkeep.backfill import Backfill, plan_backfill
        from swatchbook.upkeep.backfill import backfill as run

        asked = Backfill(
            owner=choose_owner(resources.ledger, owner, all_owners), roles=wanted, stale=stale, batch_size=batch_size,
            limit=limit, max_usd=max_usd,
        )  # fmt: skip
        if dry_run:
            plan = plan_backfill(resources, asked)
            say_json(plan.model_dump(mode="json") | {"usd": plan.usd}) if as_json else out().print(
                draw_backfill_plan(plan)
            )
            return
        with counting("backfill", err()) as progress:
            done = run(resources, asked, progress=progress)
        now = resources.ledger.now()
        say_json(done) if as_json else out().print(draw_backfilled(done, now=now))
    raise typer.Exit(OPEN if done.lacks or done.failures or done.busy else COMPLETED)


@app.command(rich_help_panel=MAINTAIN)
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


@app.command(rich_help_panel=MAINTAIN)
def delete(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a document with its images, vectors and files, or with --all every one of the owner. Asks first.

    Images that other documents use stay.
    """
    with opened_resources() as resources:
        from interface.cli.delete import delete_document, delete_owner

        check_choice(document, every)
        whose = choose_one_owner(resources.ledger, owner)
        if document is None:
            code = delete_owner(resources, whose, yes=yes, as_json=as_json)
        else:
            row = choose_document(resources.ledger, document, whose)
            code = delete_document(resources, row, yes=yes, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=MAINTAIN)
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
        from interface.cli.tables import draw_verification
        from interface.cli.terminal import out, say_json
        from swatchbook.upkeep.verify import verify as compare

        result = compare(resources, repair=repair, deep=deep)
        say_json(result.model_dump(mode="json") | {"sound": result.sound}) if as_json else out().print(
            draw_verification(result)
        )
    raise typer.Exit(COMPLETED if result.sound else FAILED)


@app.command(rich_help_panel=MAINTAIN)
def tick(as_json: Json = False) -> None:
    """Run one round of the service's background loop, for cron: start due documents, clean up after dead runs."""
    with opened_resources() as resources, resumable():
        from interface.cli.exit_status import COMPLETED, OPEN
        from interface.cli.terminal import out, say_json
        from interface.cli.upkeep import draw_round, run_round

        done = run_round(resources)
        say_json(done) if as_json else out().print(draw_round(done))
    raise typer.Exit(OPEN if done.troubles else COMPLETED)


@app.command(rich_help_panel=MAINTAIN)
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


@app.command("rebuild-index", rich_help_panel=MAINTAIN)
def rebuild_index(as_json: Json = False) -> None:
    """Rebuild the index from the ledger, without calling any model."""
    with opened_resources() as resources:
        from interface.cli.progress import counting
        from interface.cli.terminal import err, note, say_json
        from swatchbook.upkeep.verify import rebuild

        with counting("publish", err()) as progress:
            published = rebuild(resources, progress=progress)
        say_json({"published": published}) if as_json else note(f"{published} images and chunks published.")


@app.command(rich_help_panel=MAINTAIN)
def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An empty folder, or an earlier backup.")],
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


@app.command(rich_help_panel=MAINTAIN)
def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that `backup` has written.")],
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


# --- serve ------------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=SERVE)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than loopback needs API keys.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = None,
    with_prefect: Annotated[
        bool, typer.Option("--with-prefect", help="Also run a Prefect server and a worker, and end them with it.")
    ] = False,
) -> None:
    """Run the HTTP service: uploads, webhooks, search, and the background loop that retries due documents."""
    from interface.cli.log import show
    from interface.cli.terminal import out
    from interface.service.serve import serve as run
    from interface.service.with_prefect import running_prefect

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = read_settings().model_copy(update=given)

    def say(line: str) -> None:
        out().print(line, soft_wrap=True)
        show()  # only now: an error at start-up is printed as one line, without the log

    with running_prefect(settings, out().print) if with_prefect else nullcontext():
        run(settings, say)


@app.command(rich_help_panel=SERVE)
def worker() -> None:
    """Run a worker that embeds shards in Docker containers on this machine.

    On Ctrl-C or SIGTERM it waits for running containers to finish.
    """
    from interface.cli.worker import work_on_shards

    raise typer.Exit(work_on_shards(read_settings()))


# --- configure --------------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=SETUP)
def config(as_json: Json = False) -> None:
    """Show every setting, its value and its source. Secrets are masked."""
    from interface.cli.config import describe, draw
    from interface.cli.terminal import note, out, say_json
    from swatchbook.settings import load_settings, origins, unknown_variables

    rows = describe(load_settings(), origins())
    say_json(rows) if as_json else out().print(draw(rows, width=out().width))
    for name in unknown_variables():
        note(f"Unknown setting: {name}.")


@app.command(rich_help_panel=SETUP)
def setup(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 3 if something would change.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also overwrite saved blocks and the pool's concurrency limit.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create or update work pools, blocks, deployments and the failure notification on the Prefect server.

    Safe to run again.
    """
    from interface.cli.prefect_environment import prepare

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
    """Download the weights of the models in the settings from the Hugging Face Hub, at their pinned revision."""
    from interface.cli.models import draw, pull_chosen
    from interface.cli.terminal import note, out, say_json

    pulled = pull_chosen(read_settings())
    if as_json:
        say_json(pulled)
    elif pulled:
        out().print(draw(pulled))
    for each in pulled:
        if each.pin:
            note(f"To pin this revision, set {each.pin}")


@app.command(rich_help_panel=SETUP)
def doctor(as_json: Json = False) -> None:
    """Check every part of the installation with a real request, and show how to fix what fails."""
    with opened_resources() as resources:
        from interface.cli.doctor import draw, examine
        from interface.cli.exit_status import COMPLETED, FAILED
        from interface.cli.terminal import err, out, say_json

        with err().status("checking …"):
            findings = list(examine(resources))
        say_json(findings) if as_json else out().print(draw(findings))
    raise typer.Exit(COMPLETED if all(finding.ok for finding in findings) else FAILED)


# --- shared -----------------------------------------------------------------------------------------------------------


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
