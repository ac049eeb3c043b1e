"""What each page shows, as a reader would say, and why: cover, contents, text, products (or their continuation), table,
scene, divider, contact, back or blank. Nothing is skipped for it: `plan.py` decides that, on more evidence.

The likeliest by a fitted score of what is measured of the page (`page_features.py`). The weights, `page_weights.json`,
are made by `python -m devtools.fit_kinds`.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import get_args

from swatchbook.catalogue.page_features import PageFacts, measure_pages
from swatchbook.records import PageContent

Said = tuple[PageContent, str]
"""What a page shows, and why."""

KINDS: tuple[PageContent, ...] = tuple(kind for kind in get_args(PageContent) if kind != "blank")
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
    "continued_words": "its heading says that it goes on",
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
    "goes_on": "goes on with {names}",
    "shows": "prices, codes or names stand at pictures",
    "unheaded": "no heading stands above its products",
    "first_brief": "few words",
    "first_begins": "names {begin}",
    "last_contacts": "the last page, with addresses and numbers",
    "last_shows": "products on the last page",
    "filled_brief": "a picture fills it",
    "titled_brief": "a title, with few words",
    "named_small": "small pictures",
    "named_tabular": "rows of a table name {names}",
    "named_prices": "a price list of {names}",
    "goes_on_filled": "goes on with {names}",
    "goes_on_wordless": "a picture, and nothing is said of a product",
    "begins_pictured": "names {begin}",
    "unnamed_shows": "prices, codes or names stand at pictures",
    "quiet": "nothing says that it shows products",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """Feature -> mean, spread, and the weight for each of `KINDS`; and the score of each kind without any."""

    features: Mapping[str, tuple[float, float, tuple[float, ...]]]
    start: tuple[float, ...]

    def scores(self, measured: Mapping[str, float]) -> list[float]:
        """Return the score of each kind."""
        found = list(self.start)
        for name, (mean, spread, weights) in self.features.items():
            value = (measured[name] - mean) / spread
            found = [score + value * weight for score, weight in zip(found, weights, strict=True)]
        return found


@cache
def shipped_weights() -> Weights:
    """Return the weights of the package."""
    data = json.loads(files("swatchbook.catalogue").joinpath("page_weights.json").read_text(encoding="utf-8"))
    features = {name: (mean, spread, (*weights,)) for name, mean, spread, *weights in data["features"]}
    return Weights(features, (*data["start"],))


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
    scores = weights.scores(measured)
    return KINDS[scores.index(max(scores))]


def _reason(facts: PageFacts, measured: Mapping[str, float], kind: PageContent, weights: Weights) -> str:
    """Return in words what speaks most for a kind: features that are told in the same words speak together."""
    speaks: dict[str, float] = defaultdict(float)
    names, begin = listed(facts.names), listed(facts.begin or facts.names)
    for name, (mean, spread, values) in weights.features.items():
        if name in _REASONS and measured[name] > mean:
            told = _REASONS[name].format(names=names, begin=begin)
            speaks[told] += (measured[name] - mean) / spread * values[KINDS.index(kind)]
    strongest = sorted((told for told in speaks if speaks[told] >= LEAST_REASON), key=lambda told: -speaks[told])
    return "; ".join(strongest[:REASONS]) or "likelier than the other kinds"
