"""`swatchbook search` and `stats facets`: read the filters (`--where KEY=VALUE`), search, print results, values, and
what is nearest where nothing is found. The filters are declared in `index/contract.py`.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.domain.errors import InvalidReference
from swatchbook.doors.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerNames,
    check_text,
    choose_document,
    choose_owners,
    opened_resources,
    read_settings,
)
from swatchbook.doors.cli.terminal import cell, note, out, say_json, table
from swatchbook.search import MAX_RESULTS, title_of_others
from swatchbook_base.one_line import clean, shorten
from swatchbook_base.truncate import page_numbers

if TYPE_CHECKING:
    from swatchbook.domain.records import Facet, Facets, Hit, SearchResults
    from swatchbook.index.contract import Where
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
        help="Filter by KEY, such as color=blue; repeatable. `swatchbook stats facets` lists keys and values.",
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
    filters, references = _filters(where, editions)
    settings = read_settings(begins=False)
    from swatchbook.resources import open_resources
    from swatchbook.store.ledger.owners import known_owners

    with open_resources(settings) as resources:
        from swatchbook.search.fusion import parse_weights
        from swatchbook.search.query_pictures import Examples
        from swatchbook.search.request import SearchRequest
        from swatchbook.search.search import find_relevant
        from swatchbook.upkeep.reports.stale import describe_other_models

        filters = _on_collection(resources, filters, references, owner, all_owners)
        examples = Examples(like or (), unlike or ())
        given = None if weights is None else parse_weights(weights)
        results = find_relevant(resources, SearchRequest(text, image, examples, filters, by, given, k, offset))
        _print_results(results, offset, explain=explain, as_json=as_json)
        if (text or image or like) and (line := describe_other_models(resources.ledger, settings)):
            note(line)
        if not results.hits and not known_owners(resources.ledger):
            note(f"The collection in {settings.home} is empty: swatchbook ingest PATH")


def _print_results(results: "SearchResults", offset: int, *, explain: bool, as_json: bool) -> None:
    hits = results.hits
    if as_json:
        say_json(hits)
    else:
        close = [hit for hit in hits if hit.close]
        if close or not hits:
            out().print(draw_hits(close, offset, explain=explain))
        if others := hits[len(close) :]:
            out().print(title_of_others(any_close=bool(close or offset)))
            out().print(draw_hits(others, offset + len(close), explain=explain))
        if hits and results.total is not None:
            last = offset + len(hits)
            more = f"; more with --offset {results.next}" if results.next else ""
            note(f"{offset + 1} to {last} of {results.total}{more}.")
    for missed in results.unmatched:
        note(missed.sentence)


def draw_hits(hits: "Sequence[Hit]", offset: int = 0, *, explain: bool) -> RenderableType:
    """Return search results as a table, best first; those that are not close are dim."""
    if not hits:
        return Text("No results. `swatchbook stats coverage` shows what is searchable.", "dim")
    scored = any(hit.score for hit in hits)  # none has one where nothing was searched for
    measure = "score" if hits[0].relevance is None else "relevant"
    measured = [measure] if scored else []
    columns = ["#", *measured, "result", "product", "code", "price", "document", "pages", "text"]
    rows = table(*columns, *(["roles"] if explain else []), right=("#", *measured, "pages"))
    for rank, hit in enumerate(hits, start=offset + 1):
        row = [
            cell(rank),
            *([cell(f"{hit.score if hit.relevance is None else hit.relevance:.0%}")] if scored else []),
            Text.assemble((clean(hit.title), "bold"), "\n", (f"{hit.id[:8]}{_alike(hit)}{_missing(hit)}", "dim")),
            cell(hit.product if hit.product != hit.title else ""),
            cell(hit.code or ""),
            cell(hit.price or ""),
            cell(hit.document),
            cell(page_numbers(hit.pages, hit.labels)),
            cell(shorten(hit.text or "", 90), "dim"),
        ]
        parts = [
            f"{role} #{part['rank']:.0f} ({part['score']:.3f}) {part['share'] / hit.score:.0%}"
            for role, part in sorted(hit.why.items(), key=lambda pair: -pair[1]["share"])
        ]
        rows.add_row(*row, *([Text("\n".join(parts), "dim")] if explain else []), style=None if hit.close else "dim")
    return rows


def _alike(hit: "Hit") -> str:
    return f"  +{len(hit.alike)} alike" if hit.alike else ""


def _missing(hit: "Hit") -> str:
    return f"  not mentioned: {', '.join(map(clean, hit.missing))}" if hit.missing and hit.close else ""


MOST_SHOWN = 12
"""Values of a field in the terminal; `--json` has up to 100."""


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
    filters, references = _filters(where, editions)
    with opened_resources() as resources:
        from swatchbook.search.request import SearchRequest
        from swatchbook.search.search import facets_of_search

        filters = _on_collection(resources, filters, references, owner, all_owners)
        counted = facets_of_search(resources, SearchRequest(text, where=filters, by=by))
    say_json(counted) if as_json else out().print(draw_facets(counted))


def draw_facets(facets: "Facets") -> RenderableType:
    """Return a table with a row for each field: its most frequent values, with counts."""
    plural = "" if facets.total == 1 else "s"
    parts: list[RenderableType] = [Text(f"{facets.total} {facets.by}{plural}", "bold")]
    if not facets.total:
        return parts[0]
    rows = table("--where", "values")
    for field, facet in facets.fields.items():
        if facet.values:
            rows.add_row(cell("--owner" if field == "owner" else f"{field}=", "bold"), cell(_values(facet)))
    if facets.price:
        price = facets.price
        span = f"{price.lowest:g} to {price.highest:g} {' or '.join(price.currencies)}".rstrip() + f" ({price.count})"
        rows.add_row(cell("price_min=, price_max=", "bold"), cell(span))
    return Group(*parts, rows)


def _values(facet: "Facet") -> str:
    shown = facet.values[:MOST_SHOWN]
    others = len(facet.values) - len(shown) + facet.more
    listed = [f"{each.name or each.value} ({each.count})" for each in shown]
    return " · ".join([*listed, *([f"and {others} more"] if others else [])])


def _filters(where: "list[str] | None", editions: Literal["newest", "all"]) -> "tuple[Where, tuple[str, ...]]":
    """Return the filters, and the document references as given. Raises BadParameter."""
    for part in where or ():
        check_text(part, "--where")
    from swatchbook.domain.errors import InvalidReference

    try:
        filters, documents = parse_filters(where or [])
    except InvalidReference as error:
        raise typer.BadParameter(error.message, param_hint="--where") from None
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
    return filters.model_copy(update={"document": documents, "owner": one, "owners": () if one else whose})


def _document_of_any(resources: "Resources", reference: str, owners: "tuple[str, ...]") -> str:
    from swatchbook.domain.errors import InvalidReference

    for owner in owners[:-1]:
        with suppress(InvalidReference):
            return choose_document(resources.ledger, reference, owner).id
    return choose_document(resources.ledger, reference, owners[-1] if owners else None).id


def parse_filters(arguments: Sequence[str]) -> "tuple[Where, tuple[str, ...]]":
    """Return the filters, and the document references as given. Values of a repeated key are alternatives.

    Raises InvalidReference for a missing `=` or value, and as `build_filters`.
    """
    from swatchbook.search.request import FILTERS_ADVICE, build_filters

    fields: dict[str, list[str]] = {}
    for argument in arguments:
        key, sign, value = (part.strip() for part in argument.partition("="))
        if not sign or not value:
            raise InvalidReference(f"{argument!r}: use KEY=VALUE.", advice=FILTERS_ADVICE)
        fields.setdefault(key, []).append(value)
    return build_filters(fields)


COMMANDS = {"Everyday": {"search": search}, "Collection": {"stats facets": facets}}
