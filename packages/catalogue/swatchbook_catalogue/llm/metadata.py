"""Stage 2B by a language model: ask for a product's metadata, and keep the values that its pages confirm."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from swatchbook_base.chat import PaidChat, Question
from swatchbook_base.records import Description, Evidence, FoundProduct, Page, Record, Table
from swatchbook_catalogue.attributes import LABELS, key_of
from swatchbook_catalogue.describe import MOST_VALUES, belongs
from swatchbook_catalogue.llm.excerpt import MOST_CHARACTERS, PageExcerpt, normalise_source, occurs, page_excerpts
from swatchbook_catalogue.llm.prompts import READ_FACTS, Fact, Facts

REPLY_TOKENS: Final = 4_000
_PAGE_CHARACTERS: Final = 12_000


def ask_metadata(chat: PaidChat, product: FoundProduct, pages: Iterable[Page], by_layout: Description) -> Description:
    """Return the metadata that the model reads from the product's pages, completed by that of the layout rules.

    `pages` are the product's. Unknown kinds, and values that do not occur on the pages, are in `rejected`. Raises what
    `Chat.ask` raises.
    """
    excerpts = list(page_excerpts((_product_page(page, product) for page in pages), most=_PAGE_CHARACTERS))
    reply = chat.ask(_question(product, excerpts, by_layout), Facts)
    proven, rejected = _prove(reply.facts, _Source.of(excerpts, by_layout.tables), chat.model)
    taught = {fact.key for fact in product.taught}
    kept = dict[str, dict[str, Evidence]]()
    for fact in proven:
        if fact.detail["key"] not in taught:
            kept.setdefault(str(fact.detail["key"]), {}).setdefault(fact.text or "", fact)
    metadata = {kind: "; ".join(list(values)[:MOST_VALUES]) for kind, values in kept.items()}
    first_evidence = [next(iter(values.values())) for values in kept.values()]
    remaining = [e for e in by_layout.evidence if e.detail.get("key") not in metadata]
    return by_layout.model_copy(
        update={
            "metadata": by_layout.metadata | metadata,
            "evidence": (*first_evidence, *remaining),
            "rejected": tuple(rejected),
        }
    )


def _product_page(page: Page, product: FoundProduct) -> Page:
    """Return a page with only the text in the product's regions, if it has regions on that page."""
    blocks = tuple(
        block.model_copy(update={"lines": lines})
        for block in page.blocks
        if (lines := tuple(line for line in block.lines if belongs(line.bbox, product, page.number)))
    )
    return page.model_copy(update={"blocks": blocks})


def _question(product: FoundProduct, excerpts: Sequence[PageExcerpt], by_layout: Description) -> Question:
    hints = [f"{kind}: {value}" for kind, value in by_layout.metadata.items()]
    parts = (
        f"The product: {product.name}" + (f" ({product.category})" if product.category else ""),
        "\n\n".join(excerpt.shown for excerpt in excerpts)[:MOST_CHARACTERS],
        "Tables:\n" + ("\n\n".join(_rows(by_layout.tables))[:MOST_CHARACTERS] or "none"),
        "By layout rules:\n" + ("\n".join(hints) or "nothing"),
    )
    return Question(instructions=READ_FACTS, parts=parts, max_tokens=REPLY_TOKENS)


def _rows(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        yield f"=== table on page {table.page} ===\n" + "\n".join(" | ".join(row) for row in table.rows)


class _Source(Record):
    """All words of each page, including those of its tables."""

    pages: dict[int, str]

    @classmethod
    def of(cls, excerpts: Iterable[PageExcerpt], tables: Iterable[Table]) -> "_Source":
        pages = {excerpt.number: excerpt.source for excerpt in excerpts}
        for table in tables:
            cells = (normalise_source(cell) for row in table.rows for cell in row)
            pages[table.page] = "\n".join([pages.get(table.page, ""), *cells])
        return cls(pages=pages)

    def page_of(self, fact: Fact) -> int | None:
        """Return the page of a fact's value: the page that the fact names, else the first on which the value occurs."""
        candidates = sorted(self.pages, key=lambda number: (number != fact.page, number))
        return next((number for number in candidates if occurs(fact.value, self.pages[number])), None)


def _prove(facts: Iterable[Fact], source: _Source, model: str) -> tuple[list[Evidence], list[Evidence]]:
    """Return evidence for accepted facts with their page, and for rejected facts with the reason."""
    proven, rejected = list[Evidence](), list[Evidence]()
    for fact in facts:
        key, page = key_of(fact.kind) or fact.kind, source.page_of(fact)
        detail: dict[str, str | float] = {"key": key, "model": model}
        if key not in LABELS:
            rejected.append(Evidence(rule="unknown field", text=f"{key}: {fact.value}", detail=detail))
        elif page is None:
            rejected.append(Evidence(rule="value not on its pages", text=f"{key}: {fact.value}", detail=detail))
        else:
            proven.append(Evidence(rule="language model", page=page, text=fact.value, detail=detail))
    return proven, rejected
