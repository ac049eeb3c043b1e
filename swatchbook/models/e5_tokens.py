"""Cut texts into the pieces of XLM-RoBERTa's vocabulary: SentencePiece's unigram model (Kudo, ACL 2018).

In Python, because a process that searches tokenizes a few words: `tokenizers` would take longer to load the 250,000
pieces than all of that search.
"""

import math
import re
from collections.abc import Mapping

from swatchbook.models.e5_file import Pieces

SPACE = "\u2581"
"""Stands for the space before a word."""

UNKNOWN_BELOW = 10.0
"""How much less likely a character without a piece is than the least likely piece, as a logarithm."""


class Tokenizer:
    """Maps texts to ids. Thread-safe."""

    def __init__(self, pieces: Pieces) -> None:
        ids = {text: id for id, text in enumerate(pieces.texts) if id != pieces.unknown}
        self._ids: Mapping[bytes, int] = ids
        self._scores = pieces.scores
        self._longest = max(map(len, pieces.texts))
        self._replaced = str.maketrans(pieces.replaced)
        self._unknown, self._unknown_score = pieces.unknown, min(pieces.scores) - UNKNOWN_BELOW

    def ids(self, text: str) -> list[int]:
        """Return the ids of the likeliest pieces that make up a text, without those of its begin and end."""
        plain = re.sub(" {2,}", " ", text.translate(self._replaced))
        plain = (plain if plain.startswith(" ") else " " + plain).replace(" ", SPACE)
        letters = [letter.encode("utf-8", "replace") for letter in plain]
        return self._likeliest(letters)

    def _likeliest(self, letters: list[bytes]) -> list[int]:
        """Return the path of the highest sum of log probabilities (Viterbi, 1967)."""
        known, scores, longest = self._ids, self._scores, self._longest
        best = [0.0] + [-math.inf] * len(letters)
        last = [(0, 0)] * (len(letters) + 1)  # where the last piece up to here begins, and its id
        for start in range(len(letters)):
            score, piece = best[start], b""
            for end in range(start + 1, len(letters) + 1):
                piece += letters[end - 1]
                if len(piece) > longest:
                    break
                id = known.get(piece)
                if id is not None and score + scores[id] > best[end]:
                    best[end], last[end] = score + scores[id], (start, id)
            if score + self._unknown_score > best[start + 1]:
                best[start + 1], last[start + 1] = score + self._unknown_score, (start, self._unknown)
        found, at = list[int](), len(letters)
        while at:
            at, id = last[at]
            found.append(id)
        return found[::-1]
