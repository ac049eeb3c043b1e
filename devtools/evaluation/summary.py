"""The scores of several documents together: floor, median and mean of those that are catalogues, the others apart; and,
by name, what was won and lost since an earlier evaluation.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, median

from devtools.evaluation.facts import FieldScore, add_fields
from devtools.evaluation.grain import GrainScore, add_grains
from devtools.evaluation.score import Score
from devtools.fit_sure import brier, calibration_error
from devtools.json_record import read_record
from swatchbook.domain.records import Record

MOST_ON_OTHERS = 1
"""A document that is no catalogue should have at most this many products."""


class Shares(Record):
    """A share that is measured of each document: the least, the median and the mean; None of nothing."""

    floor: float | None
    median: float | None
    mean: float | None


class FactSummary(Record):
    """The metadata of found products in `catalogues` that label it: all values together, by field, and by catalogue."""

    catalogues: int
    total: FieldScore
    fields: tuple[FieldScore, ...]
    precision: Shares
    recall: Shares


class Summary(Record):
    """The scores of all catalogues, and how many products were found in other documents.

    Precision, recall and the figures of links are of all products and links together; `given_product_…` and `roles`
    of each catalogue. None: nothing to measure.
    """

    catalogues: int
    f1_floor: float | None
    f1_median: float | None
    f1_mean: float | None
    at_zero: tuple[str, ...]
    precision: float | None
    recall: float | None
    link_precision: float | None
    link_recall: float | None
    link_recall_of_found: float | None
    facts: FactSummary | None
    grain: GrainScore
    given_product_precision: Shares
    given_product_recall: Shares
    roles: Shares
    others: int
    others_with_products: tuple[str, ...]  # with more than MOST_ON_OTHERS
    sure_error: float | None = None  # how far `sure` is from the truth by document: calibration error in ten bins
    sure_brier: float | None = None  # the same as mean squared difference


class Change(Record):
    """What differs for a document: labelled products found now (`won`) or no longer (`lost`), names that are wrong now
    (`newly_wrong`) or no longer (`no_longer_wrong`), and labelled pictures linked, and values said, now or no longer.
    """

    slug: str
    f1_before: float
    f1: float
    won: tuple[str, ...]
    lost: tuple[str, ...]
    newly_wrong: tuple[str, ...]
    no_longer_wrong: tuple[str, ...]
    links_won: tuple[str, ...]
    links_lost: tuple[str, ...]
    facts_won: tuple[str, ...]
    facts_lost: tuple[str, ...]


class Evaluation(Record):
    """The scores of documents, best last, and of all together. `absent`: those whose document is not here.

    `changes`: against an earlier evaluation, if there is one.
    """

    scores: tuple[Score, ...]
    summary: Summary
    absent: tuple[str, ...] = ()
    changes: tuple[Change, ...] | None = None


def read_evaluation(file: Path) -> Evaluation:
    """Return an evaluation that was printed as JSON. Raises InvalidReference."""
    return read_record(Evaluation, file, advice="`python -m devtools.score_products … --json` prints one.")


def evaluate(scores: Sequence[Score], *, absent: Sequence[str] = (), before: Evaluation | None = None) -> Evaluation:
    """Return the scores with their summary, and with what changed since `before`."""
    return Evaluation(
        scores=tuple(sorted(scores, key=lambda each: (not each.is_catalogue, each.f1, each.slug))),
        summary=summarise(scores),
        absent=tuple(absent),
        changes=None if before is None else compare(before.scores, scores),
    )


def summarise(scores: Sequence[Score]) -> Summary:
    """Return the summary of scores."""
    catalogues = [each for each in scores if each.is_catalogue]
    others = [each for each in scores if not each.is_catalogue]
    f1 = [each.f1 for each in catalogues]
    found = sum(len(each.found) for each in catalogues)
    links = [each.links for each in catalogues]
    hits = sum(each.hits for each in links)
    complete = [each for each in links if each.complete]
    sure = [(each.sure, each.is_good) for each in scores if each.sure is not None]
    return Summary(
        catalogues=len(catalogues),
        f1_floor=min(f1, default=None),
        f1_median=median(f1) if f1 else None,
        f1_mean=mean(f1) if f1 else None,
        at_zero=tuple(each.slug for each in catalogues if not each.f1),
        precision=_ratio(found, sum(each.said - each.neutral for each in catalogues)),
        recall=_ratio(found, sum(each.products for each in catalogues)),
        link_precision=_ratio(sum(each.right for each in complete), sum(each.said for each in complete)),
        link_recall=_ratio(hits, sum(each.labels for each in links)),
        link_recall_of_found=_ratio(hits, sum(each.labels_of_found for each in links)),
        facts=_summarise_facts(catalogues),
        grain=add_grains(each.grain for each in catalogues),
        given_product_precision=_shares(each.precision_of_found for each in links),
        given_product_recall=_shares(each.recall_of_found for each in links),
        roles=_shares(each.right_roles for each in links),
        others=len(others),
        others_with_products=tuple(f"{each.slug}: {each.said}" for each in others if each.said > MOST_ON_OTHERS),
        sure_error=calibration_error(sure) if sure else None,
        sure_brier=brier(sure) if sure else None,
    )


def _summarise_facts(scores: Sequence[Score]) -> FactSummary | None:
    described = [each.facts for each in scores if each.facts.products]
    if not described:
        return None
    by_field = defaultdict[str, list[FieldScore]](list)
    for facts in described:
        for field in facts.fields:
            by_field[field.field].append(field)
    totals = [facts.total for facts in described]
    return FactSummary(
        catalogues=len(described),
        total=add_fields("all", totals),
        fields=tuple(add_fields(name, by_field[name]) for name in sorted(by_field)),
        precision=_shares(total.precision for total in totals),
        recall=_shares(total.recall for total in totals),
    )


def compare(before: Sequence[Score], after: Sequence[Score]) -> tuple[Change, ...]:
    """Return a change for each document that is in both and differs. Labels that only one of them has do not count."""
    old = {each.sha256: each for each in before}
    changes = (_change(old[each.sha256], each) for each in after if each.sha256 in old)
    return tuple(
        change for change in changes if any((*change.model_dump(exclude={"slug", "f1", "f1_before"}).values(),))
    )


def _change(before: Score, after: Score) -> Change:
    return Change(
        slug=after.slug,
        f1_before=before.f1,
        f1=after.f1,
        won=_in_both(before.missed, after.found),
        lost=_in_both(before.found, after.missed),
        newly_wrong=_only_in_first(after.wrong, before.wrong),
        no_longer_wrong=_only_in_first(before.wrong, after.wrong),
        links_won=_in_both(before.links.missed, after.links.hit),
        links_lost=_in_both(before.links.hit, after.links.missed),
        facts_won=_in_both(before.facts.missed, after.facts.hit),
        facts_lost=_in_both(before.facts.hit, after.facts.missed),
    )


def _in_both(a: Sequence[str], b: Sequence[str]) -> tuple[str, ...]:
    return tuple((Counter(a) & Counter(b)).elements())


def _only_in_first(a: Sequence[str], b: Sequence[str]) -> tuple[str, ...]:
    return tuple((Counter(a) - Counter(b)).elements())


def _shares(values: Iterable[float | None]) -> Shares:
    known = [value for value in values if value is not None]
    if not known:
        return Shares(floor=None, median=None, mean=None)
    return Shares(floor=min(known), median=median(known), mean=mean(known))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
