"""`swatchbook search`, `facets` and `near-duplicates`: the commands and their options."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interface.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerName,
    OwnerNames,
    check_owners,
    check_text,
    choose_document,
    choose_owner,
    choose_owners,
    opened_resources,
    read_settings,
)
from swatchbook.search import MAX_RESULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interface.client import Hits
    from swatchbook.index.base import Where
    from swatchbook.records import Hit, SearchResults
    from swatchbook.resources import Resources

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
        help="Filter by KEY, such as color=blue; repeatable. `swatchbook facets` lists the keys and their values.",
    ),
]


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
    k: Annotated[int, typer.Option("-k", min=1, max=MAX_RESULTS, help="Number of results.")] = 10,
    offset: Annotated[int, typer.Option(min=0, max=1_000_000, help="Leave out so many of the first results.")] = 0,
    weights: Annotated[
        str | None, typer.Option(metavar="ROLE=NUMBER,…", help="Weights of the roles instead of the defaults.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the rank, score and share of each role.")] = False,
    as_json: Json = False,
) -> None:
    """Search by text, by a picture, by images of the collection, or by text and pictures.

    Without any of them, list what matches --where, the newest document first.
    """
    check_text(text or "", "TEXT")
    check_owners(owner, all_owners)
    filters, references = _filters(where, editions)
    settings = read_settings()
    if settings.service_url:
        from interface.cli.ask_service import client_filters, client_of

        with client_of(settings) as client:
            hits = client.search(
                text, image=image, like=like or (), unlike=unlike or (), by=by, k=k, offset=offset,
                weights=_parse_weights(weights), owner=owner, explain=True, **client_filters(filters, references),
            )  # fmt: skip
        _print_results(hits, hits, offset, explain=explain, as_json=as_json)
        return
    from swatchbook.resources import open_resources

    with open_resources(settings) as resources:
        from swatchbook.search.query_pictures import Examples
        from swatchbook.search.search import find_relevant

        filters = _on_collection(resources, filters, references, owner, all_owners)
        results = find_relevant(
            resources, text=text, image=image, examples=Examples(like or (), unlike or ()), where=filters, by=by, k=k,
            offset=offset, weights=_parse_weights(weights),
        )  # fmt: skip
        _print_results(results.hits, results, offset, explain=explain, as_json=as_json)


def facets(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Count only what a search for this finds.")] = None,
    owner: OwnerNames = None,
    all_owners: AllOwners = False,
    by: By = "image",
    where: Filters = None,
    editions: EditionsOption = "newest",
    as_json: Json = False,
) -> None:
    """List the values to filter a search by, and how many results have each; with --where, of those that match."""
    check_text(text or "", "TEXT")
    check_owners(owner, all_owners)
    filters, references = _filters(where, editions)
    settings = read_settings()
    if settings.service_url:
        from interface.cli.ask_service import client_filters, client_of

        with client_of(settings) as client:
            counted = client.facets(text, by=by, owner=owner, **client_filters(filters, references))
    else:
        from swatchbook.resources import open_resources

        with open_resources(settings) as resources:
            from swatchbook.search.search import facets_of_search

            filters = _on_collection(resources, filters, references, owner, all_owners)
            counted = facets_of_search(resources, text=text, where=filters, by=by)
    from interface.cli.facets import draw_facets
    from interface.cli.terminal import out, say_json

    say_json(counted) if as_json else out().print(draw_facets(counted))


def _filters(where: "list[str] | None", editions: Literal["newest", "all"]) -> "tuple[Where, tuple[str, ...]]":
    """Return the filters, and the document references as given. Raises BadParameter."""
    for part in where or ():
        check_text(part, "--where")
    from interface.cli.where import parse_filters
    from swatchbook.errors import InvalidReference

    try:
        filters, documents = parse_filters(where or [])
    except InvalidReference as error:
        raise typer.BadParameter(error.message, param_hint="--where") from None
    return filters.model_copy(update={"editions": editions}), documents


def _parse_weights(weights: str | None) -> dict[str, float] | None:
    if weights is None:
        return None
    from swatchbook.search.fusion import parse_weights

    return parse_weights(weights)


def _on_collection(
    resources: "Resources", filters: "Where", references: "tuple[str, ...]", owners: list[str] | None, all_owners: bool
) -> "Where":
    """Return the filters with the documents that are referred to, and with the owners to search.

    A document is looked for among those of the first owner who has such a one.
    """
    whose = choose_owners(resources.ledger, owners, all_owners)
    documents = tuple(_document_of_any(resources, reference, whose) for reference in references)
    one = whose[0] if len(whose) == 1 else None
    return filters.model_copy(update={"document": documents, "owner": one, "owners": () if one else whose})


def _document_of_any(resources: "Resources", reference: str, owners: "tuple[str, ...]") -> str:
    from swatchbook.errors import InvalidReference

    for owner in owners[:-1]:
        with suppress(InvalidReference):
            return choose_document(resources.ledger, reference, owner).id
    return choose_document(resources.ledger, reference, owners[-1] if owners else None).id


def _print_results(
    hits: "Sequence[Hit]", results: "SearchResults | Hits", offset: int, *, explain: bool, as_json: bool
) -> None:
    from interface.cli.terminal import note, out, say_json

    if as_json:
        say_json(hits)
    elif not results.nearest:
        from interface.cli.search_table import draw_hits

        out().print(draw_hits(hits, explain=explain))
        if hits and results.total is not None:
            last = offset + len(hits)
            more = f"; more with --offset {results.next}" if results.next else ""
            note(f"{offset + 1} to {last} of {results.total}{more}.")
    if results.nearest:
        from interface.cli.facets import describe_nearest

        note(describe_nearest(results.nearest))
    for missed in results.unmatched:
        from interface.cli.facets import describe_unmatched

        note(describe_unmatched(missed))


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
