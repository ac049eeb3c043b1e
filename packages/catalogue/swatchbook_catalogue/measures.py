"""Find values that need no label, because they look like nothing else: prices, sizes, weights, packs, compositions."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from swatchbook_base.printed_prices import former_in, is_amount, price_in
from swatchbook_catalogue.attributes import WORDS_OF, code_of, fact_key, is_measure, read_words
from swatchbook_catalogue.color_words import color_at_end, colors_in

_NUMBER = r"\d+(?:[.,]\d+)?"
_LENGTH = r"(?:mm|cm|m|inch(?:es)?|in|ft|мм|см|м|''|\"|”|“|′′|″|')(?!\w)"
_RANGE = rf"{_NUMBER}(?:\s?[-–]\s?{_NUMBER})?"
_SIDE = rf"(?:[LWHDBTØ]\s?[:=]?\s?)?{_NUMBER}(?:\s?[-–/]\s?{_NUMBER})?\s?(?:{_LENGTH})?\s?(?:\([LWHDBTH]\))?"
_TIMES = r"\s?[x×*хX✕]\s?"
_SIZE = re.compile(
    rf"(?<![\w.,]){_SIDE}(?:{_TIMES}{_SIDE}){{1,3}}(?:\s?{_LENGTH})?(?:\s?\((?:mm|cm|inch(?:es)?|in|m)\))?(?!\w)",
    re.IGNORECASE,
)
_BARE_SIZE = re.compile(rf"(?<![\w.,])\d{{2,4}}(?:{_TIMES}\d{{1,4}}){{1,2}}(?![\w.,])", re.IGNORECASE)
"""Two or three numbers without a unit: a size only if the text has nothing else, or in a name."""
_SINGLE = re.compile(rf"(?<![\w.,]){_NUMBER}\s?(?:mm|cm|m|мм|см|м)(?![\w²2])", re.IGNORECASE)
"""One length: a size only if the text has nothing else, or in a name."""
_SIDED = re.compile(
    rf"(?<![\w.,])(?:(?:[HWDLBTØøФ⌀]|Diam|dia|alt|prof|larg|anch)\.?\s?[:=]?\s?{_NUMBER}\s?(?:{_LENGTH})?[\s,;/x×X-]{{0,3}})+(?!\w)"
)
"""Sides with their letters: "H 75 cm", "Ø 30 cm", "W60 D40 H75 cm"; one of them has a unit."""
_LETTERED = re.compile(r"[WHDLBTØШВГД]\s?[:=]\s?\d{2,4}(?:[.,]\d)?(?:\s?[-–]\s?\d{2,4})?")
"""A side with its letter and a sign, without a unit: a size only if the text has nothing else."""
_SLIP = re.compile(r"\bR\s?(?:9|1[0-3])(?:\s?[ABC](?!\w))?(?!\w)")
_WEIGHT = re.compile(
    rf"(?<![\w.,]){_RANGE}\s?(?:kgs?|g/m²|g/m2|gr?|lbs?|oz|кг|гр?|gms?|grams?|gramm)\.?(?!\w)", re.IGNORECASE
)
_WEIGHT_IN_TEXT = re.compile(rf"(?<![\w.,]){_NUMBER}\s?(?:kg|g/m²|g/m2|кг)(?!\w)", re.IGNORECASE)
"""A weight within a text, without grams and pounds, which may be those of ingredients or money."""
_MISREAD_GRAMS = re.compile(r"^(\d+(?:[.,]\d+)?\s?)r$")
_CAPACITY = re.compile(
    rf"(?<![\w.,]){_NUMBER}\s?(?:ml|cl|l|lt|ltr|ltrs|lit(?:er|re)s?|litros?|gal(?:lons?)?|мл|л)\.?(?!\w)", re.IGNORECASE
)
_PACK = re.compile(
    r"(?<!\d)\d{1,5}\s*(?:[^\W\d]\w{0,20}\s*)?(?:/|per|pro|par|por|a|в)\s*(?:carton|ctn|box|bx|pack|pkt|case|bag|pallet|karton|paket|palette|"
    r"scatola|caja|caixa|paquete|bo[iî]te|koli|kutu|hộp|dus|коробк\w*|упаковк\w*)(?!\w)"
    r"(?:[\s=(:]*\d+(?:[.,]\d+)?\s?(?:m2|m²|sqm|sqft|sq\.?\s?ft|kg|pcs)\)?)?",
    re.IGNORECASE,
)
_CONTAINERS: Final = frozenset(word for words in read_words("fact_words.toml")["containers"].values() for word in words)
_COUNT = r"[x×хX]\s?\d{1,5}(?![\d.,])|(?<![\d.,])\d{1,5}\s?[x×хX](?!\s?\d)"
_CONTAINER = re.compile(r"(?P<first>\d{1,5}\s?[x×хX]?\s)?(?P<word>[^\W\d]+(?:[-/][^\W\d]+)?)(?P<rest>\W.*)")
_MOST_WORDS_BESIDE = 3  # the most words next to a container's content: "Boite ronde 350 g", "Tubo de 70 g"
_AMOUNT_FIRST = re.compile(r"(?:(?:от|from|ab|da|desde|dès|od)\s)?\d", re.IGNORECASE)
_SIDE_BY_SIDE = r"(?:x|×|mm|cm|m|kg|g|ml|l|kw|w|v|%|€|\$|£)(?!\w)"


def _any_word(*keys: str) -> str:
    """Return the pattern of all labels for some keys, the longest first."""
    words = sorted((word for key in keys for word in WORDS_OF[key]), key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\ ", r"[\s.-]{1,2}") for word in words)


_LABELLED_CODE = re.compile(
    rf"(?<![\w-])(?:{_any_word('code')})[\s.:#№º°]{{1,4}}((?=[\w./-]*\d)[A-Z0-9А-Я][A-Z0-9А-Я./-]{{2,24}})(?![\w-])(?!\s?{_SIDE_BY_SIDE})",
    re.IGNORECASE,
)
"""A code behind its label: "Ref. 10-445", "Art. 1234"."""
_THIRD_SIDE = re.compile(
    rf",?\s(?:(?:and|und|et|e|y|и|i|en|ve)\s)?{_NUMBER}\s?{_LENGTH}\s(?:(?:of|in|de|di|da|en|w)\s)?"
    rf"(?:{_any_word('height', 'depth', 'thickness', 'width', 'length', 'diameter')}|high|deep|thick|wide|long"
    r"|hoch|tief|dick|breit|lang)(?!\w)",
    re.IGNORECASE,
)
"""One more side behind a size, with its name: "25 cm x 25 cm e 8 cm de altura"."""
_BULLET = re.compile(r"^[•·▪●◦‣∙*–-]\s+")
MEASURES: Final = frozenset({"dimensions", "size", "width", "height", "depth", "length", "diameter", "thickness"})
"""Keys of measures: if a product has one of them, no other text is searched for its size."""
NO_MEASURES = frozenset({"price", "code", "color"})  # keys whose values are not measures
_OTHER_CODES = frozenset(
    {"zip", "postal", "qr", "bar", "hs", "color", "colour", "colors", "dress", "area", "country", "tax", "vat", "promo"}
)
"""Words before "code" that make it another code than the product's, as in "QR code"."""
_DESIGNATION = re.compile(r"(?=.*\d)(?=.*[^\W\d_])[^\W_]+(?:[-/.,][^\W_]+)+|[A-Z]{2,5}-[A-Z]{1,4}\d*")
_EAN = re.compile(r"(?<![\d.,-])\d[ -]?\d{6}[ -]?\d{6}(?![\d.,-])")
_CLOTHES = r"(?:X{0,4}[SL]|[2-6]XL|M)"
_CLOTHES_SIZES = re.compile(rf"{_CLOTHES}(?:\s?[,/–-]\s?{_CLOTHES})+\s?,?")
_NUMBERED_SIZES = re.compile(r"[2-6]\d(?:\s?[,/]\s?[2-6]\d){3,},?|[2-6]\d(?:\s[2-6]\d){2,}")
_ONE_SIZE = re.compile(
    r"one size(?: fits all)?|talla única|taglia unica|taille unique|tamanho único|einheitsgröße|безразмерн\w*",
    re.IGNORECASE,
)
_SHARE = r"\d{1,3}(?:\s?[-–]\s?\d{1,3})?\s?%"
_COMPOSITION = (
    re.compile(rf"({_SHARE})\s?(?:de\s)?([^\W\d]{{3,30}}(?:\s[^\W\d]{{3,30}})?)"),
    re.compile(rf"(?<![^\W\d])([^\W\d]{{3,30}}(?:\s[^\W\d]{{3,30}})?)\s?:?\s?({_SHARE})"),
)
_FIBRE = re.compile(
    r"(?<!\w)(?:cotton|algod|baumwoll|coton|cotone|katoen|хлоп|bawełn|pamuk|bomull|bavln|pamut|linen|lino|linho|leinen|lin|"
    r"л[её]н|keten|lan|wool|lana|lã|laine|wol|шерст|wełn|yün|vuna|silk|set[ae]|seda|soie|seide|ш[её]лк|ipek|poly|poli|поли|"
    r"acr[yií]l|viscos|viskos|viscóz|вискоз|nylon|leather|cuero|piel|couro|leder|cuir|pelle|кож|deri|kož|bamb|modal|lyocell|"
    r"tencel|cas?h?mere|cachemir|jute|juta|hemp|latex|латекс|rubber|pvc|vinyl|steel|wood|oak|면|울|棉|羊毛|नायलॉन|پنبه|قطن)",
    re.IGNORECASE,
)
"""Materials of which a product may consist to 100 %."""
MOST_DIGITS_OF_A_NUMBER = 2  # digits of a word of a name that numbers a series; a word with more is a code
MOST_WORDS_OF_ONE_SHARE = 4  # words of a text in which a share of 100 % is a composition; longer is praise
_UNITS = r"(?:mm|cm|m²|m2|kgs?|ml|cl|g/m²|g/m2|gsm|gr|oz|lbs?|inch(?:es)?|kW|мм|см|м²|м2|кг|мл|кВт)"
_MEASURE = re.compile(rf"(?<![\w.,]){_NUMBER}\s?{_UNITS}\.?(?!\w)|[,(\[]\s?{_UNITS}\.?[)\]]?\s*$", re.IGNORECASE)
"""A measure with its unit. Units of one letter are left out: they may also mean time, years and money."""
MOST_WORDS = 8  # the most words of a line with values of the product; a longer line without code and price is prose


@lru_cache(maxsize=16_384)  # each product of a page asks about all of its lines
def values_in(text: str) -> tuple[tuple[str, str], ...]:
    """Return key and value of the values in a short line without a label."""
    return tuple(_values_in(text))


def _values_in(text: str) -> Iterator[tuple[str, str]]:
    text = _BULLET.sub("", text.strip())
    if composition := composition_in(text):
        yield "material", composition
        return
    if (bare := text.rstrip(" .")) and size_in(bare) == bare:
        yield "dimensions", bare
        return
    if len(text.split()) > MOST_WORDS and not (labelled_code(text) and price_in(text)):
        return
    if price := price_in(text):
        yield "price", price.rstrip(" .,'")
        if before := former_in(text):
            yield "regular_price", before
    if ean := ean_in(text):
        yield "ean", ean
    if labelled := _labelled(text):
        yield labelled
        return
    if code := labelled_code(text):
        yield "code", code
    if colors := colors_in(text):
        yield from (("color", color) for color in colors)
        return
    if pack := _PACK.search(text):
        yield "packaging", pack.group()
        return
    if is_container(text):
        yield "packaging", text
        return
    if _CLOTHES_SIZES.fullmatch(text) or _is_rising(text) or _ONE_SIZE.fullmatch(text):
        yield "size", text.rstrip(" ,")
    if size := size_in(text) or _sides_in(text) or (text if _LETTERED.fullmatch(text) else None):
        yield "dimensions", size
    elif (whole := _whole(text)) and whole[0] != "dimensions":  # a length alone may be of any side or part
        yield whole
    if slip := _SLIP.search(text):
        yield "slip_rating", slip.group()
    if not _whole(text) and (weight := _WEIGHT_IN_TEXT.search(text)):
        yield "weight", weight.group()


def values_in_name(name: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of the size, code and colour in a product's name: "Paving 30x30", "T7086 red"."""
    words = name.split()
    if color := color_at_end(name):
        yield "color", color
        words = name.removesuffix(color).split()
        if len(words) == 1 and code_of(words[0]):
            yield "code", words[0]
            words = []
    if is_designation(name):
        yield "code", name
    ends = (words[0], words[-1]) if any(map(_is_word, words[:-1])) else words[:1]  # "SB 1300TL-10" is one designation
    for word in ends if len(words) > 1 else ():
        if code_of(word) and sum(map(str.isdigit, word)) > MOST_DIGITS_OF_A_NUMBER:
            yield "code", word
            break
    for pattern in (_SIZE, _BARE_SIZE, _SINGLE):
        if match := pattern.search(name):
            yield "dimensions", match.group().strip()
            return


def _is_word(text: str) -> bool:
    return len(text) > 3 and text.isalpha() and not text.isupper()


def size_in(text: str) -> str | None:
    """Return the first size of two or more sides as printed; it needs a unit unless it is the whole text."""
    for match in _SIZE.finditer(text):
        if re.search(_LENGTH, match.group(), re.IGNORECASE) or re.search(r"\((?:mm|cm|in)", match.group()):
            third = _THIRD_SIDE.match(text, match.end())
            return text[match.start() : third.end() if third else match.end()].strip()
    whole = _BARE_SIZE.fullmatch(text)
    return whole.group() if whole else None


def size_goes_on(text: str, below: str) -> bool:
    """Whether the size in a text goes on in the next line: "25 x 25 cm e 8" above "cm de altura"."""
    size, whole = size_in(text), size_in(f"{text} {below}")
    return bool(size and whole and len(whole) > len(size) and whole.startswith(size))


def is_designation(text: str) -> bool:
    """Whether a text is one word with signs between letters and digits: "СП-300-8,5/10,5", but not "RK100"."""
    return _DESIGNATION.fullmatch(text) is not None


def ean_in(text: str) -> str | None:
    """Return the first number of 13 digits in a text whose last digit is the check digit of an EAN, as printed."""
    for match in _EAN.finditer(text):
        digits = [int(digit) for digit in match.group() if digit.isdigit()]
        if any(digits) and sum(digit * (3 if n % 2 else 1) for n, digit in enumerate(digits)) % 10 == 0:
            return match.group()
    return None


def labelled_code(text: str) -> str | None:
    """Return the code behind a label for codes, unless it is a measure, a year or the code of something else."""
    match = _LABELLED_CODE.search(text)
    before = text[: match.start()].casefold().split() if match else []
    if match is None or is_measure(match[1]) or (before and before[-1] in _OTHER_CODES):
        return None
    return match[1].rstrip(".-/")


def _sides_in(text: str) -> str | None:
    """Return the first sides with letters, one of them with a unit, as printed."""
    found = (match.group().rstrip(" ,;/x×X-") for match in _SIDED.finditer(text))
    return next((size for size in found if re.search(rf"\d\s?{_LENGTH}", size)), None)


def with_grams(text: str) -> str:
    """Return a text, with the Cyrillic "г" that OCR read as a Latin "r" if it is a number with that letter."""
    return _MISREAD_GRAMS.sub(r"\1г", text)


def says_pack(text: str) -> bool:
    """Whether a text has the number of pieces in a pack: "5 planks / carton", but not "Tubo de 70 g"."""
    return _PACK.search(text) is not None


def says_price(text: str) -> bool:
    """Whether a text has an amount with its currency."""
    return price_in(text) is not None


def begins_with_amount(text: str) -> bool:
    """Whether a text is a price, or begins with a number, as prices without a currency in a column do."""
    return says_price(text) or _AMOUNT_FIRST.match(text) is not None


def is_price(text: str) -> bool:
    """Whether a text is an amount with its currency, and nothing else."""
    return price_in(text) == text.strip()


def split_price(sign: str, amount: str) -> str | None:
    """Return the price in two texts if the first is only the sign of a currency and the second only an amount."""
    both = f"{sign.strip()} {amount.strip()}"
    is_split = not any(map(str.isdigit, sign)) and is_amount(amount.strip())
    return both if is_split and is_price(both) else None


def says_measure(text: str) -> bool:
    """Whether a text has a length, area, weight, content or power with its unit, as goods are sold by."""
    return _MEASURE.search(text) is not None or size_in(text) is not None


def kind_of(value: str) -> str | None:
    """Return the key of a value that is only a weight, a content or a length with its unit, else None."""
    whole = _whole(value)
    return whole[0] if whole else None


def key_of_value(value: str) -> str | None:
    """Return the key of a value that is recognised behind any label, a price or a size, else None."""
    bare = value.rstrip(" .")
    return "price" if is_price(bare) else "dimensions" if size_in(bare) == bare else None


def composition_in(text: str) -> str | None:
    """Return the shares of materials in a text if they add up to 100 %, as printed: "80% cotton 20% polyester"."""
    for pattern in _COMPOSITION:
        matches = list(pattern.finditer(text))
        shares = [re.search(_SHARE, match.group()) for match in matches]
        whole = sum(share_of(share.group()) for share in shares if share) == 100
        if whole and (len(matches) > 1 or (len(text.split()) <= MOST_WORDS_OF_ONE_SHARE and _FIBRE.search(text))):
            return text[matches[0].start() : matches[-1].end()]
    return None


def share_of(text: str) -> int:
    """Return the first number of a share: 80 of "80-86%"."""
    number = re.search(r"\d+", text)
    return int(number.group()) if number else 0


def shares_in(text: str) -> list[str]:
    """Return the shares that a text consists of, or nothing if it has any other words."""
    shares = re.findall(_SHARE, text)
    return shares if not re.sub(_SHARE, "", text).strip() else []


def _whole(text: str) -> tuple[str, str] | None:
    """Return key and value if a text is only a weight, a content or a length, else None."""
    for key, pattern in (("weight", _WEIGHT), ("capacity", _CAPACITY), ("dimensions", _SINGLE)):
        if pattern.fullmatch(text):
            return key, text
    return None


def is_container(text: str) -> bool:
    """Whether a text is a container with its content or number of pieces: "Poche 150 g/300 g", "carton ×24"."""
    match = _CONTAINER.fullmatch(text)
    word = match["word"].casefold() if match else ""
    if match is None or not (word in _CONTAINERS or word.removesuffix("s") in _CONTAINERS):
        return False
    amount = rf"{_WEIGHT.pattern}|{_CAPACITY.pattern}|(?<![\w.,])(?<!\d\s)(?:{_COUNT})(?![\w.,])"
    beside = re.sub(amount, " ", match["rest"], flags=re.IGNORECASE)
    is_rest = not re.search(r"\d{3}", beside) and len(re.findall(r"[^\W\d]+", beside)) <= _MOST_WORDS_BESIDE
    return is_rest and beside != match["rest"]


def _labelled(text: str) -> tuple[str, str] | None:
    """Return key and value of a known label that a measure follows without a sign: "Weight 400 g"."""
    words = text.split()
    for n in range(min(3, len(words) - 1), 0, -1):
        key, value = fact_key(" ".join(words[:n])), " ".join(words[n:])
        if key and key not in NO_MEASURES and value[0].isdigit() and (_whole(value) or _SIZE.fullmatch(value)):
            return key, value
        if key == "price" and is_amount(value):
            return key, value
        if key == "color" and colors_in(value):
            return key, value
    return None


def _is_rising(text: str) -> bool:
    """Whether a text lists sizes by number, each greater than the one before."""
    if not _NUMBERED_SIZES.fullmatch(text):
        return False
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return all(a < b for a, b in pairwise(numbers))
