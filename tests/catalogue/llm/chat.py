"""A fake `Chat` and `PaidChat`: a function gives the replies, and the questions are kept."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from pydantic import ValidationError

from swatchbook.domain.errors import Failure, InvalidModelOutput
from swatchbook.store.ledger.calls import CallContext
from swatchbook_base.chat import Question, Shape

Reply = Callable[[Sequence[str], Sequence[bytes]], Any]
CONTEXT = cast("CallContext", None)
"""Not used: a fake chat records no calls."""


class FakeChat:
    """`reply` maps texts and pictures to the answer, or to a Failure, which is raised."""

    model = "voice"

    def __init__(self, reply: Reply) -> None:
        self.questions: list[Question] = []
        self._reply = reply

    def ask(self, question: Question, shape: type[Shape], context: CallContext = CONTEXT) -> Shape:
        self.questions.append(question)
        texts = [part for part in question.parts if isinstance(part, str)]
        answer = self._reply(texts, [part for part in question.parts if isinstance(part, bytes)])
        if isinstance(answer, Failure):
            raise answer
        try:
            return shape.model_validate(answer)
        except ValidationError as error:
            raise InvalidModelOutput(str(error)) from None
