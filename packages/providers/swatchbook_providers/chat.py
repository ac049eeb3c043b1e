"""Ask a chat model for a reply of a given shape, and once more, with the reason, if the reply does not fit.

A cut or refused reply is a failure. `wires/openai.py` and `wires/anthropic.py` build the requests. A shape is requested
by the first method that the server accepts: its JSON schema support, a tool call, or words alone; the first call finds
out which.
"""

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any, Final, Protocol

from pydantic import ValidationError

from swatchbook.domain.errors import InvalidModelOutput, ProviderRejected
from swatchbook.domain.records import sha256
from swatchbook.domain.setting_values import Price
from swatchbook.domain.settings import Settings, replace
from swatchbook.models.providers.costs import turn_tokens, usd
from swatchbook.models.providers.endpoint import Endpoint, Part, endpoint
from swatchbook.models.providers.json_schema import schema_of
from swatchbook.models.providers.messages import ChatMessage, ChatReply, ShapeMethod
from swatchbook.models.providers.prices import model_price
from swatchbook.store.ledger.calls import CallContext
from swatchbook_base.chat import Question, Shape
from swatchbook_providers.call_cache import ask_once, record_alive
from swatchbook_providers.client import Call, Client, Clock, Usage
from swatchbook_providers.json_reply import complaint, json_in
from swatchbook_providers.reserved_calls import Answer, CallRequest, discard_answers
from swatchbook_providers.wires import anthropic, openai

log = logging.getLogger(__name__)

_LONGEST_TOKEN: Final = 64
"""The most characters of a token. A reply with more characters than its tokens allow counts as cut off."""

_HEARTBEAT_SECONDS: Final = 30.0


class Wire(Protocol):
    """The wire format of a family of endpoints: how requests are built and replies are read."""

    @property
    def PATH(self) -> str: ...

    @property
    def WAYS(self) -> tuple[ShapeMethod, ...]:
        """Methods of requesting a shape, the most reliable first."""

    def header(self, key: str | None) -> Mapping[str, str]: ...

    def body(self, where: Endpoint, turn: ChatMessage, way: ShapeMethod) -> Mapping[str, Any]: ...

    def usage(self, data: Mapping[str, Any]) -> Usage: ...

    def read(self, where: Endpoint, data: Mapping[str, Any]) -> ChatReply:
        """Read a reply. Raises ProviderError if it is malformed."""


class ProviderChat:
    """A `Chat` at a provider. Thread-safe."""

    def __init__(self, where: Endpoint, wire: Wire, *, price: Price | None = None, clock: Clock | None = None) -> None:
        self._client = Client(where, header=wire.header, clock=clock)
        self._where, self._wire, self._price = where, wire, price
        self._ways = wire.WAYS  # the first is used
        self._accepted = False  # whether the server has accepted that method
        self._settled = False  # whether it has also replied in the requested shape
        self._settling = threading.Lock()  # until then, one call at a time

    @property
    def model(self) -> str:
        return self._where.model

    def ask(self, question: Question, shape: type[Shape], context: CallContext) -> Shape:
        """Return the answer in the given shape. An answer that is already paid for is not requested again.

        `context` is charged for the call. Raises InvalidModelOutput, ProviderRejected (by the model or the provider),
        BudgetExceeded, and what `Client.post` raises.
        """
        if not self._settled:
            while not self._settling.acquire(timeout=_HEARTBEAT_SECONDS):
                record_alive(context)
            try:
                if not self._settled:  # another thread may have settled it meanwhile
                    return self._ask(question, shape, context)
            finally:
                self._settling.release()
        return self._ask(question, shape, context)

    def _ask(self, question: Question, shape: type[Shape], context: CallContext) -> Shape:
        first = ChatMessage(question=question, shape=schema_of(shape), name=shape.__name__)
        reply = self._reply(first, context)
        answer = _parse(reply, shape)
        if not isinstance(answer, str):
            self._settled = self._accepted  # an answer from the cache does not show what the server accepts
            return answer
        if self._accepted and not self._settled and not json_in(reply.text) and len(self._ways) > 1:
            self._ways, self._accepted = self._ways[1:], False  # the server accepted the method and ignored it
        log.info("%s %s: the reply does not match the schema; asking for a correction", self._where.host, self.model)
        second = first.correct(reply.text, answer)
        corrected = _parse(self._reply(second, context), shape)
        if not isinstance(corrected, str):
            return corrected
        discard_answers(context, [self._request(first), self._request(second)])
        raise InvalidModelOutput(f"{self.model} did not match the schema, even after a correction: {corrected}")

    def _reply(self, turn: ChatMessage, context: CallContext) -> ChatReply:
        """Return the reply, by the first method that is accepted. Raises ProviderRejected, InvalidModelOutput."""
        rejected: ProviderRejected | None = None
        for way in self._ways:
            try:
                reply = self._send(turn, way, context)
            except ProviderRejected as rejection:
                if self._settled:
                    raise
                rejected = rejected or rejection
                continue
            if reply.stop == "end":
                return reply
            discard_answers(context, [self._request(turn)])
            if reply.stop == "refused":
                raise ProviderRejected(f"{self.model} refused to answer.")
            raise InvalidModelOutput(f"{self.model} did not finish within {turn.question.max_tokens} tokens.")
        assert rejected is not None  # noqa: S101 - there is at least one way
        raise rejected

    def _send(self, turn: ChatMessage, way: ShapeMethod, context: CallContext) -> ChatReply:
        request = self._request(turn)
        tokens_in, tokens_out = turn_tokens(turn), turn.question.max_tokens

        def send(ours: Mapping[str, int]) -> dict[str, Answer]:
            call = Call(self._wire.PATH, self._wire.body(self._where, turn, way), self._wire.usage)
            reply = self._client.post(
                call, attempt=ours[request], waiting=lambda: record_alive(context), for_items=context.for_items
            )
            if not self._settled:
                self._ways, self._accepted = self._ways[self._ways.index(way) :], True
            message = self._wire.read(self._where, reply.data)
            if len(message.text) > _LONGEST_TOKEN * turn.question.max_tokens:
                message = ChatReply(text="", stop="cut")
            return {
                request: Answer(
                    answer=message.model_dump(mode="json"),
                    tokens_in=reply.usage.tokens_in,
                    tokens_out=reply.usage.tokens_out,
                    cost_usd=usd(self._price, *reply.usage),
                )
            }

        ask = CallRequest(request=request, model=self.model, at_most_usd=usd(self._price, tokens_in, tokens_out))
        return ChatReply.model_validate(ask_once(context, self._client, [ask], send)[request])

    def _request(self, turn: ChatMessage) -> str:
        """Return the key under which the answer is kept: endpoint, model and message, but not the shape method."""
        address = self._where.url.split("://", 1)[1] + self._wire.PATH
        return sha256(json.dumps([address, self.model, turn.key], sort_keys=True).encode())


def _parse(reply: ChatReply, shape: type[Shape]) -> Shape | str:
    """Return the answer, or a text about what is wrong with it."""
    try:
        return shape.model_validate_json(json_in(reply.text) or reply.text)
    except ValidationError as error:
        return complaint(error)


# --- from the settings ------------------------------------------------------------------------------------------------


def vision_chat(settings: Settings) -> ProviderChat:
    """Return the settings' vision model. Raises Configuration or Authentication if a setting is missing."""
    return _chat(settings, "vision", settings.vision.api)


def review_chat(settings: Settings) -> ProviderChat:
    """Return the settings' review model, by default at the vision model's URL.

    Raises Configuration or Authentication if a setting is missing.
    """
    api = settings.review.api
    if settings.review.url is None:  # only then may the review model get the vision model's key
        key = settings.review.api_key or settings.vision.api_key
        settings = replace(settings, {"review.url": settings.vision.url, "review.api_key": key})
        api = settings.vision.api
    return _chat(settings, "review", api)


def language_chat(settings: Settings) -> ProviderChat:
    """Return the settings' language model. Raises Configuration or Authentication if a setting is missing."""
    return _chat(settings, "llm", settings.llm.api)


def _chat(settings: Settings, part: Part, api: str) -> ProviderChat:
    wire: Wire = anthropic if api == "anthropic" else openai
    return ProviderChat(endpoint(settings, part), wire, price=model_price(settings, part))
