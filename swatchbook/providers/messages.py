"""One turn of a conversation with a chat model: what it is asked, and what it says. The same on every wire."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel

from swatchbook.records import Record, sha256

if TYPE_CHECKING:
    from swatchbook.ledger.calls import CallContext

Shape = TypeVar("Shape", bound=BaseModel)

ShapeMethod = Literal["schema", "tool", "words"]
"""How a shape is asked for: by the server's own JSON schema support, as a tool's arguments, in words alone."""


class Question(Record):
    """What a chat model is asked: standing instructions, then texts and JPEG pictures in the order given."""

    instructions: str
    parts: tuple[str | bytes, ...]
    max_tokens: int = 2_000  # of the answer


class Chat(Protocol):
    """A language model, with or without eyes, behind a provider's address. Threads may share it."""

    @property
    def model(self) -> str:
        """The provider's name of the model: what tags and reports say."""

    def ask(self, question: Question, shape: type[Shape], context: "CallContext") -> Shape:
        """The answer, in the shape asked for. What the context has paid for already is not asked again.

        Raises InvalidModelOutput when even a second answer, told what was wrong with the first, has another shape;
        BudgetExceeded; Authentication, Configuration, and the provider's passing failures.
        """


class ChatMessage(Record):
    """A question and the shape of its answer; `said` and `complaint`: the first answer, and what is wrong with it."""

    question: Question
    shape: dict[str, Any]  # a JSON schema
    name: str
    said: str = ""
    complaint: str = ""

    def again(self, said: str, complaint: str) -> "ChatMessage":
        """The same, with the first answer to be mended."""
        return self.model_copy(update={"said": said, "complaint": complaint})

    @property
    def key(self) -> str:
        """What makes it the same turn."""
        parts = [part if isinstance(part, str) else [sha256(part)] for part in self.question.parts]
        asked = [self.question.instructions, parts, self.question.max_tokens, self.shape, self.said, self.complaint]
        return sha256(json.dumps(asked, sort_keys=True).encode())

    def instructions(self, way: ShapeMethod) -> str:
        """The standing ones; where only words can ask for the shape, with its schema."""
        if way != "words":
            return self.question.instructions
        asked = f"Answer with one JSON object of this schema and nothing else:\n{self._schema}"
        return f"{self.question.instructions}\n\n{asked}"

    @property
    def correction(self) -> list[dict[str, Any]]:
        """Its first answer, where it said anything, and what the model is told of it; no messages in a first turn."""
        if not self.complaint:
            return []
        asked = f"Answer again, with one JSON object of this schema and nothing else:\n{self._schema}"
        told = {"role": "user", "content": f"This does not fit:\n{self.complaint}\n\n{asked}"}
        return [{"role": "assistant", "content": self.said}, told] if self.said else [told]

    @property
    def _schema(self) -> str:
        return json.dumps(self.shape, ensure_ascii=False)


class ChatReply(Record):
    """What a model said: JSON, if it listened; and why it stopped."""

    text: Annotated[str, AfterValidator(lambda text: text.encode(errors="replace").decode())]  # no half characters
    stop: Literal["end", "cut", "refused"]
