"""Make the leaderboard, `LEADERBOARD.md`, of the scores of all systems: a table for each split, and who was not run."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median
from typing import Final, Protocol

from benchmarks.catalogues.answers import Seen
from benchmarks.catalogues.scores import FIELDS, DocumentScore, SplitScore, SystemScore
from benchmarks.catalogues.splits import SPLITS, digest_of
from devtools.evaluation.facts import FieldScore, add_fields

HEAD: Final = """\
# Leaderboard: reading catalogues

Made by `python -m benchmarks.catalogues table`; what the figures mean: [DATASHEET.md](DATASHEET.md). F1 is of the names
of products in each catalogue. Prices and codes are pooled over the found products, and so are pictures. A catalogue
without an answer counts as zero. **Only rows whose documents were "unseen" predict yours**; "compared" is a little too
good.
"""

WHAT_SEEN: Final[Mapping[Seen, str]] = {
    "unseen": "unseen",
    "compared": "compared: a variant was chosen on them",
    "left out": "left out: fitted on the others, but seen by its authors",
    "tuned": "**tuned on these**",
}

ABOUT: Final[Mapping[str, str]] = {
    "aside": "No rule was written and nothing was fitted on these.",
    "tuning": "Rules may be written and parameters fitted on these: such figures are a guard, and predict nothing.",
}

_COLUMNS: Final = (
    ("system", "---"),
    ("had met these documents", "---"),
    ("F1: median", "---:"),
    ("mean", "---:"),
    ("floor", "---:"),
    ("at zero", "---:"),
    ("precision, recall of names", "---:"),
    ("prices", "---:"),
    ("codes", "---:"),
    ("pictures", "---:"),
    ("other documents without products", "---:"),
    ("answered", "---:"),
)


def make_board(systems: Sequence[SystemScore]) -> str:
    """Return the leaderboard as Markdown, the best median first."""
    parts = [HEAD]
    for split in reversed(SPLITS):
        rows = [(one, one.splits[split]) for one in systems if split in one.splits]
        if rows:
            parts += [f"\n## {split.capitalize()}\n\n{ABOUT[split]}\n\n", *_table(rows, split)]
    return "".join([*parts, *systems_table(systems)])


class Described(Protocol):
    """What any benchmark knows of a system."""

    @property
    def system(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def not_run(self) -> str | None: ...


def systems_table(systems: Iterable[Described]) -> Iterable[str]:
    """Yield the table of what each system is, and why it was not run."""
    yield "\n## Systems\n\n| system | version | what it is |\n| --- | --- | --- |\n"
    yield from (f"| {one.system} | {one.version or '–'} | {_about(one)} |\n" for one in systems)


def _about(one: Described) -> str:
    text = one.about.replace("|", "\\|")
    return f"{text} **Not run: {one.not_run}**" if one.not_run else text


def _table(rows: Sequence[tuple[SystemScore, SplitScore]], split: str) -> Iterable[str]:
    yield "| " + " | ".join(name for name, _ in _COLUMNS) + " |\n"
    yield "| " + " | ".join(line for _, line in _COLUMNS) + " |\n"
    for one, found in sorted(rows, key=lambda row: (-_f1(row[1])[0], row[0].system)):
        yield "| " + " | ".join([one.system, *_cells(found, digest_of(split))]) + " |\n"


def _cells(found: SplitScore, labels: str) -> list[str]:
    every = list(found.documents.values())
    catalogues = [one for one in every if one.products]
    others = [one for one in every if not one.products]
    f1 = [one.f1 for one in catalogues]
    silent = sum(one.answered and not one.said for one in others)
    stale = "" if found.labels == labels else " (the labels have changed since)"
    return [
        WHAT_SEEN[found.seen] + stale,
        *(f"{share:.2f}" for share in _f1(found)),
        f"{sum(not share for share in f1)} of {len(f1)}",
        _names(catalogues),
        *(_rates(add_fields(name, _fields(every, name))) for name in FIELDS),
        _rates(_pictures(every)),
        f"{silent} of {len(others)}" if others else "–",
        f"{sum(one.answered for one in every)} of {len(every)}",
    ]


def _f1(found: SplitScore) -> tuple[float, float, float]:
    """Return median, mean and floor of the F1 of catalogues."""
    f1 = [one.f1 for one in found.documents.values() if one.products] or [0.0]
    return median(f1), mean(f1), min(f1)


def _names(catalogues: Sequence[DocumentScore]) -> str:
    """Return the mean precision of catalogues of which something is said, and the mean recall of all."""
    precision = [one.precision for one in catalogues if one.said]
    recall = mean(one.recall for one in catalogues) if catalogues else 0.0
    return f"{mean(precision):.2f}, {recall:.2f}" if precision else f"–, {recall:.2f}"


def _fields(documents: Iterable[DocumentScore], name: str) -> list[FieldScore]:
    return [field for one in documents for field in one.fields if field.field == name]


def _pictures(documents: Iterable[DocumentScore]) -> FieldScore:
    counts = [(d.pictures, d.pictures_hit, d.pictures_judged, d.pictures_right) for d in documents]
    labels, hits, said, right = map(sum, zip(*counts, strict=True))
    return FieldScore(field="pictures", labels=labels, hits=hits, said=said, right=right)


def _rates(field: FieldScore) -> str:
    """Return precision and recall, and of how many labels."""
    shares = ("–" if share is None else f"{share:.2f}" for share in (field.precision, field.recall))
    return "{}, {} of {}".format(*shares, field.labels)
