"""`swatchbook fit`: fit the weights that choose names to the taught documents of a collection, and use or drop them."""

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from interface.cli.shared_arguments import Json, OwnerName, choose_one_owner, login_name, opened_resources
from interface.cli.terminal import cell, duration, note, out, owner_flag, plural, say_json, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swatchbook.pipeline.fit import Fit, Learnt
    from swatchbook.records import FittedWeights
    from swatchbook.resources import Resources


def fit(
    use: Annotated[bool, typer.Option("--use", help="Use the weights though they are not better.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how they would do.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Read new documents by the shipped weights again.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the weights that were fitted before.")] = False,
    lessons: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Only write what the documents tell as JSON: numbers, no text and no picture."
        ),
    ] = None,
    owner: OwnerName = None,
    as_json: Json = False,
) -> None:
    """Fit how names are found in your next catalogues to those that you taught.

    Fits the weights of the layout rules to the documents whose names you taught, or corrected here and there
    until nothing was left to look at, and judges them on each of these by weights that do not know it. They are used
    for new documents if that is better, or with --use; documents that are here keep theirs.
    """
    if sum((use, dry_run, off, listed, lessons is not None)) > 1:
        raise typer.BadParameter("give one of --use, --dry-run, --off, --list and --lessons", param_hint="--use")
    with opened_resources() as resources:
        whose = choose_one_owner(resources.ledger, owner)
        if off:
            _turn_off(resources, whose, as_json=as_json)
        elif listed:
            _list(resources, whose, as_json=as_json)
        elif lessons is not None:
            _write_lessons(resources, whose, lessons, as_json=as_json)
        else:
            _fit(resources, whose, use=use, dry_run=dry_run, as_json=as_json)


def _write_lessons(resources: "Resources", owner: str, to: Path, *, as_json: bool) -> None:
    from swatchbook.pipeline.fit import collect_lessons, write_lessons

    learnt = collect_lessons(resources, owner)
    write_lessons(learnt.lessons, to)
    if as_json:
        say_json({"lessons": [document.id for document in learnt.documents], "file": str(to)})
    else:
        note(f"{plural(len(learnt.lessons), 'lesson')} → {to}")


def _fit(resources: "Resources", owner: str, *, use: bool, dry_run: bool, as_json: bool) -> None:
    from swatchbook.pipeline.fit import collect_lessons, fit_lessons, use_fit

    learnt = collect_lessons(resources, owner)
    found = fit_lessons(learnt)
    used = None
    if not dry_run and (use or found.is_better):
        used = use_fit(resources, owner, found, by=login_name())
    if as_json:
        say_json({**_as_dict(learnt, found), "used": used})
        return
    out().print(draw_left_out(learnt, found))
    for document in learnt.silent:
        note(f"{document.name} tells nothing: its names are no texts of one kind.")
    if used:
        note(f"New documents are read by weights {used.id}. To go back: swatchbook fit --off{owner_flag(owner)}")
    elif dry_run or found.is_better:
        note("Nothing has changed.")
    else:
        note("They are not better, so that nothing has changed. To use them all the same, add --use.")


def _as_dict(learnt: "Learnt", found: "Fit") -> "dict[str, object]":
    return {
        "weights": found.id,
        "shipped": round(found.shipped, 3),
        "fitted": round(found.fitted, 3),
        "gain": round(found.gain, 3),
        "better": found.is_better,
        "left_out": found.left_out,
        "silent": [document.id for document in learnt.silent],
    }


def draw_left_out(learnt: "Learnt", found: "Fit") -> RenderableType:
    """Return the F1 of each taught document by the shipped weights and by those that do not know it, and the means."""
    figures = ("F1 shipped", "F1 fitted", "expected", "expected fitted")
    rows = table("document", "name", *figures, right=figures)
    for document, each in zip(learnt.documents, found.left_out, strict=True):
        better, worse = (each.expected_fitted > each.expected_shipped, each.fitted < each.shipped)
        style = "yellow" if worse else "green" if better else ""
        rows.add_row(
            cell(document.id[:8], "dim"), cell(document.name, "bold"), cell(f"{each.shipped:.2f}"),
            cell(f"{each.fitted:.2f}", style), cell(f"{each.expected_shipped:.2f}"),
            cell(f"{each.expected_fitted:.2f}", style),
        )  # fmt: skip
    means = (
        fmean(getattr(each, which) for each in found.left_out)
        for which in ("shipped", "fitted", "expected_shipped", "expected_fitted")
    )
    rows.add_row(cell(""), cell("mean"), *(cell(f"{mean:.3f}") for mean in means))
    return rows


def _turn_off(resources: "Resources", owner: str, *, as_json: bool) -> None:
    from swatchbook.ledger.fitted_weights import turn_off

    turned_off = turn_off(resources.ledger, owner, by=login_name())
    if as_json:
        say_json({"off": turned_off})
    else:
        note("New documents are read by the shipped weights. Those that are here keep theirs until --force.")


def _list(resources: "Resources", owner: str, *, as_json: bool) -> None:
    from swatchbook.ledger.fitted_weights import list_weights

    known = list_weights(resources.ledger, owner)
    if as_json:
        say_json(known)
    elif known:
        out().print(draw_weights(known, now=resources.ledger.now()))
    else:
        note("No weights were fitted. Teach some catalogues, then: swatchbook fit")


def draw_weights(known: "Sequence[FittedWeights]", *, now: float) -> RenderableType:
    """Return fitted weights as a table, with the mean F1 of documents left out."""
    rows = table("weights", "lessons", "F1 shipped", "F1 fitted", "by", "fitted", "state", right=("lessons",))
    for each in known:
        shipped, fitted = (fmean(getattr(one, which) for one in each.left_out) for which in ("shipped", "fitted"))
        state = "in use" if each.in_use else f"off by {each.off_by}" if each.off_at is not None else "replaced"
        rows.add_row(
            cell(each.id, "bold"), cell(each.lessons), cell(f"{shipped:.3f}"), cell(f"{fitted:.3f}"), cell(each.by),
            cell(f"{duration(max(0.0, now - each.at))} ago"), cell(state, "green" if each.in_use else "dim"),
        )  # fmt: skip
    return rows


COMMANDS = {"Everyday": {"fit": fit}}
