"""The types of a chat for all providers (question, reply, correction), and the words that ask for a correction.

`wires/` turns them into requests.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import AfterValidator

from swatchbook.domain.records import Record, sha256
from swatchbook_base.chat import Question, Shape

if TYPE_CHECKING:
    from swatchbook.store.ledger.calls import CallContext

ShapeMethod = Literal["schema", "tool", "words"]
"""The way to request a reply's shape: by the server's JSON schema support, as a tool's arguments, or in words alone."""


class Chat(Protocol):
    """A provider's language model, with or without vision. Thread-safe."""

    @property
    def model(self) -> str:
        """Return the provider's name of the model, as tags and reports show it."""

    def ask(self, question: Question, shape: type[Shape], context: "CallContext") -> Shape:
        """Return the answer in the given shape. An answer that is already paid for is not requested again.

        `context` is charged for the call. Raises InvalidModelOutput if a corrected answer does not match the shape
        either, BudgetExceeded, Authentication, Configuration, and the provider's transient failures.
        """


@dataclass(frozen=True)
class ChargedChat:
    """A `Chat` whose calls are charged to `context`: a `PaidChat`."""

    chat: Chat
    context: "CallContext"

    @property
    def model(self) -> str:
        return self.chat.model

    def ask(self, question: Question, shape: type[Shape]) -> Shape:
        return self.chat.ask(question, shape, self.context)


class ChatMessage(Record):
    """A question and the shape of its answer. In a correction, also the first answer and a complaint about it."""

    question: Question
    shape: dict[str, Any]  # a JSON schema
    name: str  # name of the shape
    first_answer: str = ""
    complaint: str = ""

    def correct(self, first_answer: str, complaint: str) -> "ChatMessage":
        """Return the message that asks for a correction of the first answer."""
        return self.model_copy(update={"first_answer": first_answer, "complaint": complaint})

    @property
    def key(self) -> str:
        """Return a digest of everything that is sent to the model."""
        question = self.question
        parts = [part if isinstance(part, str) else [sha256(part)] for part in question.parts]
        sent = [question.instructions, parts, question.max_tokens, self.shape, self.first_answer, self.complaint]
        return sha256(json.dumps(sent, sort_keys=True).encode())

    def instructions(self, way: ShapeMethod) -> str:
        """Return the question's instructions, with the schema if the method is "words"."""
        if way != "words":
            return self.question.instructions
        asked = f"Answer with one JSON object of this schema and nothing else:\n{self._schema}"
        return f"{self.question.instructions}\n\n{asked}"

    @property
    def correction(self) -> list[dict[str, Any]]:
        """Return the messages that ask for a correction: the first answer, unless it is empty, and the complaint."""
        if not self.complaint:
            return []
        asked = f"Answer again, with one JSON object of this schema and nothing else:\n{self._schema}"
        request = {"role": "user", "content": f"This does not fit:\n{self.complaint}\n\n{asked}"}
        return [{"role": "assistant", "content": self.first_answer}, request] if self.first_answer else [request]

    @property
    def _schema(self) -> str:
        return json.dumps(self.shape, ensure_ascii=False)


class ChatReply(Record):
    """A model's reply, which should be JSON, and the reason why it stopped."""

    text: Annotated[str, AfterValidator(lambda text: text.encode(errors="replace").decode())]  # no lone surrogates
    stop: Literal["end", "cut", "refused"]
