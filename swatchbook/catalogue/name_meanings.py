"""What groups of texts mean beside each other, as multilingual-e5-small embeds them: names of goods are unlike titles,
labels and sentences. Its weights are installed, whichever text encoder is chosen for searches.
"""

from collections.abc import Sequence

from swatchbook.models.e5 import e5

MOST_TEXTS = 80
"""Texts of a group that are embedded, spread evenly over it: about 12 ms a text."""
AT_ONCE = 64

Meaning = tuple[float, ...]
"""384 numbers; their mean over the groups of a document is 0."""


def meanings(groups: Sequence[Sequence[str]]) -> list[Meaning]:
    """Return for each group the mean vector of its texts, less the mean of all groups."""
    if not groups:
        return []
    import numpy as np

    chosen = [_spread(list(dict.fromkeys(texts))) for texts in groups]
    row = {text: n for n, text in enumerate(dict.fromkeys(text for texts in chosen for text in texts))}
    texts = list(row)
    # as queries: texts that were asked before are not encoded again
    vectors = np.vstack([e5().embed(texts[n : n + AT_ONCE], "query") for n in range(0, len(texts), AT_ONCE)])
    means = np.array([vectors[[row[text] for text in group]].mean(axis=0) for group in chosen])
    return [tuple(map(float, mean)) for mean in means - means.mean(axis=0)]


def _spread(texts: Sequence[str]) -> list[str]:
    step = max(1.0, len(texts) / MOST_TEXTS)
    return [texts[int(n * step)] for n in range(min(MOST_TEXTS, len(texts)))]
