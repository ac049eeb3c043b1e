"""Recognise pages that show no products (cover, index, about, contacts, legal, certificates, blank) by their headings.

Also here: which words are certificates, and which headings are only labels ("Sizes").
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, cast

from swatchbook_base.records import fold
from swatchbook_catalogue.attributes import LABEL_WORDS, read_words
from swatchbook_catalogue.page_layout import PageLayout

PageKind = Literal["blank", "cover", "back cover", "index", "about", "contacts", "legal", "notes", "certificates"]

_WORDS: Final = read_words("heading_labels.toml")
_HEADINGS: Final = {fold(word): cast(PageKind, kind) for kind, words in _WORDS["kinds"].items() for word in words}
_LABELS: Final = {fold(word) for word in (*LABEL_WORDS, *_WORDS["labels"]["any"])}
_CONTACT = re.compile(
    r"[\w.+-]+\s?@\s?[\w-]+\.|(?<![\w.])@\w{3,}|www\.|https?://|\+\d[\d\s()/-]{6,}|(?:tel|phone|fax|mob)\b\.?\s*:?\s*[+(\d]",
    re.IGNORECASE,
)
_CERTIFICATE = re.compile(
    r"\b(?:ISO\s?\d{4,5}|FSC|PEFC|OEKO-?TEX|LEED|BREEAM|GREENGUARD|EPD|Cradle to Cradle|EN\s?\d{4,5}|ASTM\s?[A-Z]\d+|"
    r"CE[- ](?:mark\w*|certif\w*)|certificat\w*|zertifi\w*)",
    re.IGNORECASE,
)

_CATALOGUE_WORDS = (
    r"catalog|katalog|katalóg|catálogo|catàleg|каталог|κατάλογ|カタログ|目录|目錄|카탈로그|کاتالوگ|كتالوج|קטלוג|แคตตาล็อก|"
    r"look\s?book|pr(?:ice|eis|ijs)\s?-?\s?(?:list|liste|lijst)|preisverzeichnis|listino|tarif\b|"
    r"liste (?:de|des) prix|lista de precios|(?:tabela|lista) de preços|lista prezzi|list[aă] de prețuri|прайс|"
    r"прейскурант|ценова листа|cennik|cenovnik|cjenik|"
    r"ceník|árlista|prisli?st[ae]?|hinnasto|τιμοκατάλογ|fiyat listesi|bảng giá|"
    r"daftar harga|senarai harga|ใบราคา|รายการราคา|لیست قیمت|قائمة الأسعار|מחירון|価格表|价目表|價目表|가격표|"
    r"collections?\s(?:19|20)\d\d|gu[ií]a de productos|product (?:guide|range|list)|product overview|produktübersicht|"
    r"produktliste|liste (?:de|des) produits|lista de productos|lista de produtos|elenco prodotti|lista produktów|"
    r"(?:список|перечень) (?:товаров|продукции)|(?:список|перелік) (?:товарів|продукції)|ürün listesi|"
    r"danh (?:mục|sách) sản phẩm|daftar produk|รายการสินค้า|لیست محصو(?:لا|ال)ت|قائمة المنتجات|"
    r"製品一覧|商品一覧|产品列表|产品手册|제품 ?목록"
)
_CATALOGUE = re.compile(_CATALOGUE_WORDS, re.IGNORECASE)
_TITLE = re.compile(rf"brochure|prospekt|{_CATALOGUE_WORDS}", re.IGNORECASE)
WORDS_OF_A_TITLE = 6  # the most words of a text that names a catalogue; a longer text may only mention one
_EDITION = re.compile(r"(?:[^\W\d]+\W+){0,4}(?:19|20)\d\d(?:\s?[-/–]\s?(?:(?:19|20)\d\d|\d\d))?")
PAGES_OF_A_SPREAD, FRONT_PAGES = 2, 8
"""The largest page number in an index: two for each page of the file, and eight more. Larger numbers that rise are
measures or prices."""
TEXTS_OF_A_COVER = 12  # the number of texts from which a page is no cover


def heading_kind(text: str) -> PageKind | None:
    """Return the kind of page that a heading names, such as "About us" or "Inhalt", else None."""
    return _HEADINGS.get(fold(re.sub(r"^\d+\W*", "", text)))


def certificates_in(text: str) -> tuple[str, ...]:
    """Return the certificates and standards named in a text, in order, each once."""
    names = (re.sub(r"\s+", " ", m.group()) for m in _CERTIFICATE.finditer(text))
    return tuple({fold(name): name for name in names if not heading_kind(name)}.values())


def names_a_catalogue(text: str) -> bool:
    """Whether a text names the kind of document ("Product Catalogue", "Preisliste") or its year ("Summer 2026")."""
    return any(_TITLE.search(words) for words in (text, "".join(text.split()))) or bool(_EDITION.fullmatch(text))


def says_catalogue(text: str) -> bool:
    """Whether a short text names the document as a catalogue or price list, not only as a brochure."""
    return len(text.split()) <= WORDS_OF_A_TITLE and any(
        _CATALOGUE.search(words) for words in (text, "".join(text.split()))
    )


def count_contacts(texts: Iterable[str]) -> int:
    """Return the number of web addresses, mail addresses and telephone numbers in texts."""
    return sum(len(_CONTACT.findall(text)) for text in texts)


def page_kind(layout: PageLayout, pages: int) -> PageKind | None:
    """Return the kind of a page, None for any other page or when unsure; a cover is only guessed."""
    if not layout.texts and not layout.pictures and not layout.attributes:
        return "blank"
    named = main_heading_kind(layout)
    if named or 0 < layout.last_entry <= PAGES_OF_A_SPREAD * pages + FRONT_PAGES:
        return named or "index"
    products = bool(layout.codes or layout.prices or [a for a in layout.attributes if a.known])
    if products or pages < 3:
        return None
    contacts = sum(bool(_CONTACT.search(t.text)) for t in layout.texts)
    contacts += sum(bool(_CONTACT.search(f"{a.label}: {a.value}")) for a in layout.attributes)
    if contacts >= 2 and len(layout.texts) < 30:
        return "contacts"
    if layout.number in (1, pages) and len(layout.texts) < TEXTS_OF_A_COVER:
        return "cover" if layout.number == 1 else "back cover"
    return None


def main_heading_kind(layout: PageLayout) -> PageKind | None:
    """Return the kind that the largest text of a page names (the topmost of equally large ones), else None."""
    heading = max(layout.texts, key=lambda t: (round(t.size), -t.box[1]), default=None)
    return heading_kind(heading.text) if heading else None


def is_label(text: str) -> bool:
    """Whether a heading is a label that any product's page may have: "Sizes", "Technical data", "Colours"."""
    return fold(text) in _LABELS
