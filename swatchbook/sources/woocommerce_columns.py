"""The columns of WooCommerce's export in other languages: the shop writes them in that of its administrator.

Only those that are read. What is in the cells of `Type`, `Published` and the like is the same in every language.
"""

import re
from collections.abc import Collection, Mapping

from swatchbook.sources.batch_names import flat, words_of

_NAMES: Mapping[str, tuple[str, ...]] = {
    "ID": ("Identyfikator",),
    "Type": ("Typ", "Tipo"),
    "SKU": ("Artikelnummer", "UGS"),
    "GTIN, UPC, EAN, or ISBN": ("GTIN, UPC, EAN oder ISBN", "GTIN, UPC, EAN ou ISBN", "GTIN, UPC, EAN o ISBN"),
    "Name": ("Nom", "Nombre", "Nome", "Nazwa"),
    "Published": ("Veröffentlicht", "Publié", "Publicado", "Pubblicato", "Opublikowano", "Opublikowany"),
    "Short description": (
        "Kurzbeschreibung", "Description courte", "Descripción corta", "Breve descrizione", "Krótki opis",
        "Descrição curta",
    ),
    "Description": ("Beschreibung", "Descripción", "Descrizione", "Opis", "Descrição"),
    "Date sale price starts": (
        "Datum, an dem Angebotspreis beginnt", "Date de début de promo", "Día en que empieza el precio rebajado",
        "Data di partenza del prezzo in saldo", "Data rozpoczęcia promocji", "Data de preço promocional começa em",
    ),
    "Date sale price ends": (
        "Datum, an dem Angebotspreis endet", "Date de fin de promo", "Día en que termina el precio rebajado",
        "Data in cui termina l'offerta", "Data zakończenia promocji", "Data de preço promocional termina em",
    ),
    "In stock?": ("Vorrätig?", "En stock ?", "¿En inventario?", "¿Existencias?", "W magazynie?", "Em estoque?"),
    "Stock": ("Lager", "Bestand", "Inventario", "Magazzino", "Stan magazynowy", "Magazyn", "Estoque"),
    "Sale price": (
        "Angebotspreis", "Tarif promo", "Precio rebajado", "Prezzo in offerta", "Cena promocyjna", "Preço promocional",
    ),
    "Regular price": (
        "Regulärer Preis", "Tarif régulier", "Precio normal", "Prezzo di listino", "Cena regularna", "Cena", "Preço",
    ),
    "Categories": ("Kategorien", "Catégories", "Categorías", "Categorie", "Kategorie", "Categorias"),
    "Tags": ("Schlagwörter", "Étiquettes", "Etiquetas", "Tag", "Tagi"),
    "Images": ("Bilder", "Imágenes", "Immagine", "Immagini", "Obrazki", "Imagens"),
    "Parent": (
        "Übergeordnetes Produkt", "Superior", "Genitore", "Element nadrzędny", "Nadrzędny", "Ascendente",
        "Produto ascendente",
    ),
    "Brands": ("Marken", "Marques", "Marcas", "Marchi", "Marki"),
}  # fmt: skip
"""Column -> how it is called in German, French, Spanish, Italian, Polish and Portuguese."""

_ENGLISH = {flat(other): name for name, others in _NAMES.items() for other in others}

_MEASURES = {
    "Weight": {"gewicht", "poids", "peso", "waga"},
    "Length": {"lange", "longueur", "longitud", "lunghezza", "długosc", "comprimento"},
    "Width": {"breite", "largeur", "anchura", "larghezza", "szerokosc", "largura"},
    "Height": {"hohe", "hauteur", "altura", "altezza", "wysokosc"},
}
_ATTRIBUTE = {"attribut", "atributo", "attributo", "atrybut", "atrybutu"}
_OF_ATTRIBUTE = {
    **dict.fromkeys(("name", "nom", "nombre", "nome", "nazwa"), "name"),
    **dict.fromkeys(("wert", "valeur", "valor", "valore", "valori", "valores", "wartosci"), "value(s)"),
    **dict.fromkeys(("sichtbar", "visible", "visibile", "widoczny", "visibilidade"), "visible"),
    **dict.fromkeys(("global", "globale", "globalny"), "global"),
    **dict.fromkeys(("standard", "defaut", "defecto", "predefinito", "domyslny", "padrao"), "default"),
}
"""Word of a column about an attribute -> the word in English."""


def english_columns(columns: Collection[str]) -> dict[str, str]:
    """Return column -> its English name. A column keeps its name where another has that one."""
    taken, found = {flat(column) for column in columns}, dict[str, str]()
    for column in columns:
        name = english(column)
        found[column] = column if flat(name) in taken else name
        taken.add(flat(name))
    return found


def english(column: str) -> str:
    """Return the English name of a column, or the name itself if it is not known in another language.

    "Attribut 2 Wert(e)" is "Attribute 2 value(s)", and "Gewicht (g)" is "Weight (g)".
    """
    words = words_of(column)
    unit = re.search(r"\(\w+\)$", column.strip())
    measure = next((name for name, others in _MEASURES.items() if not others.isdisjoint(words[:1])), None)
    number = next(filter(str.isdecimal, words), None)
    part = next((_OF_ATTRIBUTE[word] for word in words if word in _OF_ATTRIBUTE), None)
    if unit and measure:
        return f"{measure} {unit[0]}"
    if number and part and not _ATTRIBUTE.isdisjoint(words):
        return f"Attribute {number} {part}"
    return _ENGLISH.get(flat(column), column)
