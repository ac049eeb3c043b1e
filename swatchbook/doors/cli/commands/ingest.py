"""`swatchbook ingest` and `ingest-images`: the commands and their options."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from swatchbook.doors.cli.shared_arguments import (
    Json,
    MaxUsd,
    OwnerName,
    Roles,
    check_owner,
    choose_document,
    given_source,
    opened_resources,
    parse_roles,
    read_settings,
)
from swatchbook.doors.cli.terminal import resumable, say_json, worst

if TYPE_CHECKING:
    from swatchbook.domain.records import BatchMapping, IngestOptions, Record, RunReport


BatchSize = Annotated[int | None, typer.Option(help="Images embedded and committed together.  [20]")]

# of `ingest`
Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        parser=given_source,
        help="PDFs, pictures, scraped batches (JSON, CSV, XML, Excel), folders that contain them, with subfolders, or "
        "URLs of the same in an object store (s3://bucket/prefix).",
    ),
]
NoFocus = Annotated[bool, typer.Option("--no-focus", help="Also process pages without products.")]
NoCategories = Annotated[
    bool, typer.Option("--no-categories", help="Take no categories from the subfolders of pictures.")
]
Force = Annotated[bool, typer.Option("--force", help="Read the PDF again, and retry failed and rejected images.")]
EditionOf = Annotated[
    str | None,
    typer.Option(
        metavar="DOCUMENT", help="The PATH is a newer edition of this document, whose products leave the search."
    ),
]
Plan = Annotated[
    bool, typer.Option("--plan", help="Ingest nothing: estimate the cost of PDFs, and show how batches would be read.")
]
Mapping = Annotated[
    Path | None,
    typer.Option(metavar="FILE.yaml", help="Which field of a scraped batch is what; --plan prints one to change."),
]
PicturesDir = Annotated[
    Path | None,
    typer.Option("--pictures", metavar="FOLDER", help="Where the pictures of a scraped batch are, if elsewhere."),
]

# of `ingest-images`
ImagePaths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        parser=given_source,
        help="Folders of pictures, with subfolders; files of scraped items, or folders of them; or URLs of the same.",
    ),
]
Mode = Annotated[
    Literal["references", "scraped", "all"],
    typer.Option(help="What the PATHs are: references (pictures), scraped (batches), all: look at each."),
]
ForceImages = Annotated[
    bool, typer.Option("--force", help="Read all files again, and retry failed and rejected images.")
]
Mirror = Annotated[bool, typer.Option("--mirror", help="Remove items that are no longer in their folder or batch.")]


def ingest(
    paths: Paths,
    owner: OwnerName = None,
    batch_size: BatchSize = None,
    roles: Roles = "",
    max_usd: MaxUsd = None,
    no_focus: NoFocus = False,
    no_categories: NoCategories = False,
    force: Force = False,
    edition_of: EditionOf = None,
    plan: Plan = False,
    mapping: Mapping = None,
    pictures: PicturesDir = None,
    as_json: Json = False,
) -> None:
    """Ingest catalogues, folders of pictures and scraped batches, and make them searchable.

    Run it again to resume after an interruption, or when a folder or batch has changed. What is complete is skipped.
    """
    options = ingest_options(
        batch_size=batch_size, roles=roles, max_usd=max_usd, focus=not no_focus, force=force,
        categories=not no_categories, mapping=_mapping(mapping, pictures),
    )  # fmt: skip
    check_owner(owner)
    from swatchbook.doors.cli.ingest import name_sources
    from swatchbook.resources import open_resources

    settings = read_settings()
    sources, codes = name_sources(paths, settings, quiet=as_json)
    if edition_of is not None and len(sources) != 1:
        raise typer.BadParameter("name one source with it", param_hint="--edition-of")
    if plan:
        from swatchbook.doors.cli.ingest_plan import print_estimates

        with open_resources(settings) as resources:
            codes.append(print_estimates(resources, sources, options, as_json=as_json))
        raise typer.Exit(worst(codes))
    reports: list[RunReport] = []
    if sources:
        with open_resources(settings) as resources, resumable():
            from swatchbook.domain.records import DEFAULT_OWNER
            from swatchbook.doors.cli.ingest import ingest as run
            from swatchbook.store.ledger.stored_documents import PDF

            whose = owner or DEFAULT_OWNER
            older = edition_of and choose_document(resources.ledger, edition_of, whose).id
            kinds = {source.path: PDF if source.kind == PDF else None for source in sources}
            reports, code = run(resources, kinds, owner=whose, options=options, quiet=as_json, edition_of=older)
            codes.append(code)
    _end(reports, worst(codes), as_json=as_json)


def ingest_images(
    paths: ImagePaths,
    mode: Mode = "all",
    owner: OwnerName = None,
    batch_size: BatchSize = None,
    roles: Roles = "",
    max_usd: MaxUsd = None,
    no_categories: NoCategories = False,
    force: ForceImages = False,
    mirror: Mirror = False,
    mapping: Mapping = None,
    pictures: PicturesDir = None,
    as_json: Json = False,
) -> None:
    """Ingest pictures and batches as `ingest` does, with modes: a kind for each PATH, and --mirror.

    PDFs are left out, and the items of each source are counted.
    """
    options = ingest_options(
        batch_size=batch_size, roles=roles, max_usd=max_usd, mirror=mirror, force=force,
        categories=not no_categories, mapping=_mapping(mapping, pictures),
    )  # fmt: skip
    check_owner(owner)
    with opened_resources(begins=True) as resources, resumable():
        from swatchbook.domain.records import DEFAULT_OWNER
        from swatchbook.doors.cli.ingest import local_path
        from swatchbook.doors.cli.ingest_items import KINDS
        from swatchbook.doors.cli.ingest_items import ingest_images as run

        local = [local_path(each, resources.settings) for each in paths]
        kinds = dict.fromkeys(local, KINDS[mode])
        ingested, code = run(resources, kinds, owner=owner or DEFAULT_OWNER, options=options, quiet=as_json)
    _end(ingested, code, as_json=as_json)


def _mapping(file: Path | None, pictures: Path | None) -> "BatchMapping | None":
    """Return the mapping of --mapping and --pictures, None without both. Raises InvalidReference."""
    if file is None and pictures is None:
        return None
    from swatchbook.domain.errors import InvalidReference
    from swatchbook.domain.records import NO_MAPPING
    from swatchbook.ingest.sources.item_files import any_shape

    mapping = any_shape().read_mapping(file) if file else NO_MAPPING
    if pictures is None:
        return mapping
    if not pictures.is_dir():
        raise InvalidReference(f"{pictures} is not a folder.", advice="Check --pictures.")
    return mapping.model_copy(update={"root": pictures.resolve()})


def ingest_options(*, roles: str, **given: Any) -> "IngestOptions":
    """Return the options of an ingest; those that are None keep their default. Raises BadParameter."""
    from pydantic import ValidationError

    from swatchbook.domain.records import IngestOptions

    named = {name: value for name, value in given.items() if value is not None}
    try:
        return IngestOptions(roles=parse_roles(roles), **named)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        raise typer.BadParameter(f"{first['input']}: {first['msg']}", param_hint=option) from None


def _end(done: "Record | list[RunReport]", code: int, *, as_json: bool) -> NoReturn:
    """Print what was done, if as JSON, and exit with the code."""
    if as_json:
        say_json(done)
    raise typer.Exit(code)


COMMANDS = {"Everyday": {"ingest": ingest}, "Collection": {"ingest-images": ingest_images}}
