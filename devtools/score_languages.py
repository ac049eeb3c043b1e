"""Measure how much of what a text means is told apart from its language by multilingual-e5-small: questions in ten
languages to texts in ten, without and with the directions removed in which languages differ (found on parallel texts).

    python -m devtools.score_languages
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swatchbook.models.e5 import E5

TRUTH = Path("tests/truth")
Matrix = NDArray[np.float32]


def main() -> None:
    """Print for each number of directions: first right, among three, the same for questions in the text's language."""
    texts, parallel = _lines(TRUTH / "languages/items.jsonl"), _lines(TRUTH / "languages/parallel.jsonl")
    asked = [each for each in _lines(TRUTH / "questions/languages.jsonl") if each.get("products")]
    model = E5()  # both sides as questions: they are alike, while a passage is longer
    passages = model.embed([f"{each['title']}. {each['description']}" for each in texts], "query")
    questions = model.embed([each["text"] for each in asked], "query")
    by_language = np.stack([model.embed([each[name] for each in parallel], "query") for name in parallel[0]])
    middle = by_language.mean(axis=(0, 1))
    _, _, directions = np.linalg.svd(by_language.mean(axis=1) - middle, full_matrices=False)
    titles = [each["title"] for each in texts]
    right = np.array([titles.index(each["products"][0]) for each in asked])
    same = np.array([len(set(each["languages"])) == 1 for each in asked])
    for count in range(len(directions)):
        removed = directions[:count]
        cosines = _without(questions - middle, removed) @ _without(passages - middle, removed).T
        rank = (cosines > cosines[np.arange(len(right)), right][:, None]).sum(axis=1)
        shown = (rank == 0).mean(), (rank < 3).mean(), (rank == 0)[same].mean(), (rank == 0)[~same].mean()
        sys.stdout.write(f"{count:3} directions removed: " + " ".join(f"{each:.3f}" for each in shown) + "\n")


def _without(vectors: Matrix, directions: Matrix) -> Matrix:
    rest: Matrix = vectors - (vectors @ directions.T) @ directions
    return rest / np.linalg.norm(rest, axis=1, keepdims=True)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


if __name__ == "__main__":
    main()
