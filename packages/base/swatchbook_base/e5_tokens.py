"""Cut texts into the pieces of XLM-RoBERTa's vocabulary: SentencePiece's unigram model (Kudo, ACL 2018).

In Python, because a process that searches tokenizes a few words: of the 250,000 pieces only those are taken out of the
file that begin like a part of the text. All of them would take three times as long.
"""

import math
import re
import threading

import numpy as np

from swatchbook_base.e5_file import Pieces

SPACE = "\u2581"
"""The sign for the space before a word."""

WORD = re.compile(f"{SPACE}[^{SPACE}]*")
"""A space and the word after it: no piece goes on into the next word."""

KEPT_WORDS, LONGEST_KEPT = 20_000, 30
"""The most words whose ids are kept (then all are forgotten), and the most letters of such a word."""

UNKNOWN_BELOW = 10.0
"""How much less likely a character without a piece is than the least likely piece, as a logarithm."""


class Tokenizer:
    """Maps texts to ids. Thread-safe."""

    def __init__(self, pieces: Pieces) -> None:
        self._texts, self._ends = pieces.texts, pieces.ends
        self._starts = np.concatenate([[0], pieces.ends[:-1]]).astype(np.int64)
        padded = np.frombuffer(pieces.texts + bytes(8), np.uint8)
        self._begins = np.lib.stride_tricks.sliding_window_view(padded, 8)[self._starts].copy().view("<u8")[:, 0]
        self._pieces = dict[bytes, tuple[int, float]]()  # those that begin like what was looked for -> id, score
        self._looked_for = set[str]()
        self._words = dict[str, list[int]]()  # word -> its ids
        self._lock = threading.Lock()
        self._scores = pieces.scores
        self._longest = int((pieces.ends - self._starts).max())
        self._replaced = str.maketrans(pieces.replaced)
        self._unknown, self._unknown_score = pieces.unknown, float(pieces.scores.min()) - UNKNOWN_BELOW

    def ids(self, text: str) -> list[int]:
        """Return the ids of the likeliest pieces that make up a text, without those of its begin and end."""
        plain = re.sub(" {2,}", " ", text.translate(self._replaced))
        plain = (plain if plain.startswith(" ") else " " + plain).replace(" ", SPACE)
        return [id for word in WORD.findall(plain) for id in self._ids_of_word(word)]

    def _ids_of_word(self, word: str) -> list[int]:
        known = self._words
        if (ids := known.get(word)) is None:
            self._look_for({*word, word[:2]} - self._looked_for)
            ids = self._likeliest([letter.encode("utf-8", "replace") for letter in word])
            if len(known) >= KEPT_WORDS:
                self._words = known = {}
            if len(word) <= LONGEST_KEPT:
                known[word] = ids
        return ids

    def _look_for(self, begins: set[str]) -> None:
        """Take the pieces that begin like this out of the file: with a letter, or with a space and a letter."""
        for begin in begins:
            wanted = begin.encode("utf-8", "replace")
            same = self._begins & np.uint64((1 << 8 * len(wanted)) - 1) == int.from_bytes(wanted, "little")
            if begin == SPACE:  # half of the vocabulary begins with it: here it is the piece alone
                same &= self._ends - self._starts == len(wanted)
            ids = np.flatnonzero(same)
            found = (each[ids].tolist() for each in (self._starts, self._ends, self._scores))
            pieces = zip(ids.tolist(), *found, strict=True)
            known = {self._texts[a:b]: (id, score) for id, a, b, score in pieces if id != self._unknown}
            with self._lock:
                self._pieces |= known
        self._looked_for |= begins

    def _likeliest(self, letters: list[bytes]) -> list[int]:
        """Return the path of the highest sum of log probabilities (Viterbi, 1967)."""
        known, longest = self._pieces, self._longest
        best = [0.0] + [-math.inf] * len(letters)
        last = [(0, 0)] * (len(letters) + 1)  # where the last piece up to here begins, and its id
        for start in range(len(letters)):
            score, piece = best[start], b""
            for end in range(start + 1, len(letters) + 1):
                piece += letters[end - 1]
                if len(piece) > longest:
                    break
                found = known.get(piece)
                if found is not None and score + found[1] > best[end]:
                    best[end], last[end] = score + found[1], (start, found[0])
            if score + self._unknown_score > best[start + 1]:
                best[start + 1], last[start + 1] = score + self._unknown_score, (start, self._unknown)
        ids, at = list[int](), len(letters)
        while at:
            at, id = last[at]
            ids.append(id)
        return ids[::-1]
