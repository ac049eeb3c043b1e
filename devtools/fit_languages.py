"""Find the directions in which vectors of multilingual-e5-small differ by language, not by meaning, and measure what
removing them does to questions in ten languages about texts in ten.

    python -m devtools.fit_languages [--write]

The directions come from sentences in sixteen languages that say the same, one a line of tests/truth/languages; what is
asked and the texts are others. How far a direction is removed was chosen on one half of the questions.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swatchbook.search.relevance import UNRELATED, measure
from swatchbook_base.e5 import E5, LANGUAGES, remove_languages

TRUTH = Path("tests/truth")
TRIED = [(strength, share) for strength in (4e-3, 2e-3, 1e-3) for share in (1.0, 0.9, 0.8, 0.6)]
CHOSEN = (4e-3, 0.8)
"""A direction is removed by v / (v + strength), v the variance of the languages in it. And how much is removed of the
middle of all texts: what is left of it tells questions about other things from those about goods.
"""

NONSENSE = 0.9
"""Share of the questions about other things that are refused, where it is counted how many good ones are."""

Matrix = NDArray[np.float32]


class Unchanged(E5):
    """The model as it is published."""

    def finish(self, vectors: Matrix) -> Matrix:
        """Return the vectors."""
        return vectors


def main() -> None:
    """Print the table, and store the directions if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    model, parallel = Unchanged(), _lines(TRUTH / "languages/parallel.jsonl")
    by_language = np.stack([model.embed([each[name] for each in parallel]) for name in parallel[0]])
    texts, asked = _lines(TRUTH / "languages/items.jsonl"), _lines(TRUTH / "questions/languages.jsonl")
    passages = model.embed([f"{each['title']}. {each['description']}" for each in texts])
    questions, unrelated = model.embed([each["text"] for each in asked]), model.embed(UNRELATED)
    titles = [each["title"] for each in texts]
    right = np.array([titles.index(each["products"][0]) if each.get("products") else -1 for each in asked])
    same = np.array([len(set(each.get("languages", ()))) == 1 for each in asked])
    half = np.array([hashlib.sha256(each["text"].encode()).digest()[0] % 2 == 0 for each in asked])
    sys.stdout.write("first right, in the first three, refused: half chosen on; other half; same language; another\n")
    for tried in (None, *TRIED):
        removed = np.zeros((1, passages.shape[1]), np.float32) if tried is None else directions(by_language, *tried)
        p, q, u = (remove_languages(each, removed) for each in (passages, questions, unrelated))
        cosines = q @ p.T
        rank = (cosines > cosines[np.arange(len(right)), right][:, None]).sum(axis=1)
        background = measure(p, u)
        close = np.array([background.closeness(float(each)) for each in cosines.max(axis=1)])
        refused = close < np.quantile(close[right < 0], NONSENSE)
        row = ["as published   " if tried is None else f"{tried[0]:g} {tried[1]:<10g}"]
        for some in (half, ~half, same, ~same):
            of = some & (right >= 0)
            row.append(f"{(rank[of] == 0).mean():.3f} {(rank[of] < 3).mean():.3f} {refused[of].mean():.3f}")
        sys.stdout.write("   ".join(row) + "\n")
    if given.write:
        np.save(LANGUAGES, directions(by_language, *CHOSEN), allow_pickle=False)
        sys.stdout.write(f"{hashlib.sha256(LANGUAGES.read_bytes()).hexdigest()[:8]} {LANGUAGES}\n")


def directions(by_language: Matrix, strength: float, share: float) -> Matrix:
    """Return what `remove_languages` takes, from the vectors of sentences (languages, sentences, 384): this share of
    their middle, then the directions.
    """
    middle = by_language.mean(axis=(0, 1))
    _, spread, found = np.linalg.svd(by_language.mean(axis=1) - middle, full_matrices=False)
    variance = spread**2 / len(by_language)
    scaled: Matrix = found * np.sqrt(variance / (variance + strength))[:, None]
    return np.concatenate([share * middle[None], scaled[:-1]]).astype(np.float32)  # of n languages, n - 1 directions


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
