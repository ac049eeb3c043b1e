"""Compute the cost of a call in USD: tokens × price (`prices.py`), unknown for a model without a price.

Also here: the most tokens that a text or picture can have, for budgets and estimates. `store/ledger/calls.py` has the
cost of a document.
"""

import io
import json
from math import ceil
from typing import Final

from swatchbook.domain.setting_values import Price
from swatchbook.models.providers.messages import ChatMessage

PICTURE_TOKENS: Final = 2_500
"""The least bound of a picture's tokens, which is otherwise one token per 28² pixels: no known model counts more."""


def usd(price: Price | None, tokens_in: int | None, tokens_out: int | None) -> float | None:
    """Return the US dollars for these tokens; None if the price or the tokens are unknown."""
    if price is None or tokens_in is None or tokens_out is None:
        return None
    return (price.input * tokens_in + price.output * tokens_out) / 1_000_000


def tokens_at_most(text: str) -> int:
    """Return an upper bound of a text's tokens, for any tokenizer: prose has more than two bytes per token."""
    return len(text.encode()) // 2 + 8


def turn_tokens(turn: ChatMessage) -> int:
    """Return an upper bound of a message's input tokens."""
    texts = [turn.question.instructions, json.dumps(turn.shape), turn.first_answer, turn.complaint]
    texts += [part for part in turn.question.parts if isinstance(part, str)]
    pictures = [part for part in turn.question.parts if isinstance(part, bytes)]
    return sum(map(tokens_at_most, texts)) + sum(map(_picture_tokens, pictures))


def _picture_tokens(jpeg: bytes) -> int:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            return max(PICTURE_TOKENS, ceil(image.width * image.height / 28**2))
    except UnidentifiedImageError:  # a cost estimate has no pictures yet
        return PICTURE_TOKENS
