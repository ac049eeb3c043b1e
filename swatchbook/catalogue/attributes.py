"""Labels with their values ("Size: 60 x 120 cm"): the words for labels in many languages, and which value belongs to a
label in a line, row or column. Also what counts as a price, an article code or a measure.

Labels are known words in many languages, or any short text before a colon. Values are always text of the page.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from swatchbook.geometry import bounding_box
from swatchbook.records import Box, Line

LABELS: Mapping[str, str] = {
    "dimensions": "dimensions dimension measurements measurement measures abmessungen abmessung maße masse "
    "medidas medida dimensiones dimensioni dimensões dimensoes afmetingen wymiary размеры габариты ölçüler "
    "boyutlar 尺寸 サイズ 规格",
    "size": "size sizes format formats größe grösse groesse formato formati formatos taille tamaño talla tamanho "
    "maat misura misure rozmiar размер формат ebat",
    "width": "width breite largeur larghezza ancho anchura largura breedte szerokość ширина genişlik",
    "height": "height höhe hoehe hauteur altezza alto altura hoogte wysokość высота yükseklik",
    "depth": "depth tiefe profondeur profondità profundidad fondo profundidade diepte głębokość глубина derinlik",
    "length": "length länge laenge longueur lunghezza longitud largo comprimento lengte długość длина uzunluk",
    "diameter": "diameter durchmesser diamètre diametro diámetro średnica диаметр çap",
    "thickness": "thickness stärke staerke dicke épaisseur epaisseur spessore espesor grosor espessura dikte "
    "grubość толщина kalınlık",
    "material": "material materials werkstoff materialien matière matériau materiau materiale materiali "
    "materiales materiaal materiał материал материалы malzeme composition zusammensetzung composizione "
    "composición состав fabric 材料 材质 素材",
    "finish": "finish finishes oberfläche oberflaeche ausführung finition finitions finitura finiture acabado "
    "acabados acabamento afwerking wykończenie отделка покрытие yüzey surface superficie 表面",
    "color": "color colour colors colours farbe farben couleur couleurs colore colori colores cor cores kleur "
    "kleuren kolor kolory цвет цвета renk 颜色 カラー",
    "style": "style styles stil estilo stile styl стиль",
    "pattern": "pattern design muster dekor motif decor decoro",
    "price": "price prices rrp mrp preis preise prix prezzo prezzi precio precios preço preco prijs cena цена "
    "стоимость fiyat 价格 価格",
    "code": "code codes sku ref ref. reference referenz référence riferimento referencia referência art.-nr. "
    "art.nr. art.-nr artikelnummer artikel-nr. artnr bestellnummer best.-nr. codice codigo código kod артикул "
    "код ean 货号 型号 品番 item-no. item-no model modell modelo modello модель",
    "weight": "weight gewicht poids peso waga вес масса ağırlık 重量",
    "slip_rating": "slip-rating slip-resistance anti-slip r-rating rutschfestigkeit rutschhemmung "
    "trittsicherheit antiscivolo antidérapant antideslizante resbaladicidad",
    "application": "application applications use usage anwendung einsatzbereich utilisation impiego uso "
    "aplicación aplicaciones применение назначение kullanım",
    "packaging": "packaging packing pack verpackung verpackungseinheit emballage conditionnement imballo "
    "embalaje упаковка moq",
    "origin": "origin herkunft origine origen herkomst происхождение",
    "fire_rating": "fire-rating fire-class brandklasse brandschutzklasse",
    "water_absorption": "water-absorption wasseraufnahme",
    "capacity": "capacity volume volumen capacité capacità capacidad volumen inhalt объем объём",
    "power": "power wattage leistung puissance potenza potencia voltage spannung мощность",
    "warranty": "warranty guarantee garantie garanzia garantía гарантия",
    "designer": "designer diseñador дизайнер",
    "collection": "collection series serie kollektion collezione colección",
    "edge": "edge edges kante kanten",
    "quantity": "quantity menge quantité quantità cantidad",
}
"""Normalised key -> the words that catalogues print for it. A hyphen within a word also stands for a space."""

_KEYS = {word.replace("-", " "): key for key, words in LABELS.items() for word in words.split()}
_EDGE_SIGNS = " \t\u00a0:：.·•*–—-=|"
_UNIT = re.compile(r"[\[(].*?[\])]|\b(?:in )?(?:mm|cm|kg|inch|inches|g)\s*$", re.IGNORECASE)
_INLINE = re.compile(r"^\s*(?P<label>[^\d:：]{2,32}?)\s*(?P<sign>[:：=]|\s[–—-]\s|[–—-]\s)\s*(?P<value>\S.*)$")
_PRICE = re.compile(
    r"(?:€|\$|£|₹|¥|₽|₺|\bEUR|\bUSD|\bGBP|\bCHF|\bINR|\bRs\.?|\bKSh\.?|\bKES|\bAED|\bPLN)\s?\d[\d.,' ]*"
    r"|\b\d[\d.,' ]*\s?(?:€|£|₹|¥|₽|₺|EUR\b|USD\b|GBP\b|CHF\b|PLN\b|zł|руб|kr\b|/-)",
)
_CODE = re.compile(
    r"(?:[A-Z]{1,6}[-./ ]?\d{2,}[A-Z0-9]*|\d{2,}[A-Z]{1,4}\d*|\d{2,}[-./][A-Z0-9]{2,}|\d{5,8})(?:[-./][A-Z0-9]+)*"
)
_MEASURE = re.compile(
    r"^[\d.,]+\s?(?:[X×*]\s?[\d.,]+|(?:MM|CM|M|KG|G|L|W|V|K|ML)(?!\w)|%)|^(?:19|20)\d\d$|^\d{1,2}[./]\d{1,2}[./]\d{2,4}$"
)

ROW = 0.6
"""Two lines are in one row when their middles differ by less than this share of the font size."""
REACH = 0.3
"""The longest distance of a value to the right of its label, as a share of the page's width."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A label with its value, and the box around both. `known` labels are in LABELS; others have a derived key."""

    key: str
    label: str
    value: str
    box: Box
    known: bool


def key_of(label: str) -> str | None:
    """Return the normalised key of a known label, else None."""
    return _KEYS.get(_strip_label(label))


def price_in(text: str) -> str | None:
    """Return the first price in a text, as printed."""
    match = _PRICE.search(text)
    return match.group().strip() if match else None


def code_of(text: str) -> str | None:
    """Return the text if it is an article code: letters and digits, no measure, year or date. Else None."""
    bare = text.strip(_EDGE_SIGNS)
    return bare if _CODE.fullmatch(bare) and not is_measure(bare) else None


def is_measure(text: str) -> bool:
    """Whether a text begins with a number and a unit, or is a year or a date: "1500mm", "60 x 120", "2024"."""
    return _MEASURE.match(text.strip().upper()) is not None


def find_attributes(lines: Sequence[Line], width: float) -> tuple[Attribute, ...]:
    """Return the labels with values among the lines of a page `width` points wide, in the order of their labels."""
    return tuple(a for a, _ in match_attributes(lines, width))


def match_attributes(lines: Sequence[Line], width: float) -> list[tuple[Attribute, tuple[int, ...]]]:
    """Return each attribute with the indices of its lines; a value wrapped over several lines is joined."""
    labels = {i: key for i, line in enumerate(lines) if (key := _cell_label(line.text))}
    inline = {i: m for i, line in enumerate(lines) if i not in labels and (m := _inline_of(line.text))}
    used: set[int] = set()
    pairs: list[tuple[Attribute, tuple[int, ...]]] = []
    for i, line in enumerate(lines):
        if i in labels:
            j = _value_of(i, lines, labels, used, width)
            if j is None:
                continue
            label, key, values = line.text.strip(_EDGE_SIGNS), labels[i], [j]
            text = lines[j].text.strip()
        elif i in inline and i not in used:
            key, label, text = inline[i]
            values = []
        else:
            continue
        values += _wrapped(i, values[0] if values else i, lines, {*labels, *inline, *used})
        used.update(values)
        text = " ".join([text, *(lines[k].text.strip() for k in values if k != i and lines[k].text.strip() != text)])
        indices = tuple(dict.fromkeys((i, *values)))
        is_known = key_of(label) is not None or key != derive_key(label)
        pairs.append((Attribute(key, label, text, bounding_box(lines[k].bbox for k in indices), is_known), indices))
    return pairs


def inline_label(text: str) -> bool:
    """Whether a line holds a label, a colon and its value."""
    return _inline_of(text) is not None


def without_values(text: str) -> str:
    """Return a text up to the first known label with a colon: "Polo set - Size: 23 x 18" is "Polo set"."""
    for colon in re.finditer(r"\s*[:：]", text):
        words = text[: colon.start()].split()
        for n in (1, 2):
            if len(words) > n and key_of(" ".join(words[-n:])):
                return " ".join(words[:-n]).rstrip(_EDGE_SIGNS)
    return text


def _inline_of(text: str) -> tuple[str, str, str] | None:
    """Return key, label and value of a line that holds a label and its value, else None."""
    m = _INLINE.match(text)
    key = _inline_key(m["label"], m["sign"]) if m else None
    return (key, m["label"].strip(_EDGE_SIGNS), m["value"].strip()) if m and key else None


def _wrapped(label: int, value: int, lines: Sequence[Line], others: Collection[int]) -> list[int]:
    """Return the indices of the lines that continue a value: directly below, of the same size, in mid-sentence."""
    indices: list[int] = []
    last = lines[value]
    for k in range(value + 1, min(value + 3, len(lines))):
        below = lines[k]
        step, size = below.bbox[1] - last.bbox[1], last.size
        follows = 0.5 * size <= step <= 1.6 * size and abs(below.bbox[0] - last.bbox[0]) <= 0.5 * size
        if k == label or k in others or not follows or abs(below.size - size) > 0.5 or not _continues(last, below):
            break
        indices.append(k)
        last = below
    return indices


def _continues(line: Line, below: Line) -> bool:
    """Whether a line ends, or the next begins, in the middle of a sentence."""
    return line.text.rstrip().endswith((",", " and", " und", " et", " e", " y", "/", "&")) or below.text[:1].islower()


def _strip_label(label: str) -> str:
    """Return a label in lower case, without units, brackets and signs around it."""
    return " ".join(_UNIT.sub("", label.casefold().replace("-", " ")).strip(_EDGE_SIGNS).split())


def derive_key(label: str) -> str:
    """Return a key for a label that is not known: its words in lower case, joined by underscores."""
    return re.sub(r"\W+", "_", _strip_label(label)).strip("_")


def _cell_label(text: str) -> str | None:
    """Return the key of a line that is only a label: a known word, or up to three words before a final colon."""
    if key := key_of(text):
        return key
    bare = _strip_label(text)
    if text.rstrip().endswith((":", "：")) and 0 < len(bare.split()) <= 3 and not re.search(r"\d", bare):
        words = bare.split()
        return derive_key(text) if words[0] in _KEYS or words[-1] in _KEYS else None
    return None


def _inline_key(label: str, sign: str) -> str | None:
    """Return the key of the text before a sign. A dash counts only after a known label: names hold dashes too."""
    if key := key_of(label):
        return key
    words = _strip_label(label).split()
    return derive_key(label) if sign in ":：=" and 0 < len(words) <= 3 and derive_key(label) else None


def _heads_columns(i: int, lines: Sequence[Line], labels: Mapping[int, str]) -> bool:
    """Whether a label without a colon is in a row with other labels: its values are then below."""
    y0, y1 = lines[i].bbox[1], lines[i].bbox[3]
    if lines[i].text.rstrip().endswith((":", "：")):
        return False
    return any(j != i and abs(lines[j].bbox[1] + lines[j].bbox[3] - y0 - y1) < lines[i].size for j in labels)


def _value_of(i: int, lines: Sequence[Line], labels: Mapping[int, str], used: set[int], width: float) -> int | None:
    """Return the index of the value: the nearest line to the right in the label's row, else the line below."""
    x0, y0, x1, y1 = lines[i].bbox
    size = lines[i].size or y1 - y0
    beside: list[tuple[float, int]] = []
    below: list[tuple[float, int]] = []
    for j, other in enumerate(lines):
        if j == i or j in used or not other.text:
            continue
        ox0, oy0, _, oy1 = other.bbox
        if abs((oy0 + oy1) - (y0 + y1)) / 2 < ROW * size and x1 - 2 <= ox0 <= x1 + REACH * width:
            beside.append((ox0 - x1, j))
        elif 0.4 * size <= oy0 - y0 <= 2.2 * size and abs(ox0 - x0) <= 0.8 * size and j not in labels:
            below.append((oy0, j))
    right = min(beside, default=None)
    if below and _heads_columns(i, lines, labels):
        return min(below)[1]
    if right is not None and right[1] not in labels:
        return right[1]
    if lines[i].text.rstrip().endswith((":", "：")) and right is not None:
        return None
    return min(below)[1] if below else None
