"""`swatchbook teach DOCUMENT` and `readings`: show what names, codes and prices of products look like, see what all
pages would give, accept that or undo it; list, export and import the readings.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerName,
    Reference,
    check_text,
    choose_document,
    choose_owner,
    login_name,
    opened_resources,
)
from swatchbook.doors.cli.terminal import cell, duration, err, note, out, owner_flag, resumable, say_json, table
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import page_numbers, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swatchbook.domain.records import RunReport
    from swatchbook.resources import Resources
    from swatchbook.store.ledger.stored_documents import Document
    from swatchbook_teach.records import KeptReading, OtherReading, Proposal


app = typer.Typer()

_Texts = Mapping[str, Sequence[str]]
"""What is shown -> texts that begin with their page, as notebooks give them."""

_MOST_LOST = 10
"""Lost products that are named; JSON has all."""


class _Asked(NamedTuple):
    """What the options ask for. `use` is the number of a reading, and `reading` the file of one."""

    shown: _Texts
    wrong: _Texts
    likeliest: bool
    use: int | None
    reading: Path | None
    undo: bool

    @property
    def by_example(self) -> bool:
        """Return whether something is shown that readings should agree with."""
        return bool(self.shown or self.wrong)

    def check(self) -> None:
        """Raise BadParameter for options that ask for several things, or for none."""
        to_choose = self.likeliest or (self.use is not None and not self.by_example)
        is_given = self.reading is not None or self.undo
        ways = (self.by_example, to_choose, self.reading is not None, self.undo)
        if sum(ways) != 1 or (self.use is not None and is_given):
            raise typer.BadParameter(
                "show a name with --page and --name, or give one of --likeliest, --use, --reading and --undo",
                param_hint="--name",
            )


class _Choice(NamedTuple):
    """A reading to choose, and where it comes from."""

    proposal: "Proposal"
    source: str


def _texts(option: str, help: str) -> typer.models.OptionInfo:
    return typer.Option(option, metavar="TEXT", help=help)  # type: ignore[no-any-return]


@app.command(rich_help_panel="Everyday")
def teach(
    document: Reference,
    page: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Page of all that is shown; or begin each TEXT with it: 5:TEXT."),
    ] = None,
    names: Annotated[list[str] | None, _texts("--name", "A name of a product, as printed. May be repeated.")] = None,
    wrong: Annotated[list[str] | None, _texts("--not", "This is not the name of a product. May be repeated.")] = None,
    codes: Annotated[list[str] | None, _texts("--code", "A product's code. May be repeated.")] = None,
    prices: Annotated[list[str] | None, _texts("--price", "A product's price. May be repeated.")] = None,
    wrong_codes: Annotated[
        list[str] | None, _texts("--not-code", "This is not a product's code. May be repeated.")
    ] = None,
    wrong_prices: Annotated[
        list[str] | None, _texts("--not-price", "This is not a product's price. May be repeated.")
    ] = None,
    likeliest: Annotated[
        bool, typer.Option("--likeliest", help="List readings to choose from: of like catalogues, and the likeliest.")
    ] = False,
    use: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The reading N of --likeliest, or of a proposal.")
    ] = None,
    reading: Annotated[
        Path | None,
        typer.Option("--reading", metavar="FILE", help="The reading of a YAML file, see `readings --export`."),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the reading in use; the one before it is used again.")
    ] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Accept it without a question.")] = False,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """Show two names of a catalogue's products, and all its pages are read so.

    Prints what that would find and lose. Nothing changes until you accept it; then the document is ingested again, and
    later ingests of the same file keep the reading.
    """
    given = {
        "--name": names, "--not": wrong, "--code": codes, "--price": prices,
        "--not-code": wrong_codes, "--not-price": wrong_prices,
    }  # fmt: skip
    asked = _Asked(*_read_shown(page, given), likeliest, use, reading, undo)
    asked.check()
    with opened_resources() as resources, resumable():
        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        if undo:
            code = _undo(resources, row, as_json=as_json)
        else:
            code = _propose(resources, row, asked, accept=accept, as_json=as_json)
    raise typer.Exit(code)


def _read_shown(page: int | None, given: "dict[str, list[str] | None]") -> tuple[_Texts, _Texts]:
    """Return what the options show, and what they say is wrong, each text with its page. Raises BadParameter."""
    shown, wrong = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for option, texts in given.items():
        what = "name" if option == "--not" else option.removeprefix("--").removeprefix("not-")
        for text in texts or ():
            check_text(text, option)
            if page is not None:
                text = f"{page}:{text}"
            elif not re.match(r"\s*0*[1-9]\d*\s*:", text):
                raise typer.BadParameter(f'on which page is it? --page 5, or {option} "5:{text}"', param_hint=option)
            if not text.partition(":")[2].strip():
                raise typer.BadParameter("the text is empty", param_hint=option)
            (wrong if option.startswith("--not") else shown)[what].append(text)
    if page is not None and not (shown or wrong):
        raise typer.BadParameter("what is on it? Add --name TEXT", param_hint="--page")
    return shown, wrong


def _propose(resources: "Resources", document: "Document", asked: _Asked, *, accept: bool, as_json: bool) -> int:
    """List the readings to choose from, or offer one of them; return the exit code."""
    from swatchbook.doors.cli.progress import counting

    with counting(f"read the texts of {plural(document.page_count or 0, 'page')}", err()):
        choices = _choices(resources, document, asked)
    if asked.likeliest and asked.use is None:
        return _list_choices(resources, document, choices, as_json=as_json)
    number = asked.use or 1
    if number > len(choices):
        there = f"there are {len(choices)}" if choices else "there are none"
        where = "the same command without --use" if asked.by_example else "--likeliest"
        raise typer.BadParameter(f"{there}: {where} lists them", param_hint="--use")
    chosen = choices[number - 1]
    others = choices[1:] if asked.by_example and asked.use is None else []
    return _offer(resources, document, chosen, others, accept=accept, as_json=as_json)


def _choices(resources: "Resources", document: "Document", asked: _Asked) -> list[_Choice]:
    """Return the readings that the options name: that of a file, those that agree with what is shown, or for
    --likeliest all to choose from.
    """
    from swatchbook_teach.lessons import open_lesson, preview_reading, propose_likeliest
    from swatchbook_teach.offered_readings import offer_readings
    from swatchbook_teach.reading_files import read_reading
    from swatchbook_teach.shown_words import propose

    lesson = open_lesson(resources, document)
    if asked.reading is not None:
        proposal = preview_reading(resources, lesson, read_reading(asked.reading, document))
        return [_Choice(proposal, asked.reading.name)]
    if asked.by_example:
        proposed = propose(resources, document, asked.shown, asked.wrong)
        return [_Choice(each, "as shown") for each in proposed]
    offers = offer_readings(resources, lesson)
    return [
        *(_Choice(each.proposal, f"looks alike: {each.name}") for each in offers),
        *(_Choice(each, "likeliest") for each in propose_likeliest(resources, lesson)),
    ]


def _list_choices(resources: "Resources", document: "Document", choices: "Sequence[_Choice]", *, as_json: bool) -> int:
    if as_json:
        say_json([_as_dict(resources, document, each) for each in choices])
        return 0
    if not choices:
        note(f"{document.name}: no reading is likely. Show a name: --page 5 --name TEXT.")
        return 0
    rows = table(
        "use",
        "reading",
        "probability",
        "products",
        "lost",
        "pages",
        "names",
        right=("use", "probability", "products", "lost"),
    )
    for number, each in enumerate(choices, start=1):
        found = each.proposal
        rows.add_row(
            cell(number), cell(each.source, "bold"), cell(f"{found.probability:.2f}"), cell(found.products),
            cell(len(found.lost)), cell(page_numbers(found.pages)), cell(", ".join(_first_names(found))),
        )  # fmt: skip
    out().print(rows)
    note(f"To see one: swatchbook teach {document.id[:8]} --use 1{owner_flag(document.owner)}")
    return 0


def _first_names(proposal: "Proposal", count: int = 4) -> list[str]:
    names = list(dict.fromkeys(each.name for each in proposal.names))
    return [*names[:count], "…"] if len(names) > count else names


def _offer(
    resources: "Resources",
    document: "Document",
    chosen: _Choice,
    others: "Sequence[_Choice]",
    *,
    accept: bool,
    as_json: bool,
) -> int:
    """Print what a reading would find, and what others, and accept it if the person agrees; return the exit code."""
    from swatchbook_teach.kept_readings import accept_reading
    from swatchbook_teach.lessons import count_products, summarize_other

    summaries = [summarize_other(chosen.proposal, each.proposal) for each in others]
    if not as_json:
        out().print(draw_proposal(chosen.proposal, document, now=count_products(resources, document.id)))
        out().print(draw_others(summaries), end="")
    listed = [{"use": number, **dict(each)} for number, each in enumerate(summaries, start=2)]
    shown = {**_as_dict(resources, document, chosen), "others": listed}
    asks = not (accept or as_json) and sys.stdin.isatty()
    if not (typer.confirm("Read all pages so?", err=True) if asks else accept):
        if as_json:
            say_json({**shown, "accepted": None, "reports": []})
        else:
            take = " To take another one, add --use N." if others else ""
            note(f"Nothing has changed. To accept it, add --accept.{take}")
        return 0
    kept = accept_reading(resources.ledger, document.id, chosen.proposal.reading, by=login_name())
    reports, code = _ingest_again(resources, document, quiet=as_json)
    if as_json:
        say_json({**shown, "accepted": kept, "reports": reports})
    else:
        note(f"To take it back: swatchbook teach {document.id[:8]} --undo{owner_flag(document.owner)}")
    return code


def _undo(resources: "Resources", document: "Document", *, as_json: bool) -> int:
    from swatchbook_teach.kept_readings import undo_reading

    undone = undo_reading(resources.ledger, document.id, by=login_name())
    reports, code = _ingest_again(resources, document, quiet=as_json)
    if as_json:
        say_json({"undone": undone, "reports": reports})
    return code


def _ingest_again(resources: "Resources", document: "Document", *, quiet: bool) -> "tuple[list[RunReport], int]":
    """Process the document, unless it was accepted already and is complete; return the reports and the exit code."""
    from swatchbook.doors.cli.ingest import resume
    from swatchbook.store.ledger.stored_documents import get_document
    from swatchbook.upkeep.queue_again import is_current

    now = get_document(resources.ledger, document.id)
    if is_current(resources, now):
        note(f"{now.name} is read so already.")
        return [], 0
    reports, code = resume(resources, [now], quiet=quiet)
    return reports, code


def _as_dict(resources: "Resources", document: "Document", chosen: _Choice) -> "dict[str, object]":
    from swatchbook_teach.lessons import count_products

    return {
        "document": document.id,
        "source": chosen.source,
        "products_now": count_products(resources, document.id),
        "proposal": chosen.proposal,
    }


def draw_proposal(proposal: "Proposal", document: "Document", *, now: int) -> RenderableType:
    """Return how many products there would be, on which pages, what would be lost, and the names least sure."""
    from swatchbook_teach.rule_words import describe_changes

    parts: list[RenderableType] = [
        Text.assemble(
            (clean(document.name), "bold"),
            f"  {plural(now, 'product')} now → {proposal.products:,}, on pages {page_numbers(proposal.pages) or '–'}",
        )
    ]
    parts += _rules(proposal)
    for change in describe_changes(proposal.pictures):
        on_pages = f": page{'s' if len(change.pages) > 1 else ''} {page_numbers(change.pages)}" if change.pages else ""
        parts.append(Text(f"{change.words}{on_pages}", "yellow" if change.alert else ""))
    if proposal.lost:
        named = [f"{clean(name)} ({page})" for name, page in proposal.lost[:_MOST_LOST]]
        more = f" and {len(proposal.lost) - _MOST_LOST:,} more" if len(proposal.lost) > _MOST_LOST else ""
        parts.append(Text(f"lost: {', '.join(named)}{more}", "yellow"))
    facts = [name for name, count in (("code", proposal.coded), ("price", proposal.priced)) if count]
    rows = table("page", "least sure", "probability", *facts, "", right=("page", "probability", "price"))
    for each in proposal.unsure:
        rows.add_row(
            cell(each.page),
            cell(each.name, "bold"),
            cell(f"{each.probability:.2f}"),
            *(cell(getattr(each, name)) for name in facts),
            cell("new" if each.new else "", "green"),
        )
    of_texts = proposal.reading.names_are_taught or proposal.reading.facts_are_taught
    return Group(*parts, *([rows] if proposal.unsure and (of_texts or proposal.pictures is None) else []))


def _rules(proposal: "Proposal") -> "Iterator[Text]":
    """Yield the rules of a reading, and how many products get a code or price as taught."""
    from swatchbook_teach.rule_words import describe_reading

    rules = describe_reading(proposal.reading)
    counts = {"names": 0, "not": 0, "codes": proposal.coded, "prices": proposal.priced, "pictures": 0}
    for kind, count in counts.items():
        of_kind = [each.words for each in rules if each.kind == kind]
        if kind in ("codes", "prices") and (count or of_kind):
            yield Text(f"{kind}: {count:,} of {plural(proposal.products, 'product')}")
        yield from (Text(f"{kind}: {clean(words)}", "dim") for words in of_kind)


def draw_others(others: "Sequence[OtherReading]") -> RenderableType:
    """Return a line for each other reading, with its number for --use."""
    lines = list[Text]()
    for number, each in enumerate(others, start=2):
        apart = (("more", each.more, each.names[: each.more]), ("fewer", each.fewer, each.lacks))
        told = [f"{count:,} {what}: {_listed(names, count)}" for what, count, names in apart if count]
        words = "; ".join(told) or f"such as {_listed(each.names, each.products)}"
        begin = "Or:" if number == 2 else "   "
        lines.append(
            Text.assemble(f"{begin} ", (f"{number})", "bold"), f" {plural(each.products, 'product')}, {words}")
        )
    return Group(*lines)


def _listed(names: "Sequence[str]", count: int) -> str:
    return ", ".join(map(clean, names)) + (" …" if count > len(names) else "")


@app.command(rich_help_panel="Everyday")
def readings(
    document: Annotated[
        str | None,
        typer.Argument(
            metavar="[DOCUMENT]", help="Document id, unique id prefix, or file name; all that are taught by default."
        ),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the reading in use as YAML; needs DOCUMENT.")
    ] = None,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """List the taught readings in use, or all that DOCUMENT had; export one."""
    if export is not None and document is None:
        raise typer.BadParameter("whose reading? Name a DOCUMENT", param_hint="--export")
    with opened_resources() as resources:
        from swatchbook_teach.kept_readings import list_readings

        whose = choose_owner(resources.ledger, owner, all_owners)
        row = choose_document(resources.ledger, document, whose) if document is not None else None
        kept = list_readings(resources.ledger, owner=whose, document=None if row is None else row.id)
        if export is not None and row is not None:
            _export(row, export)
        listed = kept if row else [each for each in kept if each.in_use]
        if as_json:
            say_json(listed)
        elif export is None and not listed:
            note("No reading was taught. Show a name: swatchbook teach DOCUMENT --page 5 --name TEXT")
        elif export is None:
            out().print(draw_readings(listed, now=resources.ledger.now(), owners=all_owners))


def _export(document: "Document", to: Path) -> None:
    from swatchbook.domain.errors import InvalidReference
    from swatchbook_teach.lessons import in_use
    from swatchbook_teach.reading_files import write_reading

    taught = in_use(document)
    if taught is None:
        raise InvalidReference(
            f"{document.name} has no taught reading.",
            advice=f"Teach it first: swatchbook teach {document.id[:8]} --page 5 --name TEXT",
        )
    write_reading(taught, document, to)
    note(f"The reading of {document.name} → {to}")


def draw_readings(kept: "Sequence[KeptReading]", *, now: float, owners: bool) -> RenderableType:
    """Return the readings as a table. `owners`: of several owners."""
    whose = ("owner",) if owners else ()
    rows = table("document", "name", *whose, "number", "by", "accepted", "state", right=("number",))
    for each in kept:
        undone = f"undone by {each.undone_by}" if each.undone_at is not None else "replaced"
        rows.add_row(
            cell(each.document[:8], "dim"), cell(each.name, "bold"), *((cell(each.owner),) if owners else ()),
            cell(each.number), cell(each.by or None),
            cell(f"{duration(max(0.0, now - each.at))} ago"),
            cell("in use", "green") if each.in_use else cell(undone, "dim"),
        )  # fmt: skip
    return rows
