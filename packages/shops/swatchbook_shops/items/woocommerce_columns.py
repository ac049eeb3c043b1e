"""The columns of WooCommerce's export in other languages: the shop writes them in that of its administrator.

What is in the cells of `Type`, `Published` and the like is the same in every language.
"""

import re
from collections.abc import Collection, Mapping

from swatchbook.ingest.sources.field_words import flat, words_of

_NAMES: Mapping[str, tuple[str, ...]] = {
    "ID": ("Identyfikator",),
    "Type": ("Typ", "Tipo"),
    "SKU": ("Artikelnummer", "Art.-Nr.", "UGS", "COD", "REF"),
    "GTIN, UPC, EAN, or ISBN": (
        "GTIN, UPC, EAN oder ISBN", "GTIN, UPC, EAN ou ISBN", "GTIN, UPC, EAN o ISBN", "GTIN, UPC, EAN of ISBN",
        "GTIN, UPC, EAN lub ISBN",
    ),
    "Name": ("Nom", "Nombre", "Nome", "Nazwa", "Naam"),
    "Published": (
        "Veröffentlicht", "Publié", "Publicado", "Pubblicato", "Opublikowano", "Opublikowany", "Gepubliceerd",
    ),
    "Short description": (
        "Kurzbeschreibung", "Description courte", "Descripción corta", "Breve descrizione", "Krótki opis",
        "Descrição curta", "Descrição breve", "Korte beschrijving", "Korte omschrijving",
    ),
    "Description": ("Beschreibung", "Descripción", "Descrizione", "Opis", "Descrição", "Beschrijving"),
    "Date sale price starts": (
        "Datum, an dem Angebotspreis beginnt", "Datum, an dem der Angebotspreis beginnt", "Angebotspreis gültig ab",
        "Date de début de promo", "Día en que empieza el precio rebajado", "Data di partenza del prezzo in saldo",
        "Data rozpoczęcia promocji", "Data de preço promocional começa em", "Data de início do preço promocional",
        "Startdatum actieprijs",
    ),
    "Date sale price ends": (
        "Datum, an dem Angebotspreis endet", "Datum, an dem der Angebotspreis endet", "Angebotspreis gültig bis",
        "Date de fin de promo", "Día en que termina el precio rebajado", "Data in cui termina l'offerta",
        "Termine data del prezzo di vendita", "Data zakończenia promocji", "Data de preço promocional termina em",
        "Data de término do preço promocional", "Einddatum actieprijs",
    ),
    "In stock?": (
        "Vorrätig?", "Auf Lager?", "En stock ?", "En inventaire?", "¿En inventario?", "¿Existencias?", "W magazynie?",
        "Na stanie?", "Em estoque?", "Em stock?", "Op voorraad?",
    ),
    "Stock": (
        "Lager", "Bestand", "Lagerbestand", "Inventaire", "Inventario", "Magazzino", "Stan magazynowy", "Magazyn",
        "Estoque", "Voorraad",
    ),
    "Visibility in catalog": (
        "Sichtbarkeit im Katalog", "Visibilité dans le catalogue", "Visibilidad en el catálogo",
        "Visibilità nel catalogo", "Widoczność w katalogu", "Visibilidade no catálogo",
        "Zichtbaarheid in catalogus",
    ),
    "Backorders allowed?": (
        "Lieferrückstande erlaubt?", "Rückstände erlaubt?", "Autoriser les commandes de produits en rupture ?",
        "¿Permitir reservas de productos agotados?", "Abilita gli ordini arretrati?",
        "Pozwalać na zamówienia oczekujące (na dostawę do magazynu)?", "São permitidas encomendas?",
        "Permitir encomendas pendentes?", "Nabestellingen toestaan?",
    ),
    "Sale price": (
        "Angebotspreis", "Tarif promo", "Prix promo", "Precio rebajado", "Prezzo in offerta", "Cena promocyjna",
        "Preço promocional", "Actieprijs",
    ),
    "Regular price": (
        "Regulärer Preis", "Normaler Preis", "Tarif régulier", "Prix régulier", "Precio normal", "Precio regular",
        "Prezzo di listino", "Cena regularna", "Cena", "Preço", "Preço normal", "Reguliere prijs",
    ),
    "Categories": ("Kategorien", "Catégories", "Categorías", "Categorie", "Kategorie", "Categorias", "Categorieën"),
    "Tags": ("Schlagwörter", "Étiquettes", "Etiquetas", "Etichette", "Tag", "Tagi"),
    "Images": ("Bilder", "Imágenes", "Immagine", "Immagini", "Obrazki", "Imagens", "Afbeeldingen"),
    "Parent": (
        "Übergeordnetes Produkt", "Eltern", "Superior", "Principal", "Genitore", "Element nadrzędny", "Nadrzędny",
        "Ascendente", "Produto ascendente", "Pai", "Hoofd",
    ),
    "Brands": ("Marken", "Marques", "Marcas", "Marchi", "Marki", "Merken"),
}  # fmt: skip
"""Column -> its names in German, French, Spanish, Italian, Polish, Portuguese and Dutch, also those of old versions."""

_ENGLISH = {flat(other): name for name, others in _NAMES.items() for other in others}

_NOT_READ = """
Stock; Tags; Is featured?; Visibility in catalog; Tax status; Tax class; Low stock amount; Backorders allowed?;
Sold individually?; Allow customer reviews?; Purchase note; Shipping class; Download limit; Download expiry days;
Grouped products; Upsells; Cross-sells; External URL; Button text; Position;
Ist hervorgehoben?; Steuerstatus; Steuerklasse; Geringe Lagermenge;
Nur einzeln verkaufen?; Kundenrezensionen erlauben?; Kundenbewertungen erlauben?; Hinweis zum Kauf;
Versandklasse; Downloadlimit; Ablauftage des Downloads; Gruppierte Produkte; Zusatzverkäufe; Externe URL; Button-Text;
Cross-Sells (Querverkäufe);
Mis en avant ?; État de la TVA; Statut fiscal; Classe de TVA; Classe TVA;
Montant de stock faible; Vendre individuellement ?;
Autoriser les avis clients ?; Note de commande; Note de l'achat; Classe d'expédition; Classe de livraison;
Limite de téléchargement; Jours d'expiration du téléchargement; Groupes de produits; Produits suggérés;
Montée en gamme; Ventes croisées; URL externe; Libellé du bouton;
¿Está destacado?; Estado del impuesto; Clase de impuesto; Cantidad de bajo inventario;
¿Vendido individualmente?; ¿Permitir valoraciones de clientes?;
Nota de compra; Clase de envío; Límite de descargas; Días de caducidad de la descarga; Productos agrupados;
Ventas dirigidas; Ventas cruzadas; URL externa; Texto del botón; Posición;
In primo piano?; Stato delle imposte; Aliquota di imposta; Quantità in magazzino bassa;
Venduto singolarmente?; Permetti le recensioni clienti?; Nota di acquisto;
Classe di spedizione; Limite di download; Scarica i giorni di scadenza; Prodotti raggruppati; Up-sell; Cross-sell;
URL esterna; URL esterno; Testo del pulsante; Posizione;
Wyróżniony produkt?; Status podatku; Klasa podatkowa; Niski stan magazynowy;
Sprzedawany pojedynczo?; Włącz opinie klientów?;
Notatka do zakupu; Klasa wysyłkowa; Limit pobrań; Ważność pobierania; Produkty grupowe; Produkty "up-sell";
Produkty "Cross-sell"; Zewnętrzny adres URL; Tekst przycisku; Pozycja;
Em destaque?; Status do imposto; Situação fiscal; Classe de imposto;
Quantidade baixa de estoque; Valor de stock baixo;
Vender individualmente?; Permitir avaliações de clientes?; Observação de compra; Nota da compra; Nota da encomenda;
Classe de entrega; Classe de envio; Limite de downloads; Limite de descarregamento; Dias para expirar o download;
Dias para expirar o descarregamento; Grupo de produtos; Produtos agrupados; Aumenta vendas; Venda cruzada;
Vendas cruzadas; URL externo; Texto do botão; Posição;
Uitgelicht?; Btw status; Belastingklasse; Lage voorraad;
Wordt individueel verkocht?; Klantbeoordelingen toestaan?; Aankoopnotitie; Verzendklasse; Downloadlimiet;
Dagen vervaltijd download; Gegroepeerde producten; Knop tekst; Positie
"""
NOT_READ = frozenset(flat(name) for name in _NOT_READ.split(";"))
"""The flat names of columns that say nothing of a product which is kept, in these languages."""

_MEASURES = {
    "Weight": {"gewicht", "poids", "peso", "waga"},
    "Length": {"lange", "longueur", "longitud", "lunghezza", "długosc", "comprimento", "lengte"},
    "Width": {"breite", "largeur", "anchura", "ancho", "larghezza", "szerokosc", "largura", "breedte"},
    "Height": {"hohe", "hauteur", "altura", "altezza", "wysokosc", "hoogte"},
}
_ATTRIBUTE = {"attribut", "atributo", "attributo", "atrybut", "atrybutu", "eigenschap", "standaardeigenschap"}
_OF_ATTRIBUTE = {
    **dict.fromkeys(("name", "nom", "nombre", "nome", "nazwa", "naam"), "name"),
    **dict.fromkeys((
        "wert", "valeur", "valor", "valore", "valori", "valuta", "valores", "wartosci", "wartosc", "waarde",
    ), "value(s)"),
    **dict.fromkeys((
        "sichtbar", "visible", "visibile", "widoczny", "visibilidade", "visivel", "zichtbare",
    ), "visible"),
    **dict.fromkeys(("global", "globale", "globalny"), "global"),
    **dict.fromkeys((
        "standard", "defaut", "defecto", "predefinito", "domyslny", "padrao", "standaardeigenschap",
    ), "default"),
}  # fmt: skip
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
