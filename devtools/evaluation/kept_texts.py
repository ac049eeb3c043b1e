"""Keep the texts of labelled catalogues as facts: places, traits and groups, with all words masked but the names.

`python -m devtools.evaluation.kept_texts LABELS PDFS KEEP NAME…` writes them to `tests/truth/teaching`, so that
teaching is measured without the PDFs, which belong to their makers.
"""

import gzip
import json
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from devtools.evaluation.person import Labelled, label_texts, read_labelled
from devtools.evaluation.truth import read_truths
from swatchbook_catalogue.choose_names import Choice
from swatchbook_catalogue.page_layout import PageLayout, Text
from swatchbook_catalogue.sections import DocumentLayout
from swatchbook_teach.learning.texts import DocumentTexts, PageText

FOLDER: Final = Path("tests/truth/teaching")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def mask(words: str) -> str:
    """Return other words of the same form: letters and digits stay such, capitals too; equal words stay equal."""
    return " ".join(map(_mask_word, words.split(" ")))


def _mask_word(word: str) -> str:
    drawn = sha256(word.casefold().encode()).digest() * (len(word) // 32 + 1)
    return "".join(_mask_sign(sign, number) for sign, number in zip(word, drawn, strict=False))


def _mask_sign(sign: str, number: int) -> str:
    if sign.isdigit():
        return str(number % 10)
    if not sign.isalpha():
        return sign
    letter = _LETTERS[number % 26]
    return letter.upper() if sign.isupper() else letter


def to_json(labelled: Labelled) -> dict[str, Any]:
    """Return the texts of a document as JSON can hold them."""
    texts = labelled.texts
    named = labelled.any_name.tolist()
    layouts = [[layout.number, layout.ocr] for layout in texts.document.layouts]
    return {
        "layouts": layouts,
        "texts": [
            [t.page, [round(v, 1) for v in t.box], _kept(t.text.text, keep=keep), _kept(t.name, keep=keep), t.text.size,
             t.text.bold, t.is_line, t.parent]
            for t, keep in zip(texts.texts, named, strict=True)
        ],
        "traits": {
            name: [mask(str(value)) for value in values] if name == "label" else list(values)
            for name, values in texts.traits.items()
        },
        "groups": {
            name: [texts.group_probabilities[name], np.flatnonzero(m).tolist()] for name, m in texts.groups.items()
        },
        "found": np.flatnonzero(texts.found).tolist(),
        "running": np.flatnonzero(texts.running).tolist(),
        "backing": [round(float(v), 4) for v in texts.backing],
        "picture": texts.picture.tolist(),
        "probability": texts.choice.probability if texts.choice else None,
    }  # fmt: skip


def _kept(words: str, *, keep: bool) -> str:
    return words if keep else mask(words)


def read_kept(labels: Path, folder: Path, name: str) -> Labelled:
    """Return the kept texts of a document with its labels."""
    kept = json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))
    (truth,) = read_truths([labels / f"{name}.json"])
    return label_texts(truth, from_json(kept))


def from_json(kept: Mapping[str, Any]) -> DocumentTexts:
    """Return kept texts; what else the document's layout has is empty."""
    size = len(kept["texts"])
    layouts = tuple(
        PageLayout(number, (0, 0, 600, 800), (), (), (), (), has_table=False, prices=(), entries=(), last_entry=0,
                   sizes={}, spread=False, ocr=ocr)
        for number, ocr in kept["layouts"]
    )  # fmt: skip

    def at(numbers: list[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        chosen = np.zeros(size, bool)
        chosen[numbers] = True
        return chosen

    groups = kept["groups"]
    probability = kept["probability"]
    return DocumentTexts(
        document=DocumentLayout(layouts, {}, frozenset(), {}, 10.0),
        texts=tuple(
            PageText(Text(page, (box[0], box[1], box[2], box[3]), (words,), points, bold), name, is_line, parent)
            for page, box, words, name, points, bold, is_line, parent in kept["texts"]
        ),
        traits=kept["traits"],
        groups={name: at(numbers) for name, (_, numbers) in groups.items()},
        group_probabilities={name: p for name, (p, _) in groups.items()},
        found=at(kept["found"]),
        backing=np.array(kept["backing"]),
        running=at(kept["running"]),
        picture=np.array(kept["picture"], np.int64),
        choice=None if probability is None else Choice((), frozenset(), frozenset(), probability, {}, {}),
        announced=frozenset(),
    )


def main(labels: Path, pdfs: Path, keep: Path, *names: str) -> None:
    """Write the texts of some documents."""
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        (truth,) = read_truths([labels / f"{name}.json"])
        text = json.dumps(to_json(read_labelled(truth, pdfs / f"{name}.pdf", keep)), separators=(",", ":"))
        (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
