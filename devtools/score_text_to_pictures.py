"""How well texts find pictures without captions, by ways from what the image network sees to the space of texts. A set
is a folder with a folder of pictures for each class; each class is asked for by its English and its German name.

    python -m devtools.score_text_to_pictures SET… [--per-class 30]

Prints for each way and set the share of the class among the first ten and mean average precision, English and German.
Needs the package onnx, for the weights of the network's classifier. The ways, all asked through multilingual-e5-small:
words: the text of what is told, as the local analyst writes it;
mean word: sum p_k e(name_k) over the classes (ConSE: Norouzi et al., ICLR 2014);
ridge: from features to e(class), fitted on the other sets and on the classifier's rows, each a picture of its class;
direction: the question as a direction among the features, sum w_k row_k, w = softmax(e(question) e(name_k) / 0.01),
over names of classes and words; nothing of it is fitted.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.fit_image_words import choose_pictures
from swatchbook.analysis import understanding_text
from swatchbook.models import image_words
from swatchbook.models.e5 import E5
from swatchbook.models.image_network import FILE, Network
from swatchbook.models.local_analyst import LocalAnalyst

Matrix = NDArray[np.float64]

_NAMES: Final = """
dress/dress/Kleid, hat/hat/Mütze, longsleeve/long-sleeved shirt/Langarmshirt, outwear/jacket/Jacke,
pants/trousers/Hose, shirt/shirt/Hemd, shoes/shoes/Schuhe, shorts/shorts/kurze Hose, skirt/skirt/Rock,
t-shirt/T-shirt/T-Shirt, bed/bed/Bett, chair/chair/Stuhl, cupboard/cupboard/Schrank, fridge/fridge/Kühlschrank,
sofa/sofa/Sofa, table/table/Tisch, tv/television/Fernseher, banded/banded/gestreift, blotchy/blotchy/fleckig,
braided/braided/geflochten, bubbly/bubbly/blasig, bumpy/bumpy/holprig, chequered/chequered/kariert,
cobwebbed/cobweb/Spinnweben, cracked/cracked/rissig, crosshatched/crosshatched/kreuzschraffiert,
crystalline/crystalline/kristallin, apple/apple/Apfel, asparagus/asparagus/Spargel, aubergine/aubergine/Aubergine,
avocado/avocado/Avocado, banana/banana/Banane, cabbage/cabbage/Kohl, carrots/carrots/Karotten,
cucumber/cucumber/Gurke, garlic/garlic/Knoblauch, ginger/ginger/Ingwer, juice/juice/Saft, kiwi/kiwi fruit/Kiwi,
leek/leek/Lauch, lemon/lemon/Zitrone, lime/lime/Limette, mango/mango/Mango, melon/melon/Melone, milk/milk/Milch,
mushroom/mushrooms/Pilze, nectarine/nectarine/Nektarine, oat-milk/oat milk/Hafermilch,
oatghurt/oat yoghurt/Haferjoghurt, onion/onion/Zwiebel, orange/orange/Orange, papaya/papaya/Papaya,
passion-fruit/passion fruit/Passionsfrucht, peach/peach/Pfirsich, pear/pear/Birne, pepper/bell pepper/Paprika,
pineapple/pineapple/Ananas, plum/plum/Pflaume, pomegranate/pomegranate/Granatapfel, potato/potato/Kartoffel,
red-beet/beetroot/Rote Bete, red-grapefruit/red grapefruit/rote Grapefruit, satsumas/satsumas/Mandarinen,
sour-cream/sour cream/Sauerrahm, sour-milk/sour milk/Sauermilch, soy-milk/soy milk/Sojamilch,
soyghurt/soy yoghurt/Sojajoghurt, tomato/tomato/Tomate, yoghurt/yoghurt/Joghurt, zucchini/courgette/Zucchini
"""
NAMES: Final = {name: asked for name, *asked in (each.strip().split("/") for each in _NAMES.split(","))}
"""Class -> what is asked for, in English and German."""
SHARPNESS: Final = 0.01  # of the direction's softmax; 0.005 and 0.02 find as many
PENALTY: Final = 1.0  # of the ridge; 10 finds less


class LabelledSet(NamedTuple):
    """Pictures of one trade: their classes, features (n, 1280), logits (n, 1000) and the texts of their analyses."""

    name: str
    classes: NDArray[np.str_]
    features: Matrix
    logits: Matrix
    texts: Sequence[str]


Vectors = Callable[[LabelledSet], Matrix]
Asked = Callable[[Sequence[str]], Matrix]


def main() -> None:
    """Read the sets that the command line names, and print how well each way finds their pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--per-class", type=int, default=30)
    given = parser.parse_args()
    network, encoder = Network(), E5()
    sets = [read_set(folder, given.per_class, network) for folder in given.sets]
    table = image_words.ImageWords()
    numbers, names = zip(*image_words.read_names(), strict=True)
    rows = _unit(classifier_rows())
    meanings = _unit(encoder.embed(names, "document").astype(np.float64))
    bank = np.concatenate([meanings, encoder.embed(table.words, "document")])
    directions = np.concatenate([rows[list(numbers)], _unit(table.classes.T @ rows)])

    def ask(texts: Sequence[str]) -> Matrix:
        return encoder.embed(texts, "query").astype(np.float64)

    def direct(texts: Sequence[str]) -> Matrix:
        return _unit(_softmax(ask(texts) @ bank.T / SHARPNESS) @ directions)

    def mean_word(each: LabelledSet) -> Matrix:
        return _unit(_softmax(each.logits)[:, list(numbers)] @ (meanings - meanings.mean(axis=0)))

    def ridge(each: LabelledSet) -> Matrix:
        others = [other for other in sets if other is not each]
        seen = np.concatenate([_unit(other.features) for other in others])
        middle = seen.mean(axis=0)
        said = [encoder.embed([NAMES[name][0] for name in other.classes], "document") for other in others]
        x = np.concatenate([seen - middle, rows[list(numbers)] * np.linalg.norm(seen - middle, axis=1).mean()])
        y = np.concatenate([*said, meanings]) - meanings.mean(axis=0)
        weights = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ y)
        return _unit((_unit(each.features) - middle) @ weights)

    ways: Mapping[str, tuple[Vectors, Asked]] = {
        "words": (lambda each: encoder.embed(each.texts, "document").astype(np.float64), ask),
        "mean word": (mean_word, ask),
        "ridge": (ridge, ask),
        "mean word and half of ridge": (lambda each: _unit(mean_word(each) + ridge(each) / 2), ask),
        "direction": (lambda each: _unit(each.features), direct),
    }
    for way, (vectors, asked) in ways.items():
        columns = [f"{each.name} {score(each, vectors(each), asked)}" for each in sets]
        sys.stdout.write(f"{way:28} {'  |  '.join(columns)}\n")
        sys.stdout.flush()


def read_set(folder: Path, per_class: int, network: Network) -> LabelledSet:
    """Return the set in a folder, at most so many pictures of a class, chosen by chance but always the same."""
    pictures, classes = choose_pictures(folder, per_class)
    seen = network.see(pictures)
    texts = [understanding_text(found) for found in LocalAnalyst(network).analyse(pictures)]
    features = np.stack([each.features for each in seen]).astype(np.float64)
    return LabelledSet(
        folder.name, np.array(classes), features, np.stack([each.logits for each in seen]).astype(np.float64), texts
    )


def classifier_rows() -> Matrix:
    """Return the classifier's weights (1000, 1280), less their mean: the direction of each class among the features."""
    import onnx

    tensors = map(onnx.numpy_helper.to_array, onnx.load(FILE).graph.initializer)
    rows: Matrix = next(tensor for tensor in tensors if tensor.shape == (1_000, 1_280)).astype(np.float64)
    centred: Matrix = rows - rows.mean(axis=0)
    return centred


def score(each: LabelledSet, vectors: Matrix, asked: Asked) -> str:
    """Return the share of the class among the first ten and mean average precision, in English and German."""
    names = sorted(set(each.classes))
    found = []
    for language in (0, 1):
        scores = vectors @ asked([NAMES[name][language] for name in names]).T
        right = each.classes[np.argsort(-scores, axis=0, kind="stable")] == np.array(names)  # (pictures, classes)
        precision = np.cumsum(right, axis=0) / np.arange(1, len(right) + 1)[:, None]
        average = (precision * right).sum(axis=0) / right.sum(axis=0)
        found.append(f"{right[:10].mean():.2f} {average.mean():.2f}")
    return ", ".join(found)


def _softmax(powers: Matrix) -> Matrix:
    exponentials = np.exp(powers - powers.max(axis=1, keepdims=True))
    shares: Matrix = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def _unit(vectors: NDArray[np.floating]) -> Matrix:
    unit: Matrix = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


if __name__ == "__main__":
    main()
