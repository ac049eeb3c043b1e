"""What each page shows, as a reader would say, and why: cover, contents, text, products (or their continuation), table,
scene, divider, contact, back or blank. Nothing is skipped for it: `plan.py` decides that, on more evidence.

The likeliest by what is measured of the page (`page_features.py`): the mean of a fitted score and of a few trees. Both,
`page_weights.json`, are made by `python -m devtools.fit_kinds`.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from statistics import fmean
from typing import Any, get_args

from swatchbook.catalogue.page_features import PageFacts, measure_pages
from swatchbook.records import PageContent

Said = tuple[PageContent, str]
"""What a page shows, and why."""

Tree = tuple[str, float, "Tree", "Tree"] | tuple[float, ...]
"""A feature, a threshold, the trees up to it and above it; or the shares of `KINDS`."""

FITTED_AS: Mapping[str, PageContent] = {"products_continued": "products", "contact": "back"}
"""Kinds that are told from another one by what is found on the page alone."""
KINDS: tuple[PageContent, ...] = tuple(
    kind for kind in get_args(PageContent) if kind != "blank" and kind not in FITTED_AS
)
"""What a page that is not blank may show, in the order of its weights."""
LISTED = 0.5
"""What is measured of a page that lists four titles of later pages: one of contents, as by its heading."""
REASONS, LEAST_REASON = 2, 0.2
"""So many reasons are told; what speaks less for a kind is none."""

_REASONS: Mapping[str, str] = {
    "first": "the first page",
    "last": "the last page",
    "wordless": "hardly a word",
    "brief": "few words",
    "letters": "many words",
    "texts": "many texts",
    "prose": "paragraphs",
    "contacts": "addresses and numbers",
    "of_contacts": "addresses and numbers",
    "title": "a large title",
    "label_title": "its heading",
    "contents_words": "names with rising page numbers, or its heading",
    "about_words": "its heading",
    "contact_words": "its heading",
    "notes_words": "its heading",
    "catalogue_words": "it names the catalogue",
    "lists": "it lists titles of later pages",
    "largest": "a large picture",
    "filled": "a picture fills it",
    "covered": "pictures cover it",
    "pictures": "many pictures",
    "no_picture": "no picture",
    "tabular": "rows of a table",
    "prices": "prices",
    "codes": "codes",
    "labels": "labels with values",
    "values": "labels with values",
    "named": "names {names}",
    "names": "names {names}",
    "begins": "names {begin}",
    "begin": "names {begin}",
    "shows": "prices, codes or names stand at pictures",
    "first_brief": "few words",
    "first_begins": "names {begin}",
    "last_contacts": "the last page, with addresses and numbers",
    "last_shows": "products on the last page",
    "filled_brief": "a picture fills it",
    "titled_brief": "a title, with few words",
    "named_small": "small pictures",
    "named_tabular": "rows of a table name {names}",
    "named_prices": "a price list of {names}",
    "begins_pictured": "names {begin}",
    "unnamed_shows": "prices, codes or names stand at pictures",
    "quiet": "nothing says that it shows products",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """Feature -> mean, spread, and the weight for each of `KINDS`; the score of each kind without any; and trees."""

    features: Mapping[str, tuple[float, float, tuple[float, ...]]]
    start: tuple[float, ...]
    trees: tuple[Tree, ...]

    def shares(self, measured: Mapping[str, float]) -> list[float]:
        """Return how likely each kind is: the mean of the score's and the trees' answers."""
        scores = list(self.start)
        for name, (mean, spread, weights) in self.features.items():
            value = (measured[name] - mean) / spread
            scores = [score + value * weight for score, weight in zip(scores, weights, strict=True)]
        raised = [exp(score - max(scores)) for score in scores]
        voted = [fmean(votes) for votes in zip(*(_leaf(tree, measured) for tree in self.trees), strict=True)]
        return [(one / sum(raised) + vote) / 2 for one, vote in zip(raised, voted, strict=True)]


def _leaf(tree: Any, measured: Mapping[str, float]) -> Sequence[float]:
    while isinstance(tree[0], str):
        name, threshold, below, above = tree
        tree = below if measured[name] <= threshold else above
    return tree  # type: ignore[no-any-return]


@cache
def shipped_weights() -> Weights:
    """Return the weights of the package."""
    data = json.loads(files("swatchbook.catalogue").joinpath("page_weights.json").read_text(encoding="utf-8"))
    features = {name: (mean, spread, (*weights,)) for name, mean, spread, *weights in data["features"]}
    return Weights(features, (*data["start"],), (*data["trees"],))


def listed(names: Sequence[str]) -> str:
    """Return the first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def say_contents(pages: Sequence[PageFacts], body: float) -> list[Said]:
    """Return what each page of a document shows. `body`: size of its body text in points."""
    weights = shipped_weights()
    said: list[Said] = []
    for facts, measured in zip(pages, measure_pages(pages, body), strict=True):
        if facts.kind == "blank":
            said.append(("blank", "nothing is on it"))
            continue
        kind = likeliest(measured, weights)
        said.append((kind, _reason(facts, measured, kind, weights)))
    return said


def likeliest(measured: Mapping[str, float], weights: Weights) -> PageContent:
    """Return what a page shows that is not blank. Pages of contents are few in the labels, and say what they are."""
    if not measured["begins"] and (measured["contents_words"] or measured["lists"] >= LISTED):
        return "contents"
    shares = weights.shares(measured)
    kind = KINDS[shares.index(max(shares))]
    if kind == "products" and measured["named"] and not measured["begins"]:
        return "products_continued"
    return "contact" if kind == "back" and measured["contacts"] else kind


def _reason(facts: PageFacts, measured: Mapping[str, float], kind: PageContent, weights: Weights) -> str:
    """Return in words what speaks most for a kind: features that are told in the same words speak together."""
    speaks: dict[str, float] = defaultdict(float)
    names, begin = listed(facts.names), listed(facts.begin or facts.names)
    if kind == "products_continued":
        return f"goes on with {names}"
    column = KINDS.index(FITTED_AS.get(kind, kind))
    for name, (mean, spread, values) in weights.features.items():
        if name in _REASONS and measured[name] > mean:
            told = _REASONS[name].format(names=names, begin=begin)
            speaks[told] += (measured[name] - mean) / spread * values[column]
    strongest = sorted((told for told in speaks if speaks[told] >= LEAST_REASON), key=lambda told: -speaks[told])
    return "; ".join(strongest[:REASONS]) or "likelier than the other kinds"
