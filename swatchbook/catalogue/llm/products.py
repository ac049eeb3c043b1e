"""Stage 2A by a language model: products with their pages, each believed only where the document says so.

The layout rules' result goes along as a hint and lends what it knows of the same product: its places on the pages.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from swatchbook.catalogue.layout import tidy
from swatchbook.catalogue.llm.excerpt import ExcerptLine, excerpt_lines, windows
from swatchbook.catalogue.llm.prompts import FIND_PRODUCTS, Offer, Offered
from swatchbook.catalogue.llm.verbatim import is_named, occurs, words
from swatchbook.errors import InvalidModelOutput, PayloadTooLarge
from swatchbook.ledger.calls import CallContext
from swatchbook.providers.messages import Chat, Question
from swatchbook.records import PAGE_CUT, Discovery, Evidence, FoundProduct, OutlineEntry, Page, Reading, fold

NONE_NAMED: Final = "The language model named no product that stands in the document; the layout rules' are kept."
MOST_TOLD: Final = 300
"""Entries of the outline, and products of the layout rules, that a question holds."""
MOST_TOKENS: Final = 16_000
FEWEST_PAGES: Final = 20
"""So many are not asked about by halves when their answer is too long, or of no use."""
ASKED_AT_ONCE: Final = 8
CONFIDENCE, AGREED = 0.85, 0.95
"""Of a product that the model names and its pages prove; and that the layout rules found as well."""


def ask_products(
    chat: Chat, context: CallContext, reading: Reading, pages: Iterable[Page], by_layout: Discovery
) -> Discovery:
    """Products as the model names them, in the order of their pages; what it says and no page proves is in `rejected`.

    Pages whose answer does not fit are asked about by halves. Raises what `Chat.ask` raises.
    """
    told = {leaf.number: leaf for leaf in excerpt_lines(pages)}

    def ask(window: Sequence[ExcerptLine]) -> list[Offered]:
        try:
            return chat.ask(_question(reading, by_layout, window), Offer, context).products
        except (InvalidModelOutput, PayloadTooLarge):
            if len(window) <= FEWEST_PAGES:
                raise
        half = len(window) // 2
        return ask(window[:half]) + ask(window[half:])

    with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="discover") as threads:
        offered = list(threads.map(ask, [window for window in windows(told.values()) if _says(window)]))
    proof = _Proof(chat.model, reading, told, by_layout)
    products = proof.of([each for some in offered for each in some])
    if not products:
        note = NONE_NAMED if by_layout.products else by_layout.note
        return by_layout.model_copy(update={"rejected": (*by_layout.rejected, *proof.rejected), "note": note})
    return Discovery(products=tuple(products), rejected=tuple(proof.rejected))


def _says(window: Sequence[ExcerptLine]) -> bool:
    return any(leaf.source.strip() for leaf in window)


def _question(reading: Reading, by_layout: Discovery, window: Sequence[ExcerptLine]) -> Question:
    first, last = window[0].number, window[-1].number
    outline = [f"{'  ' * (e.level - 1)}{e.title} (page {e.page})" for e in reading.outline[:MOST_TOLD]]
    hints = [
        f"{p.name} (category: {p.category or '?'}; pages {p.first_page} to {p.last_page})"
        for p in by_layout.products
        if p.first_page <= last and p.last_page >= first
    ]
    parts = (
        f"The document has {reading.page_count} pages; these are {first} to {last}.",
        "Outline:\n" + ("\n".join(outline) or "none"),
        "By layout rules:\n" + ("\n".join(hints[:MOST_TOLD]) or "none"),
        "\n\n".join(leaf.shown for leaf in window),
    )
    return Question(instructions=FIND_PRODUCTS, parts=parts, max_tokens=MOST_TOKENS)


class _Proof:
    """What is believed of an answer, and what is not."""

    def __init__(self, model: str, reading: Reading, told: Mapping[int, ExcerptLine], by_layout: Discovery) -> None:
        self.rejected = [
            Evidence(rule=PAGE_CUT, page=leaf.number, detail={"model": model}) for leaf in told.values() if leaf.cut
        ]
        self._model = model
        self._last = reading.page_count
        self._told = told
        self._titles = _titles(reading.outline)
        self._all = "\n".join([*(leaf.source for leaf in told.values()), *(words(e.title) for e in reading.outline)])
        self._by_layout: dict[str, list[FoundProduct]] = {}
        for product in by_layout.products:
            self._by_layout.setdefault(fold(product.name), []).append(product)

    def of(self, offered: Iterable[Offered]) -> list[FoundProduct]:
        """The products that stand where the model says, in the order of their pages."""
        found = dict[tuple[str, int], FoundProduct]()
        for said in sorted(offered, key=lambda each: (each.first_page, each.last_page)):
            if why := self._against(said):
                self._reject(why, said.name, said.first_page)
                continue
            product = self._product(said)
            if any(name == fold(product.name) and product.first_page <= last for name, last in found):
                self._reject("named twice", said.name, said.first_page)
            else:
                found[fold(product.name), product.last_page] = product
        return list(found.values())

    def _against(self, said: Offered) -> str | None:
        if not 1 <= said.first_page <= said.last_page <= self._last:
            return "pages outside the document"
        if not fold(said.name):
            return "no name"
        if any(is_named(said.name, lines) for lines in self._lines(said)):
            return None
        prose = occurs(said.name, self._text(said))
        return "only mentioned" if prose else "name not on its pages"

    def _product(self, said: Offered) -> FoundProduct:
        hint = self._hint(said)
        pages = tuple(range(said.first_page, said.last_page + 1))
        evidence = Evidence(rule="language model", page=said.first_page, text=said.name, detail={"model": self._model})
        text = self._text(said)
        return FoundProduct(
            name=tidy(said.name),
            raw_name=said.name,
            category=self._proven("category", said.category, self._all, said) or (hint.category if hint else None),
            code=self._proven("code", said.code, text, said) or (hint.code if hint else None),
            variants=tuple(
                dict.fromkeys(v for variant in said.variants if (v := self._proven("variant", variant, text, said)))
            ),
            first_page=said.first_page,
            last_page=said.last_page,
            pages=pages,
            cards=tuple(card for card in hint.cards if card.page in pages) if hint else (),
            confidence=AGREED if hint else CONFIDENCE,
            evidence=(evidence, *(hint.evidence if hint else ())),
        )

    def _proven(self, what: str, value: str | None, source: str, said: Offered) -> str | None:
        """A value that the source says; another is rejected."""
        if not value or occurs(value, source):
            return value or None
        self._reject(f"{what} not on its pages", f"{said.name}: {value}", said.first_page)
        return None

    def _hint(self, said: Offered) -> FoundProduct | None:
        """The layout rules' product of that name whose pages meet these."""
        known = self._by_layout.get(fold(said.name), ())
        return next((p for p in known if p.first_page <= said.last_page and said.first_page <= p.last_page), None)

    def _near(self, said: Offered) -> Iterator[int]:
        """The product's pages and those next to them: a name may stand on the one before."""
        return iter(range(said.first_page - 1, said.last_page + 2))

    def _lines(self, said: Offered) -> Iterator[Sequence[str]]:
        for number in self._near(said):
            if number in self._told:
                yield self._told[number].lines
            yield self._titles.get(number, ())

    def _text(self, said: Offered) -> str:
        return "\n".join(self._told[number].source for number in self._near(said) if number in self._told)

    def _reject(self, why: str, what: str, page: int) -> None:
        self.rejected.append(Evidence(rule=why, page=page, text=what, detail={"model": self._model}))


def _titles(outline: Iterable[OutlineEntry]) -> dict[int, list[str]]:
    titles = dict[int, list[str]]()
    for entry in outline:
        titles.setdefault(entry.page, []).append(words(entry.title))
    return titles
