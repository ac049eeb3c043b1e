"""Questions to a chat model at a provider: paid for once, in the shape asked for, mended once if they are not.

What the wire looks like stands in `openai.py` and `anthropic.py`. A shape is asked for in the first way that the
server takes: by its own JSON schema support, by a tool call, by words alone; which one, is found out once.
"""

import io
import json
import logging
import threading
from collections.abc import Mapping
from math import ceil
from typing import Any, Final, Protocol

from pydantic import ValidationError

from swatchbook.errors import InvalidModelOutput, ProviderRejected
from swatchbook.ledger import calls
from swatchbook.ledger.calls import Answer, CallContext, CallRequest
from swatchbook.providers.call_cache import alive, ask_once, cost, tokens_at_most, usd
from swatchbook.providers.client import Call, Client, Clock, Usage
from swatchbook.providers.endpoint import Endpoint, endpoint
from swatchbook.providers.json_schema import complaint, json_in, schema_of
from swatchbook.providers.messages import ChatMessage, ChatReply, Question, Shape, ShapeMethod
from swatchbook.providers.wires import anthropic, openai
from swatchbook.records import sha256
from swatchbook.settings import Price, Settings

log = logging.getLogger(__name__)

PICTURE_TOKENS: Final = 2_500
"""At least so many are counted for a picture, and one for every 28² pixels: no known model that is paid by the pixel
makes more of it.
"""

_LONGEST_TOKEN: Final = 64
"""Characters: an answer longer than its tokens can be does not end."""

_SIGN_OF_LIFE_SECONDS: Final = 30.0


class Wire(Protocol):
    """How one family of endpoints is spoken to."""

    @property
    def URL(self) -> str:
        """The provider's own."""

    @property
    def PATH(self) -> str: ...

    @property
    def WAYS(self) -> tuple[ShapeMethod, ...]:
        """Ways to ask for a shape, the surest first."""

    def header(self, key: str | None) -> Mapping[str, str]: ...

    def body(self, where: Endpoint, turn: ChatMessage, way: ShapeMethod) -> Mapping[str, Any]: ...

    def usage(self, data: Mapping[str, Any]) -> Usage: ...

    def said(self, where: Endpoint, data: Mapping[str, Any]) -> ChatReply:
        """Raises ProviderError for a reply that is none."""


class ProviderChat:
    """A `Chat` behind an address. Threads may share it."""

    def __init__(self, where: Endpoint, wire: Wire, *, price: Price | None = None, clock: Clock | None = None) -> None:
        self._client = Client(where, header=wire.header, clock=clock)
        self._where, self._wire, self._price = where, wire, price
        self._ways = wire.WAYS  # the first is the one to go
        self._taken = False  # whether the server has answered that way
        self._found = False  # whether it has answered so in the shape asked for
        self._finding = threading.Lock()

    @property
    def model(self) -> str:
        return self._where.model

    def ask(self, question: Question, shape: type[Shape], context: CallContext) -> Shape:
        """The answer, in the shape asked for. What the context has paid for already is not asked again.

        Raises InvalidModelOutput, ProviderRejected (the model refused, or the provider), BudgetExceeded, and what
        `Client.post` raises.
        """
        if not self._found:
            while not self._finding.acquire(timeout=_SIGN_OF_LIFE_SECONDS):
                alive(context)
            try:
                if not self._found:  # nobody else found it meanwhile
                    return self._ask(question, shape, context)
            finally:
                self._finding.release()
        return self._ask(question, shape, context)

    def _ask(self, question: Question, shape: type[Shape], context: CallContext) -> Shape:
        first = ChatMessage(question=question, shape=schema_of(shape), name=shape.__name__)
        said = self._say(first, context)
        answer = _parsed(said, shape)
        if not isinstance(answer, str):
            self._found = self._taken  # a kept answer says nothing of the server
            return answer
        if self._taken and not self._found and not json_in(said.text) and len(self._ways) > 1:
            self._ways, self._taken = self._ways[1:], False  # it let us ask so and did not listen
        log.info("%s %s: an answer of another shape, mended once", self._where.host, self.model)
        second = first.again(said.text, answer)
        mended = _parsed(self._say(second, context), shape)
        if not isinstance(mended, str):
            return mended
        calls.discard_answers(context, [self._request(first), self._request(second)])
        raise InvalidModelOutput(f"{self.model} answers off the schema, even when told: {mended}")

    def _say(self, turn: ChatMessage, context: CallContext) -> ChatReply:
        """What the model says, however it is asked. Raises ProviderRejected where it refuses."""
        rejected: ProviderRejected | None = None
        for way in self._ways:
            try:
                said = self._send(turn, way, context)
            except ProviderRejected as rejection:
                if self._found:
                    raise
                rejected = rejected or rejection
                continue
            if said.stop == "end":
                return said
            calls.discard_answers(context, [self._request(turn)])
            if said.stop == "refused":
                raise ProviderRejected(f"{self.model} refuses to answer.")
            raise InvalidModelOutput(f"{self.model} did not finish within {turn.question.max_tokens} tokens.")
        assert rejected is not None  # noqa: S101 - there is at least one way
        raise rejected

    def _send(self, turn: ChatMessage, way: ShapeMethod, context: CallContext) -> ChatReply:
        request = self._request(turn)
        tokens_in, tokens_out = turn_tokens(turn), turn.question.max_tokens

        def send(ours: Mapping[str, int]) -> dict[str, Answer]:
            call = Call(
                self._wire.PATH, self._wire.body(self._where, turn, way), tokens_in + tokens_out, self._wire.usage
            )
            reply = self._client.post(call, attempt=ours[request], waiting=lambda: alive(context))
            if not self._found:
                self._ways, self._taken = self._ways[self._ways.index(way) :], True
            said = self._wire.said(self._where, reply.data)
            if len(said.text) > _LONGEST_TOKEN * turn.question.max_tokens:
                said = ChatReply(text="", stop="cut")
            return {
                request: Answer(
                    answer=said.model_dump(mode="json"),
                    tokens_in=reply.usage.tokens_in,
                    tokens_out=reply.usage.tokens_out,
                    cost_usd=cost(self._price, reply.usage),
                )
            }

        ask = CallRequest(request=request, model=self.model, at_most_usd=usd(self._price, tokens_in, tokens_out))
        return ChatReply.model_validate(ask_once(context, self._client, [ask], send)[request])

    def _request(self, turn: ChatMessage) -> str:
        """What makes a question the same: where it goes and what it says, not the way in which it asks for a shape."""
        there = self._where.url.split("://", 1)[1] + self._wire.PATH
        return sha256(json.dumps([there, self.model, turn.key], sort_keys=True).encode())


def turn_tokens(turn: ChatMessage) -> int:
    """Tokens that a turn has at most, going in."""
    texts = [turn.question.instructions, json.dumps(turn.shape), turn.said, turn.complaint]
    texts += [part for part in turn.question.parts if isinstance(part, str)]
    pictures = [part for part in turn.question.parts if isinstance(part, bytes)]
    return sum(map(tokens_at_most, texts)) + sum(map(_picture_tokens, pictures))


def _picture_tokens(jpeg: bytes) -> int:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            return max(PICTURE_TOKENS, ceil(image.width * image.height / 28**2))
    except UnidentifiedImageError:  # none yet, where only a plan is made
        return PICTURE_TOKENS


def _parsed(said: ChatReply, shape: type[Shape]) -> Shape | str:
    """The answer, or what is wrong with it."""
    try:
        return shape.model_validate_json(json_in(said.text) or said.text)
    except ValidationError as error:
        return complaint(error)


# --- whose ------------------------------------------------------------------------------------------------------------


def vision_chat(settings: Settings) -> ProviderChat:
    """The vision model of the settings. Raises Configuration, naming what is missing."""
    where = endpoint(settings, "vision")
    return ProviderChat(where, openai, price=settings.prices.get(where.model))


def review_chat(settings: Settings) -> ProviderChat:
    """The model that looks again, at the vision model's address unless it has its own. Raises as `vision_chat`."""
    if settings.review_url is None:  # a key goes nowhere but where it is for
        key = settings.review_api_key or settings.vision_api_key
        settings = settings.model_copy(update={"review_url": settings.vision_url, "review_api_key": key})
    where = endpoint(settings, "review")
    return ProviderChat(where, openai, price=settings.prices.get(where.model))


def language_chat(settings: Settings) -> ProviderChat:
    """The language model of the settings. Raises Configuration or Authentication, naming what is missing."""
    wire: Wire = anthropic if settings.llm_api == "anthropic" else openai
    where = endpoint(settings, "llm", url=wire.URL, needs_key=settings.llm_url is None)
    return ProviderChat(where, wire, price=settings.prices.get(where.model))
