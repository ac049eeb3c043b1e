"""Values that need no label, since they look like nothing else: prices, sizes with "x", sizes of clothes, weights,
contents, slip ratings, packs ("5 planks / carton") and compositions, whose shares add up to 100 %.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from swatchbook.catalogue.attributes import code_of, key_of, price_in

_NUMBER = r"\d+(?:[.,]\d+)?"
_LENGTH = r"(?:mm|cm|m|inch(?:es)?|in|ft|мм|см|м|''|\"|”|“|′′|″|')(?!\w)"
_SIDE = rf"(?:[LWHDBTØ]\s?[:=]?\s?)?{_NUMBER}(?:\s?[-–/]\s?{_NUMBER})?\s?(?:{_LENGTH})?\s?(?:\([LWHDBTH]\))?"
_TIMES = r"\s?[x×*хX✕]\s?"
_SIZE = re.compile(
    rf"(?<![\w.,]){_SIDE}(?:{_TIMES}{_SIDE}){{1,3}}(?:\s?{_LENGTH})?(?:\s?\((?:mm|cm|inch(?:es)?|in|m)\))?(?!\w)",
    re.IGNORECASE,
)
_BARE_SIZE = re.compile(rf"(?<![\w.,])\d{{2,4}}(?:{_TIMES}\d{{1,4}}){{1,2}}(?![\w.,])", re.IGNORECASE)
"""Two or three numbers without a unit: only where nothing else stands, or in a name."""
_SINGLE = re.compile(rf"(?<![\w.,]){_NUMBER}\s?(?:mm|cm|m|мм|см|м)(?![\w²2])", re.IGNORECASE)
"""One length: only where nothing else stands, or in a name."""
_SLIP = re.compile(r"\bR\s?(?:9|1[0-3])(?:\s?[ABC](?!\w))?(?!\w)")
_WEIGHT = re.compile(
    rf"(?<![\w.,]){_NUMBER}\s?(?:kgs?|g/m²|g/m2|gr?|lbs?|oz|кг|гр?|gms?|grams?)\.?(?!\w)", re.IGNORECASE
)
_WEIGHT_IN_TEXT = re.compile(rf"(?<![\w.,]){_NUMBER}\s?(?:kg|g/m²|g/m2|кг)(?!\w)", re.IGNORECASE)
"""Lighter units only where nothing else stands: grams are also of ingredients, pounds of money."""
_CAPACITY = re.compile(
    rf"(?<![\w.,]){_NUMBER}\s?(?:ml|cl|l|lt|ltr|ltrs|lit(?:er|re)s?|litros?|gal(?:lons?)?|мл|л)\.?(?!\w)", re.IGNORECASE
)
_PACK = re.compile(
    r"(?<!\d)\d{1,5}\s*(?:[^\W\d]\w{0,20}\s*)?(?:/|per|pro|par|por|a|в)\s*(?:carton|ctn|box|bx|pack|pkt|case|bag|pallet|karton|paket|palette|"
    r"scatola|caja|caixa|paquete|bo[iî]te|koli|kutu|hộp|dus|коробк\w*|упаковк\w*)(?!\w)"
    r"(?:[\s=(:]*\d+(?:[.,]\d+)?\s?(?:m2|m²|sqm|sqft|sq\.?\s?ft|kg|pcs)\)?)?",
    re.IGNORECASE,
)
_CLOTHES = r"(?:X{0,4}[SL]|[2-6]XL|M)"
_CLOTHES_SIZES = re.compile(rf"{_CLOTHES}(?:\s?[,/–-]\s?{_CLOTHES})+\s?,?")
_NUMBERED_SIZES = re.compile(r"[2-6]\d(?:\s?[,/]\s?[2-6]\d){3,},?")
_ONE_SIZE = re.compile(
    r"one size(?: fits all)?|talla única|taglia unica|taille unique|tamanho único|einheitsgröße|безразмерн\w*",
    re.IGNORECASE,
)
_SHARE = r"\d{1,3}(?:\s?[-–]\s?\d{1,3})?\s?%"
_COMPOSITION = (
    re.compile(rf"({_SHARE})\s?(?:de\s)?([^\W\d]{{3,30}}(?:\s[^\W\d]{{3,30}})?)"),
    re.compile(rf"(?<![^\W\d])([^\W\d]{{3,30}}(?:\s[^\W\d]{{3,30}})?)\s?:?\s?({_SHARE})"),
)
MOST_DIGITS_OF_A_NUMBER = 2
"""A word of a name with so many digits is a number of a series, and with more of them a code."""
MOST_WORDS_OF_ONE_SHARE = 4
"""A longer text with one share of 100 % praises something."""
_UNITS = r"(?:mm|cm|m²|m2|kgs?|ml|cl|g/m²|g/m2|gsm|gr|oz|lbs?|inch(?:es)?|kW|мм|см|м²|м2|кг|мл|кВт)"
_MEASURE = re.compile(rf"(?<![\w.,]){_NUMBER}\s?{_UNITS}\.?(?!\w)|[,(\[]\s?{_UNITS}\.?[)\]]?\s*$", re.IGNORECASE)
"""Units of one letter are left out: they are also those of time, years and money."""
MOST_WORDS = 8
"""A line of more words is prose: what it measures need not be the product."""


def values_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of what a short line says without a label."""
    text = text.strip()
    if composition := composition_in(text):
        yield "material", composition
        return
    if len(text.split()) > MOST_WORDS:
        return
    if price := price_in(text):
        yield "price", price.rstrip(" .,'")
    if labelled := _labelled(text):
        yield labelled
        return
    if pack := _PACK.search(text):
        yield "packaging", pack.group()
        return
    if _CLOTHES_SIZES.fullmatch(text) or _is_rising(text) or _ONE_SIZE.fullmatch(text):
        yield "size", text.rstrip(" ,")
    if size := size_in(text):
        yield "dimensions", size
    elif (whole := _whole(text)) and whole[0] != "dimensions":  # a length alone may be of any side or part
        yield whole
    if slip := _SLIP.search(text):
        yield "slip_rating", slip.group()
    if not _whole(text) and (weight := _WEIGHT_IN_TEXT.search(text)):
        yield "weight", weight.group()


def values_in_name(name: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of what a product's name says of its size and code: "Paving 30x30", "T7086 squares"."""
    words = name.split()
    for word in (words[0], words[-1]) if len(words) > 1 else ():
        if code_of(word) and sum(map(str.isdigit, word)) > MOST_DIGITS_OF_A_NUMBER:
            yield "code", word
            break
    for pattern in (_SIZE, _BARE_SIZE, _SINGLE):
        if match := pattern.search(name):
            yield "dimensions", match.group().strip()
            return


def size_in(text: str) -> str | None:
    """Return the first size of two or more sides, one of them with its unit, as printed; without one if it is all."""
    for match in _SIZE.finditer(text):
        if re.search(_LENGTH, match.group(), re.IGNORECASE) or re.search(r"\((?:mm|cm|in)", match.group()):
            return match.group().strip()
    whole = _BARE_SIZE.fullmatch(text)
    return whole.group() if whole else None


def says_measure(text: str) -> bool:
    """Whether a text says a length, area, weight, content or power with its unit: what goods are sold by."""
    return _MEASURE.search(text) is not None or size_in(text) is not None


def kind_of(value: str) -> str | None:
    """Return the key of a value that is only a weight, a content or a length with its unit, else None."""
    whole = _whole(value)
    return whole[0] if whole else None


def composition_in(text: str) -> str | None:
    """Return the shares of materials in a text if they add up to 100 %, as printed: "80% cotton 20% polyester"."""
    for pattern in _COMPOSITION:
        matches = list(pattern.finditer(text))
        shares = [re.search(_SHARE, match.group()) for match in matches]
        whole = sum(share_of(share.group()) for share in shares if share) == 100
        if whole and (len(matches) > 1 or len(text.split()) <= MOST_WORDS_OF_ONE_SHARE):
            return text[matches[0].start() : matches[-1].end()]
    return None


def share_of(text: str) -> int:
    """Return the first number of a share: 80 of "80-86%"."""
    number = re.search(r"\d+", text)
    return int(number.group()) if number else 0


def shares_in(text: str) -> list[str]:
    """Return the shares that a text consists of, or nothing if it says anything else."""
    shares = re.findall(_SHARE, text)
    return shares if not re.sub(_SHARE, "", text).strip() else []


def _whole(text: str) -> tuple[str, str] | None:
    """Return key and value if a text is a weight, a content or a length, and nothing else."""
    for key, pattern in (("weight", _WEIGHT), ("capacity", _CAPACITY), ("dimensions", _SINGLE)):
        if pattern.fullmatch(text):
            return key, text
    return None


def _labelled(text: str) -> tuple[str, str] | None:
    """Return key and value of a known label that a measure follows without a sign: "Weight 400 g"."""
    words = text.split()
    for n in range(min(3, len(words) - 1), 0, -1):
        key, value = key_of(" ".join(words[:n])), " ".join(words[n:])
        if key and value[0].isdigit() and (_whole(value) or _SIZE.fullmatch(value)):
            return key, value
    return None


def _is_rising(text: str) -> bool:
    """Whether a text lists sizes by number, each greater than the one before."""
    if not _NUMBERED_SIZES.fullmatch(text):
        return False
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return all(a < b for a, b in pairwise(numbers))
