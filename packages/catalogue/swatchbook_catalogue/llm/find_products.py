"""Stage 2A by a language model: ask for products and their pages, check them, and combine them with the layout rules'.

The result of the layout rules is a hint to the model; for the same product it adds the regions on the pages.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from swatchbook_base.chat import PaidChat, Question
from swatchbook_base.errors import InvalidModelOutput, PayloadTooLarge
from swatchbook_base.records import (
    DISAGREEMENT,
    PAGE_CUT,
    Discovery,
    Evidence,
    FoundProduct,
    OutlineEntry,
    Page,
    Reading,
    Variant,
    fold,
    normalise_line,
)
from swatchbook_catalogue.llm.excerpt import (
    PageExcerpt,
    group_excerpts,
    is_named,
    normalise_words,
    occurs,
    page_excerpts,
)
from swatchbook_catalogue.llm.prompts import FIND_PRODUCTS, Offer, Offered

NONE_NAMED: Final = "The language model named no product that is in the document; the layout rules' are kept."
MOST_HINTS: Final = 300  # the most outline entries, and the most products of the layout rules, in one question
REPLY_TOKENS: Final = 16_000
FEWEST_PAGES: Final = 20  # the most pages of a question that is not halved when its reply is too long or invalid
CONCURRENT_CALLS: Final = 8
CONFIDENCE, AGREED = 0.85, 0.95  # in a product that the model names and its pages confirm; if the layout rules agree


def ask_products(chat: PaidChat, reading: Reading, pages: Iterable[Page], by_layout: Discovery) -> Discovery:
    """Return what `ask_names` returns for all pages; the layout rules' products if the model names none."""
    found = ask_names(chat, reading, pages, by_layout)
    if found.products:
        return found
    note = NONE_NAMED if by_layout.products else by_layout.note
    return by_layout.model_copy(update={"rejected": (*by_layout.rejected, *found.rejected), "note": note})


def ask_names(
    chat: PaidChat,
    reading: Reading,
    pages: Iterable[Page],
    by_layout: Discovery,
    *,
    only: Collection[int] | None = None,
) -> Discovery:
    """Return the products that the model names, in the order of their pages; unconfirmed ones are in `rejected`.

    `pages` are all of the document, `only` the numbers of those that the model is asked about, by default all. When a
    reply is too long, each half of the pages is asked about separately. Raises what `Chat.ask` raises.
    """
    excerpts = {excerpt.number: excerpt for excerpt in page_excerpts(pages)}

    def ask(window: Sequence[PageExcerpt]) -> list[Offered]:
        try:
            return chat.ask(_question(reading, by_layout, window), Offer).products
        except (InvalidModelOutput, PayloadTooLarge):
            if len(window) <= FEWEST_PAGES:
                raise
        half = len(window) // 2
        return ask(window[:half]) + ask(window[half:])

    with ThreadPoolExecutor(CONCURRENT_CALLS, thread_name_prefix="discover") as threads:
        asked = [excerpt for excerpt in excerpts.values() if only is None or excerpt.number in only]
        offers = list(
            threads.map(
                ask, [window for window in group_excerpts(asked) if any(excerpt.source.strip() for excerpt in window)]
            )
        )
    verifier = _Verifier(chat.model, reading, excerpts, by_layout)
    products = verifier.accept([offer for batch in offers for offer in batch])
    return Discovery(products=tuple(products), rejected=tuple(verifier.rejected))


def _question(reading: Reading, by_layout: Discovery, window: Sequence[PageExcerpt]) -> Question:
    first, last = window[0].number, window[-1].number
    outline = [f"{'  ' * (e.level - 1)}{e.title} (page {e.page})" for e in reading.outline[:MOST_HINTS]]
    hints = [
        f"{p.name} (category: {p.category or '?'}; pages {p.first_page} to {p.last_page})"
        for p in by_layout.products
        if p.first_page <= last and p.last_page >= first
    ]
    parts = (
        f"The document has {reading.page_count} pages; these are {first} to {last}.",
        "Outline:\n" + ("\n".join(outline) or "none"),
        "By layout rules:\n" + ("\n".join(hints[:MOST_HINTS]) or "none"),
        "\n\n".join(excerpt.shown for excerpt in window),
    )
    return Question(instructions=FIND_PRODUCTS, parts=parts, max_tokens=REPLY_TOKENS)


class _Verifier:
    """A check of a model's products against the text of the document."""

    def __init__(self, model: str, reading: Reading, excerpts: Mapping[int, PageExcerpt], by_layout: Discovery) -> None:
        self.rejected = [
            Evidence(rule=PAGE_CUT, page=excerpt.number, detail={"model": model})
            for excerpt in excerpts.values()
            if excerpt.cut
        ]
        self._model = model
        self._last = reading.page_count
        self._excerpts = excerpts
        self._titles = _titles(reading.outline)
        self._all = "\n".join(
            [*(excerpt.source for excerpt in excerpts.values()), *(normalise_words(e.title) for e in reading.outline)]
        )
        self._by_layout: dict[str, list[FoundProduct]] = {}
        for product in by_layout.products:
            self._by_layout.setdefault(fold(product.name), []).append(product)

    def accept(self, offers: Iterable[Offered]) -> list[FoundProduct]:
        """Return the products named on the pages that the model gives, in the order of their pages."""
        accepted = dict[tuple[str, int], FoundProduct]()
        for offer in sorted(offers, key=lambda offer: (offer.first_page, offer.last_page)):
            if reason := self._rejection_reason(offer):
                self._reject(reason, offer.name, offer.first_page)
                continue
            product = self._product(offer)
            if any(name == fold(product.name) and product.first_page <= last for name, last in accepted):
                self._reject("named twice", offer.name, offer.first_page)
            else:
                accepted[fold(product.name), product.last_page] = product
        return list(accepted.values())

    def _rejection_reason(self, offer: Offered) -> str | None:
        if not 1 <= offer.first_page <= offer.last_page <= self._last:
            return "pages outside the document"
        if not fold(offer.name):
            return "no name"
        if any(is_named(offer.name, lines) for lines in self._lines(offer)):
            return None
        prose = occurs(offer.name, self._text(offer))
        return "only mentioned" if prose else "name not on its pages"

    def _product(self, offer: Offered) -> FoundProduct:
        same_name = self._by_layout.get(fold(offer.name), ())
        hint = next((p for p in same_name if p.first_page <= offer.last_page and offer.first_page <= p.last_page), None)
        pages = tuple(range(offer.first_page, offer.last_page + 1))
        evidence = Evidence(
            rule="language model", page=offer.first_page, text=offer.name, detail={"model": self._model}
        )
        text = self._text(offer)
        return FoundProduct(
            name=normalise_line(offer.name),
            raw_name=offer.name,
            category=self._verified("category", offer.category, self._all, offer) or (hint.category if hint else None),
            code=self._verified("code", offer.code, text, offer) or (hint.code if hint else None),
            family=hint.family if hint else None,
            variants=self._variants(offer, text, hint),
            first_page=offer.first_page,
            last_page=offer.last_page,
            pages=pages,
            occurrences=tuple(place for place in hint.occurrences if place.page in pages) if hint else (),
            confidence=AGREED if hint else CONFIDENCE,
            evidence=(evidence, *(hint.evidence if hint else ())),
        )

    def _variants(self, offer: Offered, text: str, hint: FoundProduct | None) -> tuple[Variant, ...]:
        """Return the variants that the model names, as in the layout rules' product if that has them."""
        known = {fold(variant.name): variant for variant in (hint.variants if hint else ())}
        names = dict.fromkeys(v for name in offer.variants if (v := self._verified("variant", name, text, offer)))
        return tuple(known.get(fold(name)) or Variant(name=name) for name in names)

    def _verified(self, field: str, value: str | None, source: str, offer: Offered) -> str | None:
        """Return a value if it occurs in the source; otherwise reject it and return None."""
        if not value or occurs(value, source):
            return value or None
        self._reject(f"{field} not on its pages", f"{offer.name}: {value}", offer.first_page)
        return None

    def _nearby_pages(self, offer: Offered) -> Iterator[int]:
        """Return the product's pages and the adjacent ones: a name may be on the page before."""
        return iter(range(offer.first_page - 1, offer.last_page + 2))

    def _lines(self, offer: Offered) -> Iterator[Sequence[str]]:
        for number in self._nearby_pages(offer):
            if number in self._excerpts:
                yield self._excerpts[number].lines
            yield self._titles.get(number, ())

    def _text(self, offer: Offered) -> str:
        return "\n".join(
            self._excerpts[number].source for number in self._nearby_pages(offer) if number in self._excerpts
        )

    def _reject(self, reason: str, text: str, page: int) -> None:
        self.rejected.append(Evidence(rule=reason, page=page, text=text, detail={"model": self._model}))


def _titles(outline: Iterable[OutlineEntry]) -> dict[int, list[str]]:
    titles = dict[int, list[str]]()
    for entry in outline:
        titles.setdefault(entry.page, []).append(normalise_words(entry.title))
    return titles


# --- together with the layout rules -----------------------------------------------------------------------------------


SURE: Final = 0.8  # least confidence of products about which the layout rules decide alone: four of five such are right
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
    found = {"products": products, "rejected": rejected, "unsure": unsure, "note": note, "sure": None}
    return by_layout.model_copy(update=found)


def flag_new(by_layout: Discovery, by_model: Discovery, model: str) -> Discovery:
    """Return the model's products; if the layout rules found products, those that they did not find are flagged."""
    if not by_layout.products:
        return by_model
    products = tuple(
        _as_taught(p, same) if (same := _same(p, by_layout.products)) else flag(p, ONLY_MODEL, model)
        for p in by_model.products
    )
    return by_model.model_copy(update={"products": products})


def _as_taught(product: FoundProduct, by_layout: FoundProduct) -> FoundProduct:
    """Return a product with what a person has taught of it."""
    coded = any(fact.key == "code" for fact in by_layout.taught)
    code = by_layout.code if coded else product.code
    return product.model_copy(update={"taught": by_layout.taught, "code": code}) if by_layout.taught else product


def flag(product: FoundProduct, reason: str, model: str) -> FoundProduct:
    """Return a product with evidence that the layout rules and the language model disagree about it."""
    note = Evidence(rule=DISAGREEMENT, page=product.first_page, text=reason, detail={"model": model})
    return product.model_copy(update={"evidence": (*product.evidence, note)})


def _same(product: FoundProduct, others: Iterable[FoundProduct]) -> FoundProduct | None:
    return next((o for o in others if fold(o.name) == fold(product.name) and set(o.pages) & set(product.pages)), None)
