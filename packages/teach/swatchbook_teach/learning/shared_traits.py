"""Find the sets of texts that share traits with some examples, and the fewest traits that give a set."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import TraitValue
from swatchbook_teach.learning.texts import Booleans, DocumentTexts

Trait = tuple[str, TraitValue]

TOLERANCES: Final[Mapping[str, float]] = {"size": 0.06, "left": 4.0, "right": 4.0, "middle": 4.0}
"""By how much two values of a trait may differ and be the same: sizes by a share, places in points."""
READ_SIZE: Final = 0.2
"""The share by which sizes of texts that are read from pixels may differ."""
MOST_SETS: Final = 150
"""The most sets of texts that are compared for a group of examples."""
MOST_KINDS: Final = 60
"""The most kinds of texts, by their traits, of which pairs are formed."""
PROMISE: Final = 0.05
"""What a trait counts, against the backing of a text, when sets of texts are chosen for comparison."""
GROUP: Final = "group "
"""What the name of a trait begins with that says to which group of likely names a text belongs: "group title"."""
UNUSUAL: Final[Trait] = ("usual", False)
"""Said of a rule whose texts may be prices, numbers, prose or running heads, since an example is one."""


def holds(texts: DocumentTexts, trait: Trait) -> Booleans:
    """Return which texts have a trait."""
    name, value = trait
    if name == "usual":
        return texts.named
    if name == "found":
        return texts.found if value else ~texts.found
    if name.startswith(GROUP) or name not in texts.traits:
        return texts.groups.get(name.removeprefix(GROUP), np.zeros(len(texts.texts), bool))
    column = texts.columns[name]
    if name in TOLERANCES and isinstance(value, float | int):
        apart = np.abs(column - value)
        if name == "size":
            return np.asarray(apart <= value * np.where(texts.read, READ_SIZE, TOLERANCES[name]))
        return np.asarray(apart <= TOLERANCES[name])
    return np.asarray(column == value)


def traits_of(texts: DocumentTexts, index: int) -> list[Trait]:
    """Return the traits of a text, with the groups of likely names that it belongs to."""
    found: list[Trait] = [(name, values[index]) for name, values in texts.traits.items()]
    return found + [(GROUP + name, True) for name, mask in texts.groups.items() if mask[index]]


def sets_in_common(
    texts: DocumentTexts, numbers: Sequence[int], traits: Iterable[Trait], among: Booleans, backing: NDArray[np.float64]
) -> Iterator[tuple[list[Trait], Booleans]]:
    """Yield sets of texts among some that share traits with all of some others, each set once, with these traits.

    `numbers` are of the others, `traits` those of the first of them. Each set is given by the traits that these share
    with one or two other texts. `backing` is how likely each text belongs to the set that is sought.
    """
    masks = {trait: holds(texts, trait) for trait in traits}
    common = [trait for trait, mask in masks.items() if mask[list(numbers)].all()]
    bits = np.array([1 << n for n in range(len(common))], np.int64)
    shared = np.zeros(len(texts.texts), np.int64)
    for bit, trait in zip(bits, common, strict=True):
        shared |= np.where(masks[trait], bit, 0)
    for chosen in _closed_sets(shared[among], int(bits.sum()), backing[among]):
        mask = among & ((shared & chosen) == chosen)
        yield [trait for trait, bit in zip(common, bits, strict=True) if chosen & bit], mask


def _closed_sets(shared: NDArray[np.int64], everything: int, backing: NDArray[np.float64]) -> list[int]:
    """Return the sets of traits that two or three texts share, each set as bits, the most promising first.

    `shared`: the traits that each text shares with the examples. A set is promising if the texts that have it are often
    in likely groups of names, and if it has many traits.
    """
    kinds, kind_of = np.unique(shared, return_inverse=True)
    counts = np.bincount(kind_of)
    likely = np.bincount(kind_of, weights=backing)
    order = np.argsort(-likely / counts, kind="stable")[:MOST_KINDS]
    pairs = np.unique(np.concatenate(([everything], kinds, (kinds[order, None] & kinds[None, order]).ravel())))
    # Sets of texts are the same if they have the same sum of random numbers, one for each kind of text.
    of_kinds = np.stack([counts, likely, np.random.default_rng(0).integers(2**40, size=len(kinds))], axis=1)
    parts = np.array_split(pairs, -(-len(pairs) // _AT_ONCE))
    sums = np.concatenate([((kinds & part[:, None]) == part[:, None]).astype(float) @ of_kinds for part in parts])
    _, first = np.unique(sums[:, 2], return_index=True)
    promise = sums[:, 1] / np.maximum(sums[:, 0], 1) ** 0.5 + PROMISE * np.bitwise_count(pairs)
    return [int(pairs[n]) for n in sorted(first, key=lambda n: -promise[n])[:MOST_SETS]]


_AT_ONCE: Final = 1_000
"""Sets that are compared with all kinds of texts at once, so that long documents take little memory."""


def simplify(texts: DocumentTexts, traits: Iterable[Trait], among: Booleans) -> dict[str, TraitValue]:
    """Return traits without those that change nothing; what holds for other documents, too, is kept longest."""
    masks = {trait: holds(texts, trait) for trait in traits}
    had = np.sum([np.zeros(len(among), np.int64), *masks.values()], axis=0)  # of how many traits each text has
    for trait in sorted(masks, key=lambda t: _FRAGILE.index(t[0]) if t[0] in _FRAGILE else len(_FRAGILE)):
        lacks_only_this = among & ~masks[trait] & (had == len(masks) - 1)
        if not lacks_only_this.any():
            had -= masks.pop(trait)
    return dict(list(masks))


_FRAGILE: Final = ("left", "right", "middle", "column", "row", "above", "below", "rank", "largest", "row_price")
"""Traits that may be others in the next edition, the first soonest."""
