"""Group texts that may be the names of a document's products, and measure the features of each group.

A group has texts in one style or one role, in the rows of tables or outside them. Features have no units: shares,
logarithms of counts, and relative sizes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, log1p
from statistics import fmean, median

from swatchbook_base.geometry import gaps
from swatchbook_base.records import Box, fold
from swatchbook_catalogue.attributes import code_of
from swatchbook_catalogue.kinds import says_catalogue
from swatchbook_catalogue.measures import says_measure
from swatchbook_catalogue.name_candidates import (
    Candidate,
    find_candidates,
    house_names,
    in_one_row,
    is_level,
    letters_of,
    running_texts,
)
from swatchbook_catalogue.name_labels import without_label
from swatchbook_catalogue.name_words import Meaning, find_refrains, meanings, share_of_pages
from swatchbook_catalogue.page_layout import LARGER, PageLayout, Style, Text, style_families
from swatchbook_catalogue.sections import ENDING_KINDS, DocumentLayout

PROSE = 100  # the characters of a text from which it is prose
MEASURED_SIZE = 0.24  # the share by which sizes of one style may differ if they are measured in pixels
MANY = 40  # the most texts of a group that count: more are no likelier to be names
ONE_A_PAGE = 1.0  # the most codes or labels per page that count: a document with more is no likelier to be a catalogue
ABOVE = 1.12  # the factor from which a text is larger than a name
MOST_REFRAINS = 5  # the most refrains that count: with more a group is no likelier to be names
ROWS_OF_A_FAMILY = 3  # the number of priced rows for each heading from which headings name families
ALIGNED = 3.0  # the distance in points within which texts are aligned in a column
SMALL = 3  # the most letters of a small word
RELATIONS = ("below", "above", "left", "right", "inside")


@dataclass(frozen=True, slots=True)
class NameGroup:
    """Texts of one style or role that may name the products, with their features and meaning.

    `style` is that of most of the texts; in a group of one `role`, such as "title" or "card", some may have others.
    """

    style: Style
    in_table: bool
    candidates: tuple[Candidate, ...]
    features: Mapping[str, float]
    meaning: Meaning
    role: str = ""


def find_name_groups(document: DocumentLayout, announced: Collection[str]) -> list[NameGroup]:
    """Return the groups of a document. `announced` are folded names of the outline and of index pages."""
    by_style: dict[tuple[Style, bool], list[Candidate]] = defaultdict(list)
    running, house = running_texts(document), house_names(document)
    family = _families(document)
    pages = {layout.number: list(find_candidates(layout, document, running, house)) for layout in document.layouts}
    for found_on in pages.values():
        for in_table, candidate in found_on:
            by_style[family[candidate.text.style], in_table].append(candidate)
    split = [
        (*key, part, "")
        for key, found in sorted(by_style.items())
        for texts in _labelled_apart(found)
        for part in _codes_apart(texts)
    ]
    inner = [s for s in document.layouts if document.kinds.get(s.number) not in ENDING_KINDS]
    roles = [
        (Counter(family[c.text.style] for c in part).most_common(1)[0][0], role in ROLES_IN_TABLES, part, role)
        for role, texts in by_role(pages, inner)
        for part in _codes_apart(texts)
        if not any(is_same(part, other) for _, _, other, _ in split)
    ]
    of_document, refrains = _document_features(document.layouts), find_refrains(document)
    sizes = [c.text.size for found_on in pages.values() for _, c in found_on]
    parts = [*split, *roles]
    meant = meanings([[c.name for c in found] for _, _, found, _ in parts])
    groups = []
    for (style, in_table, found, role), meaning in zip(parts, meant, strict=True):
        features = _features(found, document, announced) | of_document
        features |= {
            "larger": log1p(sum(size > ABOVE * style[0] for size in sizes) / len(found)),
            "role": float(bool(role)),
            "table_priced": float(in_table) * features["row_priced"],
            "refrains": log1p(min(refrains.beside(found), MOST_REFRAINS)),
            "numeric": fmean(not any(map(str.isalpha, c.name)) for c in found),
            "heads_rows": 0.0 if in_table else _share_over_rows(found, pages),
        }
        groups.append(NameGroup(style, in_table, tuple(found), features, meaning, role))
    return groups


Pages = Mapping[int, Sequence[tuple[bool, Candidate]]]  # page -> its candidates, each with whether it is in a table


def _share_over_rows(found: Sequence[Candidate], pages: Pages) -> float:
    """Return the share of texts on pages with several times as many priced rows, where texts name families."""
    a_page = Counter(c.text.page for c in found)
    rows = {page: sum(in_table and c.row_priced for in_table, c in pages[page]) for page in a_page}
    return fmean(rows[c.text.page] >= ROWS_OF_A_FAMILY * a_page[c.text.page] for c in found)


def find_oddities(group: NameGroup) -> list[dict[str, float]]:
    """Return for each text its difference from the others by feature, from 0 (like them) to about 1."""
    found = group.candidates
    relations = Counter(c.relation for c in found)
    times = Counter(fold(c.name) for c in found)
    of_page: dict[int, list[Candidate]] = defaultdict(list)
    for c in found:
        of_page[c.text.page if group.role else 0].append(c)
    size = {page: _usual_size(on_page) for page, on_page in of_page.items()}
    crowd = _crowds(found)
    return [
        {
            "relation": 1 - relations[c.relation] / len(found),
            "coded": abs(c.coded - group.features["coded"]),
            "size": _off_size(c, size[c.text.page if group.role else 0]),
            "crowded": max(crowd[c.text.page], 0.0),
            "lonely": max(-crowd[c.text.page], 0.0),
            "unaligned": float(not any(o is not c and is_aligned(o.text, c.text) for o in found)),
            "words": min(abs(len(c.name.split()) - group.features["words"]), 4) / 4,
            "again": log(times[fold(c.name)]),
            "bare": float(bare),
            "all_bare": group.features["bare"],
            "many": group.features["count"],
        }
        for c, bare in zip(found, _are_bare(found), strict=True)
    ]


def _names_at_pictures(found: Sequence[Candidate]) -> Counter[tuple[int, int | None]]:
    """Return (page, picture) -> the number of texts for which this picture is the nearest."""
    return Counter((c.text.page, c.picture) for c in found if c.picture is not None)


def _are_bare(found: Sequence[Candidate]) -> list[bool]:
    """Return for each text whether it has no own picture, price, code, label or measure, as products have."""
    pictures = _names_at_pictures(found)
    return [
        not (c.priced or c.row_priced or c.coded or c.described or c.measured) and pictures[c.text.page, c.picture] != 1
        for c in found
    ]


def _crowds(found: Sequence[Candidate]) -> dict[int, float]:
    """Return for each page how many of the texts it has compared with other pages, from -1 to 1; 0 is usual."""
    on_page = Counter(c.text.page for c in found)
    usual = median(on_page.values())
    return {page: min(max(log(count / usual), -2.0), 2.0) / 2 for page, count in on_page.items()}


def _usual_size(found: Sequence[Candidate]) -> float:
    return median(max(c.text.size, 1.0) for c in found)


def _off_size(candidate: Candidate, usual: float) -> float:
    return min(abs(log(max(candidate.text.size, 1.0) / usual)), 1.0)


def is_aligned(a: Text, b: Text) -> bool:
    """Whether two texts, of any pages, have their left edges, right edges or middles at one place across."""
    (x0, _, x1, _), (o0, _, o1, _) = a.box, b.box
    return min(abs(x0 - o0), abs(x1 - o1), abs(x0 + x1 - o0 - o1) / 2) <= ALIGNED


def _families(document: DocumentLayout) -> Mapping[Style, Style]:
    """Return the style families of a document; wider ones if more than half of its texts are read from pixels."""
    texts = [t for s in document.layouts for t in s.texts]
    measured = sum(len(s.texts) for s in document.layouts if s.ocr)
    return style_families(texts, MEASURED_SIZE) if 2 * measured > len(texts) else document.family


def is_labelled(candidate: Candidate) -> bool:
    """Whether the label of names or codes is before a name: "REF: POLO B"."""
    text = candidate.text.text
    return without_label(text) != text


def _labelled_apart(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Return the candidates of one style, divided into those with a label of names before them and others."""
    labelled = [c for c in found if is_labelled(c)]
    others = [c for c in found if not is_labelled(c)]
    return [labelled, others] if len(labelled) >= FEWEST_TEXTS and others else [list(found)]


def _codes_apart(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Return the candidates of one style, divided into codes and names if most codes have a name in their row."""
    codes = [c for c in found if code_of(c.name)]
    names: dict[int, list[Candidate]] = defaultdict(list)
    for c in found:
        if not code_of(c.name):
            names[c.text.page].append(c)
    if codes and 2 * sum(any(in_one_row(c.text, n.text) for n in names[c.text.page]) for c in codes) > len(codes):
        return [codes, [c for c in found if not code_of(c.name)]]
    return [list(found)]


def _features(found: Sequence[Candidate], document: DocumentLayout, announced: Collection[str]) -> dict[str, float]:
    """Return the features of a group that follow from its texts."""
    a_page = Counter(c.text.page for c in found)
    pages = len(a_page)
    pages_of: dict[str, set[int]] = defaultdict(set)
    for c in found:
        pages_of[fold(c.name)].add(c.text.page)
    labelled = {
        s.number: sum(a.known and a.key not in ("code", "price") for a in s.attributes) for s in document.layouts
    }
    filled = [s for s in document.layouts if s.texts]
    pictures = _names_at_pictures(found)
    size, crowd = _usual_size(found), _crowds(found)

    def share(values: Iterator[bool]) -> float:
        return fmean(map(float, values))

    relations = {r: share(c.relation == r for c in found) for r in RELATIONS}
    return {
        "count": log1p(min(len(found), MANY)),
        "few": min(len(found), 6) / 6,
        "pages": pages / max(1, len(filled)),
        "one_to_one": share(pictures[c.text.page, c.picture] == 1 for c in found),
        "bare": fmean(_are_bare(found)),
        "apart": share(c.picture is None for c in found),
        **relations,
        "described": share(c.described for c in found),
        "labelled": share(labelled[c.text.page] >= a_page[c.text.page] for c in found),
        "measured": share(c.measured for c in found),
        "priced": share(c.priced for c in found),
        "row_priced": share(c.row_priced for c in found),
        "coded": share(c.coded for c in found),
        "announced": share(fold(c.name) in announced for c in found),
        "words": fmean(min(len(c.name.split()), 8) for c in found),
        "signs": share(any(sign in c.name for sign in ",:;!?%=") for c in found),
        "leads": share(c.leads for c in found),
        "follows": share(c.follows for c in found),
        "repeated": log(fmean(len(pages_of[fold(c.name)]) for c in found)),
        "distinct": len(pages_of) / len(found),
        "small_words": fmean(_share_of_small_words(c.name) for c in found),
        "uneven": fmean(abs(crowd[c.text.page]) for c in found),
        "sizes": fmean(_off_size(c, size) for c in found),
    }


def _share_of_small_words(name: str) -> float:
    """Return the share of words such as "of" and "our", which are common in sentences and titles but not in names."""
    words = name.split()
    return sum(len(word) <= SMALL and word.islower() for word in words) / len(words)


def _document_features(layouts: Sequence[PageLayout]) -> dict[str, float]:
    """Return the features of a document that indicate whether it is a catalogue at all."""
    if not layouts:
        return {}
    return {
        "document_pictures": log1p(fmean(len(s.pictures) for s in layouts)),
        "document_codes": log1p(min(fmean(len(s.codes) for s in layouts), ONE_A_PAGE)),
        "document_labels": log1p(min(fmean(sum(a.known for a in s.attributes) for s in layouts), ONE_A_PAGE)),
        "document_measures": fmean(any(says_measure(t.text) for t in s.texts) for s in layouts),
        "document_titled": float(any(says_catalogue(t.text) for s in layouts for t in s.texts)),
        "document_goods": share_of_pages("goods", layouts),
        "document_services": share_of_pages("services", layouts),
        "document_occasions": share_of_pages("occasions", layouts),
        "document_prose": fmean(sum(len(t.text) > PROSE for t in s.texts) / max(1, len(s.texts)) for s in layouts),
    }


# --- roles ------------------------------------------------------------------------------------------------------------


FEWEST_TEXTS = 3  # the fewest texts of a role
SAME_TEXTS = 0.8  # the least share of common texts from which two groups are the same
HEADED = 3.0  # the longest distance of a description below its heading, as a multiple of the heading's font size
DESCRIBED = 0.12  # the share of the page's height below a heading in which no other text is larger
AS_LARGE = 0.93  # share of the largest size from which a text counts as equally large: sizes may be measured in pixels
ROLES_IN_TABLES = frozenset({"row", "priced row"})
OWN_PAGES = 4  # the most pages, which follow each other, of a text that belongs to one product


def by_role(
    pages: Mapping[int, Sequence[tuple[bool, Candidate]]], layouts: Sequence[PageLayout]
) -> Iterator[tuple[str, list[Candidate]]]:
    """Yield each role with its texts; a role with the same texts as another is skipped."""
    roles: dict[str, list[Candidate]] = defaultdict(list)
    own = _own_words(layouts, pages)
    for layout in layouts:
        free = [c for in_table, c in pages[layout.number] if not in_table]
        roles["own title"] += _titles([c for c in free if letters_of(c.name) in own], layout)
        roles["row"] += [c for in_table, c in pages[layout.number] if in_table]
        roles["priced row"] += _first_before_prices([c for _, c in pages[layout.number]], layout.prices)
        roles["title"] += _titles(free, layout)
        roles["heading"] += [c for c in free if _heads_description(c.text, layout)]
        roles["card"] += _first_at_pictures(free, lambda c: (-_weight(c.text), c.distance))
        for relation in ("below", "above", "left", "right"):
            beside = [c for c in free if c.relation == relation]
            roles[relation] += _first_at_pictures(beside, lambda c: (c.distance, -_weight(c.text)))
    kept: list[list[Candidate]] = []
    for role, texts in roles.items():
        if len(texts) >= FEWEST_TEXTS and not any(is_same(texts, other) for other in kept):
            kept.append(texts)
            yield role, texts


def is_same(a: Sequence[Candidate], b: Sequence[Candidate]) -> bool:
    """Whether two groups have most of their texts in common."""
    places, others = ({(c.text.page, c.text.box) for c in group} for group in (a, b))
    return len(places & others) >= SAME_TEXTS * len(places | others)


def _weight(text: Text) -> float:
    """Return the prominence of a text: its size, which counts more if it is bold."""
    return text.size * (LARGER if text.bold else 1.0)


def _titles(found: Sequence[Candidate], layout: PageLayout) -> Iterator[Candidate]:
    """Yield the largest text of a page, or of each half of a spread; the topmost of equally large ones."""
    middle = layout.fold_at
    halves: dict[bool, list[Candidate]] = defaultdict(list)
    for c in found:
        halves[middle is not None and c.text.box[0] >= middle].append(c)
    yield from map(_largest, halves.values())


def _largest(found: Sequence[Candidate]) -> Candidate:
    """Return the topmost of the texts that are about as large as the largest one."""
    largest = max(c.text.size for c in found)
    return min((c for c in found if c.text.size >= AS_LARGE * largest), key=lambda c: c.text.box[1])


def _first_before_prices(found: Sequence[Candidate], prices: Sequence[Box]) -> Iterator[Candidate]:
    """Yield the first text of each row before its price; rows side by side are divided by their prices."""
    rows: dict[Box, list[Candidate]] = defaultdict(list)
    for c in found:
        behind = [box for box in prices if box[0] >= c.text.box[2] - 2 and is_level(box, c.text)]
        if behind:
            rows[min(behind)].append(c)
    yield from (min(texts, key=lambda c: c.text.box) for texts in rows.values())


def _own_words(layouts: Sequence[PageLayout], pages: Mapping[int, Sequence[tuple[bool, Candidate]]]) -> frozenset[str]:
    """Return the letters of texts that are printed on one page, or on a few that follow each other."""
    found: dict[str, set[int]] = defaultdict(set)
    for layout in layouts:
        for _, candidate in pages[layout.number]:
            found[letters_of(candidate.name)].add(layout.number)
    return frozenset(words for words, on in found.items() if len(on) <= OWN_PAGES and max(on) - min(on) < len(on))


def _heads_description(text: Text, layout: PageLayout) -> bool:
    """Whether a text is right above other text, and no text further down in its part of the column is larger."""
    below = [t for t in layout.texts if t.box[1] > text.box[1] + text.size / 2 and gaps(text.box, t.box)[0] < 0]
    near = [(t, gaps(text.box, t.box)[1]) for t in below]
    if any(apart <= DESCRIBED * layout.height and _weight(t) > AS_LARGE * _weight(text) for t, apart in near):
        return False
    return any(apart <= HEADED * text.size for _, apart in near)


def _first_at_pictures(
    found: Sequence[Candidate], order: Callable[[Candidate], tuple[float, float]]
) -> list[Candidate]:
    """Return for each picture of a page the first text, by `order`, of those that have it as their nearest picture."""
    at: dict[int, list[Candidate]] = defaultdict(list)
    for c in found:
        if c.picture is not None:
            at[c.picture].append(c)
    first = {min(texts, key=order).text.box for texts in at.values()}
    return [c for c in found if c.text.box in first]
