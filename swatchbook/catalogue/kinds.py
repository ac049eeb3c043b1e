"""What a page is when it is no product page: cover, index, about, contacts, blank. Unsure is None."""

import re
from typing import Literal

from swatchbook.catalogue.attributes import LABELS
from swatchbook.catalogue.layout import PageLayout, Text
from swatchbook.records import fold

PageKind = Literal["blank", "cover", "back cover", "index", "about", "contacts", "legal", "certificates"]

_WORDS: dict[PageKind, str] = {
    "index": "index|contents|table of contents|content|inhalt|inhaltsverzeichnis|verzeichnis|sommaire|"
    "table des matières|indice|índice|contenido|contenidos|sumário|inhoud|inhoudsopgave|spis treści|содержание|"
    "оглавление|içindekiler|目录|目次",
    "about": "about|about us|who we are|our story|our company|company|company profile|our history|history|"
    "our philosophy|philosophy|our mission|mission|vision|mission and vision|our values|introduction|welcome|"
    "foreword|preface|our team|team|the company|sustainability|über uns|das unternehmen|unternehmen|philosophie|"
    "nachhaltigkeit|vorwort|qui sommes nous|à propos|notre histoire|chi siamo|azienda|l azienda|quienes somos|"
    "quiénes somos|nosotros|la empresa|sobre nós|over ons|o nas|о нас|о компании|hakkımızda|关于我们|agenda|"
    "references|bibliography|abstract|summary|conclusion|conclusions|thank you|questions|any questions|"
    "how to order|why choose us|our services|services",
    "contacts": "contact|contacts|contact us|get in touch|kontakt|kontakte|contatti|contacto|contactos|contato|"
    "contactez nous|контакты|iletişim|dealers|showrooms|where to buy|find us|联系我们|visit us",
    "legal": "terms|terms and conditions|general terms|legal|legal notice|imprint|impressum|agb|disclaimer|"
    "copyright|warranty|guarantee|conditions of sale|mentions légales|note legali|aviso legal|legend|key|symbols|"
    "notes|care and cleaning|cleaning and maintenance|care|maintenance|installation|laying instructions|"
    "technical information|general information|glossary|garantie|pflege|legende|technische informationen",
    "certificates": "certificates|certifications|certification|our certificates|zertifikate|certificats|"
    "certificati|certificazioni|certificados|certificaciones|certificaten|сертификаты|quality and certificates|"
    "awards",
}
_HEADINGS = {fold(word): kind for kind, words in _WORDS.items() for word in words.split("|")}
_CONTACT = re.compile(
    r"[\w.+-]+\s?@\s?[\w-]+\.|www\.|https?://|\+\d[\d\s()/-]{6,}|(?:tel|phone|fax|mob)\b\.?\s*:?\s*[+(\d]",
    re.IGNORECASE,
)
_CERTIFICATE = re.compile(
    r"\b(?:ISO\s?\d{4,5}|FSC|PEFC|OEKO-?TEX|LEED|BREEAM|GREENGUARD|EPD|Cradle to Cradle|EN\s?\d{4,5}|ASTM\s?[A-Z]\d+|"
    r"CE[- ](?:mark\w*|certif\w*)|certificat\w*|zertifi\w*)",
    re.IGNORECASE,
)

TEXTS_OF_A_COVER = 12
"""A cover holds fewer texts than this."""


def heading_kind(text: str) -> PageKind | None:
    """What a heading says its page is, where it is no product's: "About us", "Inhalt"."""
    return _HEADINGS.get(fold(re.sub(r"^\d+\W*", "", text)))


def certificates_in(text: str) -> tuple[str, ...]:
    """Certificates and standards that a text names, in order, each once."""
    found = (re.sub(r"\s+", " ", m.group()) for m in _CERTIFICATE.finditer(text))
    return tuple({fold(f): f for f in found if not heading_kind(f)}.values())


def page_kind(sheet: PageLayout, pages: int) -> PageKind | None:
    """The kind of a page of a document of `pages` pages, None for any other page or when unsure."""
    if not sheet.texts and not sheet.pictures and not sheet.attributes:
        return "blank"
    head = _head(sheet)
    said = heading_kind(head.text) if head else None
    if said or sheet.entries:
        return said or "index"
    goods = bool(sheet.codes or sheet.prices or [a for a in sheet.attributes if a.known])
    if goods or pages < 3:
        return None
    contacts = sum(bool(_CONTACT.search(t.text)) for t in sheet.texts)
    contacts += sum(bool(_CONTACT.search(f"{a.label}: {a.value}")) for a in sheet.attributes)
    if contacts >= 2 and len(sheet.texts) < 30:
        return "contacts"
    if sheet.number in (1, pages) and len(sheet.texts) < TEXTS_OF_A_COVER:
        return "cover" if sheet.number == 1 else "back cover"
    return None


def _head(sheet: PageLayout) -> Text | None:
    """The largest text of a page; the topmost where several are as large."""
    return max(sheet.texts, key=lambda t: (round(t.size), -t.box[1]), default=None)


def is_label(text: str) -> bool:
    """Whether a heading is only a word of every product's page: "Sizes", "Technical data", "Colours"."""
    bare = fold(text)
    return bare in _LABELS


_LABELS = {fold(w) for words in LABELS.values() for w in words.split()} | {
    fold(w)
    for w in [
        "technical data",
        "technical specifications",
        "specifications",
        "specification",
        "features",
        "details",
        "description",
        "available in",
        "variants",
        "options",
        "accessories",
        "technische daten",
        "beschreibung",
        "merkmale",
        "zubehör",
        "données techniques",
        "caractéristiques",
        "dati tecnici",
        "caratteristiche",
        "datos técnicos",
        "características",
        "характеристики",
        "описание",
        "teknik özellikler",
        "new",
        "neu",
        "sale",
        "inspiration",
        "in use",
        "gallery",
        "available colours",
        "available sizes",
        "available finishes",
        "product details",
        "product data",
        "product code",
        "article number",
        "item number",
        "overview",
        "applications",
        "care instructions",
    ]
}
