"""A `Chat` in this process: it says what a function says, in the shape asked for, and keeps what it was asked."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from pydantic import ValidationError

from swatchbook.errors import Failure, InvalidModelOutput
from swatchbook.ledger.calls import CallContext
from swatchbook.providers.messages import Question, Shape

Says = Callable[[Sequence[str], Sequence[bytes]], Any]
CONTEXT = cast("CallContext", None)
"""Nobody pays: nothing is bought."""


class Voice:
    """`says`: texts and pictures → the answer, or a Failure that is raised."""

    model = "voice"

    def __init__(self, says: Says) -> None:
        self.asked: list[Question] = []
        self._says = says

    def ask(self, question: Question, shape: type[Shape], context: CallContext) -> Shape:
        self.asked.append(question)
        texts = [part for part in question.parts if isinstance(part, str)]
        said = self._says(texts, [part for part in question.parts if isinstance(part, bytes)])
        if isinstance(said, Failure):
            raise said
        try:
            return shape.model_validate(said)
        except ValidationError as error:
            raise InvalidModelOutput(str(error)) from None
