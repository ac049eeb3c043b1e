"""Score what belongs to the names that the layout rules find in labelled PDFs: code, price, size, variants, category.

Usage: python -m devtools.score_facts LABELS PDFS [NAME…] [--keep FOLDER] [--errors]
LABELS holds NAME.json, PDFS NAME.pdf. Prints a Markdown table of right/wrong/missing values, a row for each document
with labels of them and one for all. `--keep` keeps what was read of each PDF for the next run; `--errors` names the
values. Only products whose names are found count: `devtools.score_products --given` measures the others, too.
"""

import argparse
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from devtools.evaluation.facts import FieldScore, add_fields
from devtools.evaluation.score import Score, score
from devtools.evaluation.truth import read_truths
from devtools.score_products import run_stages, score_each

FIELDS = {"code": "code", "price": "price", "dimensions": "size", "variants": "variants", "category": "category"}
"""Field of a score -> its column."""


def main() -> None:
    """Print the table, and with `--errors` the values that are missing or wrong."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--errors", action="store_true")
    given = parser.parse_intermixed_args()
    score_one = partial(_score, given.labels, given.pdfs, given.keep)
    scores = list(score_each(score_one, given.labels, given.pdfs, given.names))
    for line in table(scores):
        print(line)
    for one in scores if given.errors else ():
        for what, values in (("missing", one.facts.missed), ("wrong", one.facts.wrong)):
            for value in values:
                print(f"{one.slug} {what}: {value}")


def table(scores: Iterable[Score]) -> Iterator[str]:
    """Yield the lines of a Markdown table with right/wrong/missing values of each field by document, then of all."""
    yield f"| catalogue | {' | '.join(FIELDS.values())} |"
    yield f"| --- |{' ---: |' * len(FIELDS)}"
    rows = {one.slug: {each.field: each for each in one.facts.fields if each.field in FIELDS} for one in scores}
    rows = {slug: fields for slug, fields in rows.items() if fields}
    whole = {name: add_fields(name, [fields[name] for fields in rows.values() if name in fields]) for name in FIELDS}
    for slug, fields in [*rows.items(), ("all", whole)]:
        yield f"| {slug} | {' | '.join(_counts(fields.get(name)) for name in FIELDS)} |"


def _counts(field: FieldScore | None) -> str:
    return f"{field.right}/{field.said - field.right}/{field.labels - field.hits}" if field else "–"


def _score(labels: Path, pdfs: Path, keep: Path | None, name: str) -> Score:
    (truth,) = read_truths([labels / f"{name}.json"])
    return score(truth, run_stages(pdfs / f"{name}.pdf", keep=keep, facts=True))


if __name__ == "__main__":
    main()
