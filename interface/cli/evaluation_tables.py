"""What `swatchbook evaluate products` prints, and its exit code."""

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.exit_status import COMPLETED, FAILED, OPEN
from interface.cli.terminal import cell, clean, facts, plural, table
from swatchbook.evaluation.facts import FieldScore
from swatchbook.evaluation.grain import GrainScore
from swatchbook.evaluation.summary import MOST_ON_OTHERS, Change, Evaluation, FactSummary, Shares, Summary


def exit_code(evaluation: Evaluation) -> int:
    """Return COMPLETED, OPEN if some documents are absent, FAILED if all are."""
    if not evaluation.scores:
        return FAILED
    return OPEN if evaluation.absent else COMPLETED


def draw_evaluation(evaluation: Evaluation) -> RenderableType:
    """Return a row for each document, the summary, and what changed."""
    numbers = ("found", "said", "other grain", "P", "R", "F1", "family F1", "pages", "links R", "links P", "trapped",
               "roles", "facts R", "facts P")  # fmt: skip
    rows = table("catalogue", *numbers, right=numbers)
    for one in evaluation.scores:
        rows.add_row(
            cell(one.slug, "bold"),
            cell(f"{len(one.found)} of {one.products}" if one.is_catalogue else "no catalogue"),
            cell(one.said),
            cell(one.neutral),
            *(_share(value) for value in (one.precision, one.recall, one.f1, one.family_f1, one.exact_pages)),
            *(_share(value) for value in (one.links.recall, one.links.precision)),
            cell(one.links.trapped),
            _share(one.links.right_roles),
            *(_share(value) for value in (one.facts.total.recall, one.facts.total.precision)),
        )
    parts: list[RenderableType] = [rows, draw_summary(evaluation.summary)]
    if evaluation.changes is not None:
        parts += [draw_change(change) for change in evaluation.changes] or [Text("Nothing changed.")]
    return Group(*parts)


def draw_summary(summary: Summary) -> RenderableType:
    """Return floor, median and mean of the catalogues, and how the others did."""
    lines: list[tuple[str, Text | str]] = []
    if summary.catalogues:
        zero = f" · at zero: {', '.join(summary.at_zero)}" if summary.at_zero else ""
        f1 = f"mean {summary.f1_mean:.2f} · median {summary.f1_median:.2f} · floor {summary.f1_floor:.2f}{zero}"
        lines += [
            (f"F1 of {plural(summary.catalogues, 'catalogue')}", clean(f1)),
            ("all products", f"precision {_text(summary.precision)} · recall {_text(summary.recall)}"),
            (
                "all links",
                f"precision {_text(summary.link_precision)} · recall {_text(summary.link_recall)} · "
                f"of found products {_text(summary.link_recall_of_found)}",
            ),
            (
                "given the product",
                f"precision {_spread(summary.given_product_precision)} · recall "
                f"{_spread(summary.given_product_recall)}",
            ),
            ("roles of pictures", _spread(summary.roles)),
        ]
    if summary.facts:
        lines += _facts(summary.facts)
    if summary.grain.in_family or summary.grain.variants:
        lines.append(("of found products", clean(_grain(summary.grain))))
    if summary.others:
        said = ", ".join(summary.others_with_products) or "none"
        lines.append((f"{plural(summary.others, 'other document')}", f"with more than {MOST_ON_OTHERS}: {clean(said)}"))
    return facts(lines)


def _facts(summary: FactSummary) -> list[tuple[str, str]]:
    """Return a line for metadata by catalogue, and one by field."""

    def rates(score: FieldScore) -> str:
        return f"precision {_text(score.precision)} · recall {_text(score.recall)}"

    by_catalogue = f"by catalogue: precision {_spread(summary.precision)} · recall {_spread(summary.recall)}"
    return [
        (f"metadata of {plural(summary.catalogues, 'catalogue')}", f"{rates(summary.total)} ({by_catalogue})"),
        *((f"  {clean(field.field)}", f"{rates(field)} of {field.labels}") for field in summary.fields),
    ]


def _grain(grain: GrainScore) -> str:
    """Return how many families and variants are right."""
    return (
        f"family right {grain.families_right} of {grain.in_family}, {grain.families_said} said · "
        f"variants right {grain.variants_right} of {grain.variants}, {grain.variants_said} said"
    )


def draw_change(change: Change) -> RenderableType:
    """Return a document's change: + what is better, - what is worse."""
    lines = [Text(clean(f"{change.slug}: F1 {change.f1_before:.2f} → {change.f1:.2f}"), "bold")]
    for sign, what, names, style in (
        ("+", "found", change.won, "green"),
        ("-", "missed", change.lost, "red"),
        ("+", "no longer wrong", change.no_longer_wrong, "green"),
        ("-", "wrong", change.newly_wrong, "red"),
        ("+", "linked", change.links_won, "green"),
        ("-", "not linked", change.links_lost, "red"),
        ("+", "said", change.facts_won, "green"),
        ("-", "not said", change.facts_lost, "red"),
    ):
        lines += [Text(clean(f"  {sign} {what}: {name}"), style) for name in names]
    return Group(*lines)


def _spread(shares: Shares) -> str:
    """Return the mean, median and floor over documents."""
    if shares.mean is None:
        return "not labelled"
    return f"mean {_text(shares.mean)}, median {_text(shares.median)}, floor {_text(shares.floor)}"


def _share(value: float | None) -> Text:
    return cell(_text(value))


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
