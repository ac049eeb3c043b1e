"""Combine the layout rules with a language model (SWATCHBOOK_DISCOVERY=assist).

The model is asked about the pages of products of which the layout rules are not sure, or about all pages if they found
no product. Products that only one of both found are kept and flagged.
"""

from collections.abc import Iterable, Set
from typing import Final

from swatchbook.catalogue.llm.products import AGREED, NONE_NAMED
from swatchbook.records import DISAGREEMENT, Discovery, Evidence, FoundProduct, Reading, fold

SURE: Final = 0.8
"""The least confidence of products about which the layout rules decide alone: four of five such are right."""
ONLY_MODEL: Final = "Only the language model names it."
ONLY_LAYOUT: Final = "The language model does not name it."


def open_pages(reading: Reading, by_layout: Discovery) -> frozenset[int]:
    """Return the pages to ask about: those of products of which the layout rules are unsure; all without products."""
    if not by_layout.products:
        return frozenset(range(1, reading.page_count + 1))
    return frozenset(page for product in by_layout.products if product.confidence < SURE for page in product.pages)


def is_open(product: FoundProduct) -> bool:
    """Whether the language model is asked for a product's metadata, because it was asked about the product, too."""
    return product.confidence < SURE or any(e.rule == "language model" for e in product.evidence)


def combine(by_layout: Discovery, by_model: Discovery, asked: Set[int], model: str) -> Discovery:
    """Return the products of both; on the pages that the model was asked about, products of only one are flagged."""
    named = {n: same for n, each in enumerate(by_layout.products) if (same := _same(each, by_model.products))}
    kept = list[FoundProduct]()
    for n, product in enumerate(by_layout.products):
        if same := named.get(n):
            agreed = {"confidence": AGREED, "evidence": same.evidence, "code": product.code or same.code}
            product = product.model_copy(update=agreed)
        elif asked & set(product.pages):
            product = flag(product, ONLY_LAYOUT, model)
        kept.append(product)
    known = {id(product) for product in named.values()}
    added = [product for product in by_model.products if id(product) not in known]
    kept += [flag(product, ONLY_MODEL, model) if by_layout.products else product for product in added]
    products = tuple(sorted(kept, key=lambda product: product.first_page))
    answered = {page for product in by_model.products for page in product.pages}
    rejected = (*by_layout.rejected, *by_model.rejected)
    note = None if by_model.products else NONE_NAMED if by_layout.products else by_layout.note
    unsure = tuple(page for page in by_layout.unsure if page not in answered)
    found = {"products": products, "rejected": rejected, "unsure": unsure, "note": note}
    return by_layout.model_copy(update=found)


def flag_new(by_layout: Discovery, by_model: Discovery, model: str) -> Discovery:
    """Return the model's products; if the layout rules found products, those that they did not find are flagged."""
    if not by_layout.products:
        return by_model
    products = tuple(p if _same(p, by_layout.products) else flag(p, ONLY_MODEL, model) for p in by_model.products)
    return by_model.model_copy(update={"products": products})


def flag(product: FoundProduct, reason: str, model: str) -> FoundProduct:
    """Return a product with evidence that the layout rules and the language model disagree about it."""
    note = Evidence(rule=DISAGREEMENT, page=product.first_page, text=reason, detail={"model": model})
    return product.model_copy(update={"evidence": (*product.evidence, note)})


def _same(product: FoundProduct, others: Iterable[FoundProduct]) -> FoundProduct | None:
    """Return the product with the same name whose pages overlap."""
    return next((o for o in others if fold(o.name) == fold(product.name) and set(o.pages) & set(product.pages)), None)
