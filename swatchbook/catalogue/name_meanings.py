"""Compute the meaning of groups of texts, relative to each other, with multilingual-e5-small.

Names of goods are unlike titles, labels and sentences. The model's weights are installed, whichever text encoder is
chosen for searches.
"""

from collections.abc import Sequence

from swatchbook.models.e5 import e5

MOST_TEXTS = 80
"""The most texts of a group that are embedded, spread evenly over it: each takes about 12 ms."""
AT_ONCE = 64

Meaning = tuple[float, ...]
"""A vector of 384 numbers; the mean vector of the groups of a document is 0."""


def meanings(groups: Sequence[Sequence[str]]) -> list[Meaning]:
    """Return for each group the mean vector of its texts, less the mean of all groups."""
    if not groups:
        return []
    import numpy as np

    chosen = [_spread(list(dict.fromkeys(texts))) for texts in groups]
    row = {text: n for n, text in enumerate(dict.fromkeys(text for texts in chosen for text in texts))}
    texts = list(row)
    # They are embedded as queries, whose vectors are kept: a text that was asked before is not encoded again.
    vectors = np.vstack([e5().embed(texts[n : n + AT_ONCE], "query") for n in range(0, len(texts), AT_ONCE)])
    means = np.array([vectors[[row[text] for text in group]].mean(axis=0) for group in chosen])
    return [tuple(map(float, mean)) for mean in means - means.mean(axis=0)]


def _spread(texts: Sequence[str]) -> list[str]:
    step = max(1.0, len(texts) / MOST_TEXTS)
    return [texts[int(n * step)] for n in range(min(MOST_TEXTS, len(texts)))]
