"""Questions to a language model, and what answers them. How they are sent and paid is the core's."""

from typing import Protocol, TypeVar

from pydantic import BaseModel

from swatchbook_base.records.record import Record

Shape = TypeVar("Shape", bound=BaseModel)


class Question(Record):
    """A question to a chat model: instructions, then texts and JPEG pictures in order."""

    instructions: str
    parts: tuple[str | bytes, ...]
    max_tokens: int = 2_000  # tokens of the reply


class PaidChat(Protocol):
    """A language model whose calls are charged to one run and stage. Thread-safe."""

    @property
    def model(self) -> str:
        """Return the provider's name of the model, as tags and reports show it."""

    def ask(self, question: Question, shape: type[Shape]) -> Shape:
        """Return the answer in the given shape. Raises InvalidModelOutput, and the failures of the provider."""
