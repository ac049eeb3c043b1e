"""Compare what weights find in each labelled document with the best kept of earlier ones, and name what is lost.

`tests/truth/fitted.json` keeps three figures of each document, all F1 by the measured features:

- `best`: of the best group that exists, whatever is chosen. It falls when the names of a group are split or joined;
- `left_out`: of what weights say that were fitted on the other documents;
- `shipped`: of what the weights in use say.

A figure only rises: one that falls by more than 0.1 is a loss, until it is accepted with a reason.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from devtools.fit_sure import f1_of_likely
from devtools.measured_groups import Decision, Measured

FITTED: Final = Path("tests/truth/fitted.json")
LOSS: Final = 0.1
"""The largest F1 that a document may lose unsaid."""

Figures = dict[str, dict[str, float]]
"""Name of a document -> its figures by name."""


class Accepted(NamedTuple):
    """A loss that a person has accepted."""

    document: str
    figure: str
    before: float
    after: float
    reason: str


class Fitted(NamedTuple):
    """The figures that are kept, and the losses that were accepted."""

    figures: Figures
    accepted: list[Accepted]


class Loss(NamedTuple):
    """A figure of a document that fell by more than `LOSS`."""

    document: str
    figure: str
    before: float
    after: float

    def __str__(self) -> str:
        return f"{self.document}: {self.figure} {self.before:.2f} → {self.after:.2f}"


def read_fitted(path: Path) -> Fitted:
    """Return what is kept of earlier weights; nothing without the file."""
    if not path.exists():
        return Fitted({}, [])
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Fitted(kept["documents"], [Accepted(**each) for each in kept["accepted"]])


def keep_fitted(fitted: Fitted, path: Path) -> None:
    """Write the figures, one document a line."""
    rows = [f"    {json.dumps(name)}: {json.dumps(fitted.figures[name])}" for name in sorted(fitted.figures)]
    accepted = ",\n".join(f"    {json.dumps(each._asdict(), ensure_ascii=False)}" for each in fitted.accepted)
    documents = ",\n".join(rows)
    text = f'{{\n  "accepted": [\n{accepted}\n  ],\n  "documents": {{\n{documents}\n  }}\n}}\n'
    path.write_text(text, encoding="utf-8")


def best_groups(documents: Sequence[Measured]) -> Figures:
    """Return the F1 of the best group of each document."""
    return {d.name: {"best": round(max(d.f1, default=0.0), 3)} for d in documents}


def said(figure: str, decisions: Sequence[Decision], names: Mapping[str, Sequence[float]]) -> Figures:
    """Return the F1 of what is said of each document. `names`: name of a document -> probabilities of its names."""
    return {d.name: {figure: round(f1_of_likely(d, names[d.name]), 3)} for d in decisions}


def merge(*parts: Figures) -> Figures:
    """Return the figures of several parts together."""
    merged: Figures = {}
    for part in parts:
        for name, figures in part.items():
            merged.setdefault(name, {}).update(figures)
    return merged


def find_losses(before: Figures, after: Figures) -> list[Loss]:
    """Return what fell by more than `LOSS`, the largest loss first; what only one of them has is no loss."""
    return sorted(_losses(before, after), key=lambda loss: (loss.after - loss.before, loss.document, loss.figure))


def _losses(before: Figures, after: Figures) -> Iterator[Loss]:
    for name, figures in before.items():
        for figure, value in figures.items():
            now = after.get(name, {}).get(figure)
            if now is not None and now < value - LOSS - 1e-9:
                yield Loss(name, figure, value, now)


def accept(fitted: Fitted, losses: Sequence[Loss], document: str, reason: str) -> Fitted:
    """Return what is kept after the losses of a document were accepted: its figures may rise again from there."""
    mine = [loss for loss in losses if loss.document == document]
    figures = fitted.figures | {document: fitted.figures[document] | {loss.figure: loss.after for loss in mine}}
    return Fitted(figures, [*fitted.accepted, *(Accepted(*loss, reason) for loss in mine)])


def raise_figures(fitted: Fitted, after: Figures) -> Fitted:
    """Return what is kept with the figures that rose, and those of new documents; without those of removed ones."""
    figures = {
        name: {figure: max(value, fitted.figures.get(name, {}).get(figure, value)) for figure, value in now.items()}
        for name, now in after.items()
    }
    return Fitted(figures, fitted.accepted)
