"""Text vectors from a provider. What the wire looks like stands in `voyage.py` and `openai_embeddings.py`."""

import base64
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import numpy as np
from pydantic import ValidationError

from swatchbook.arrays import Vectors
from swatchbook.errors import Configuration, ProviderError
from swatchbook.ledger import calls
from swatchbook.ledger.calls import Answer, CallContext, CallRequest
from swatchbook.providers.call_cache import alive, ask_once, tokens_at_most, usd
from swatchbook.providers.client import Call, Client, Clock, Exchange, Reply, Usage
from swatchbook.providers.endpoint import Endpoint, endpoint
from swatchbook.providers.reply_shapes import WireModel
from swatchbook.providers.wires import openai_embeddings
from swatchbook.records import sha256
from swatchbook.settings import Price, Settings

log = logging.getLogger(__name__)

QUERY_PATIENCE_SECONDS: Final = 20.0
"""How long somebody who searches waits for a provider that tells us to."""

_QUERY_PAUSES: Final = (0.5, 1.0)
"""Seconds before a query is asked again: no task brings it back."""

InputType = Literal["document", "query"]


class Wire(Protocol):
    """How one family of endpoints is spoken to, and what it takes."""

    @property
    def URL(self) -> str: ...

    @property
    def PATH(self) -> str: ...

    @property
    def MAX_TOKENS(self) -> int: ...

    @property
    def BATCH_TOKENS(self) -> int: ...

    @property
    def BATCH_TEXTS(self) -> int: ...

    def header(self, key: str | None) -> Mapping[str, str]: ...

    def body(self, model: str, texts: Sequence[str], kind: InputType, dimension: int) -> Mapping[str, Any]: ...

    def speak(self, where: Endpoint, call: Call, seconds: float, exchange: Exchange) -> Mapping[str, Any]: ...

    def usage(self, data: Mapping[str, Any]) -> Usage: ...


class _Embedding(WireModel):
    index: int
    embedding: str | list[float]


class _Embeddings(WireModel):
    data: list[_Embedding]


class ProviderTextEncoder:
    """A `TextEncoder` behind an address. Threads may share it."""

    def __init__(
        self,
        where: Endpoint,
        wire: Wire,
        *,
        tag: str,
        dimension: int,
        price: Price | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.tag, self.dimension = tag, dimension
        self._client = Client(where, header=wire.header, speak=wire.speak, clock=clock)
        self._where, self._wire, self._price = where, wire, price

    def load(self) -> None:
        """Do nothing: the model is elsewhere."""

    def embed(self, texts: Sequence[str], kind: InputType = "document", context: CallContext | None = None) -> Vectors:
        """(n, dimension) float32, unit length, in the order given.

        A text that is too long is cut, and that is logged and counted. Each text is paid for once, in whatever company;
        what is NaN or zero is returned as it is, and asked for anew next time. A query is not kept, nobody is asked to
        pay for it, and where that may help it is asked again twice. Raises Configuration for vectors of another length
        or documents without a context, and what `Client.post` and `ask_once` raise.
        """
        if context is None and kind == "document":
            raise Configuration("Text vectors of a provider are made by a run that pays for them.")
        vectors = dict[str, str]()  # base64 by text
        cut = {text: self._cut(text) for text in texts}
        for batch in self._batches(list(dict.fromkeys(cut.values()))):
            vectors |= self._asked(batch, kind) if context is None else self._paid(batch, kind, context, cut)
        packed = b"".join(base64.b64decode(vectors[cut[text]]) for text in texts)
        found = np.frombuffer(packed, "<f4").astype(np.float64).reshape(len(texts), self.dimension)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):  # what is infinite becomes NaN, and is refused as such
            np.divide(found, lengths, out=found, where=lengths > 0)
        return found.astype(np.float32)

    def _asked(self, texts: Sequence[str], kind: InputType) -> dict[str, str]:
        clock = self._client.clock
        until = clock.now() + QUERY_PATIENCE_SECONDS
        for pause in _QUERY_PAUSES:
            try:
                return self._query(texts, kind, until - clock.now())
            except ProviderError:
                if clock.now() + pause > until:
                    raise
            clock.sleep(pause)
        return self._query(texts, kind, until - clock.now())

    def _query(self, texts: Sequence[str], kind: InputType, patience: float) -> dict[str, str]:
        reply = self._client.post(self._call(texts, kind), patience=patience)
        vectors = dict(zip(texts, self._read(reply, len(texts)), strict=True))
        self._require_dimension(vectors)
        if _senseless(vectors):
            raise ProviderError(f"{self._where.host} answers with a vector that is none.")
        return vectors

    def _paid(
        self, texts: Sequence[str], kind: InputType, context: CallContext, cut: Mapping[str, str]
    ) -> dict[str, str]:
        requests = {self._request(text, kind): text for text in texts}
        shortened = {short for text, short in cut.items() if text != short}
        if some := shortened.intersection(texts):
            log.warning("%d texts are too long for %s and were cut", len(some), self._where.model)

        def send(ours: Mapping[str, int]) -> dict[str, Answer]:
            asked = [requests[request] for request in ours]
            call = self._call(asked, kind)
            reply = self._client.post(call, attempt=max(ours.values()), waiting=lambda: alive(context))
            packed = self._read(reply, len(asked))
            return dict(zip(ours, self._answers(asked, packed, reply.usage), strict=True))

        asks = [
            CallRequest(
                request=request,
                model=self._where.model,
                at_most_usd=usd(self._price, tokens_at_most(text), 0),
                truncated=text in shortened,
            )
            for request, text in requests.items()
        ]
        known = ask_once(context, self._client, asks, send)
        if unusable := {*self._of_another_length(known), *_senseless(known)}:
            calls.discard_answers(context, unusable)
        self._require_dimension(known)
        return {text: known[request] for request, text in requests.items()}

    def _answers(self, texts: Sequence[str], packed: Sequence[str], usage: Usage) -> Iterator[Answer]:
        """Each text's vector with its share of the tokens, by length."""
        tokens, whole = usage.tokens_in, sum(map(tokens_at_most, texts))
        for text, vector in zip(texts, packed, strict=True):
            share = None if tokens is None else round(tokens * tokens_at_most(text) / whole)
            yield Answer(answer=vector, tokens_in=share, tokens_out=0, cost_usd=usd(self._price, share, 0))

    def _call(self, texts: Sequence[str], kind: InputType) -> Call:
        body = self._wire.body(self._where.model, texts, kind, self.dimension)
        return Call(self._wire.PATH, body, sum(map(tokens_at_most, texts)), self._wire.usage)

    def _read(self, reply: Reply, count: int) -> list[str]:
        """The vectors of a reply as base64 of float32, little endian, in the order asked."""
        try:
            found = sorted(_Embeddings.model_validate(reply.data).data, key=lambda one: one.index)
            vectors = [_numbers(one.embedding) for one in found]
            if [one.index for one in found] != list(range(count)):
                raise ValueError(f"{len(found)} embeddings for {count} texts")
        except (ValidationError, ValueError) as error:
            raise ProviderError(f"{self._where.host} answers with no embeddings of what was asked.") from error
        return [base64.b64encode(vector.tobytes()).decode() for vector in vectors]

    def _of_another_length(self, vectors: Mapping[str, str]) -> dict[str, int]:
        """The length of those, by name, that have another than they should."""
        lengths = {name: len(_numbers(vector)) for name, vector in vectors.items()}
        return {name: length for name, length in lengths.items() if length != self.dimension}

    def _require_dimension(self, vectors: Mapping[str, str]) -> None:
        if others := self._of_another_length(vectors):
            sent, setting = ", ".join(map(str, sorted({*others.values()}))), self._where.setting("dimension")
            raise Configuration(
                f"{self._where.model} at {self._where.host} makes vectors of {sent} numbers, and {setting} is "
                f"{self.dimension}.",
                advice=f"Set {setting}={sent}, or choose another model.",
            )

    def _request(self, text: str, kind: InputType) -> str:
        """What makes a text the same to ask for: not the company that it is sent in."""
        there = self._where.url.split("://", 1)[1] + self._wire.PATH
        return sha256(json.dumps([there, self._where.model, self.dimension, kind, text]).encode())

    def _cut(self, text: str) -> str:
        """As much of a text as the model surely takes."""
        if tokens_at_most(text) <= self._wire.MAX_TOKENS:
            return text
        return text.encode()[: 2 * (self._wire.MAX_TOKENS - tokens_at_most(""))].decode(errors="ignore")

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch, tokens = list[str](), 0
        for text in texts:
            more = tokens_at_most(text)
            if batch and (tokens + more > self._wire.BATCH_TOKENS or len(batch) == self._wire.BATCH_TEXTS):
                yield batch
                batch, tokens = [], 0
            batch.append(text)
            tokens += more
        if batch:
            yield batch


def _numbers(embedding: str | list[float]) -> Vectors:
    """(dimension,) float32. Raises ValueError for what is no whole number of them."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), "<f4")
    with np.errstate(over="ignore"):  # too large a number becomes infinite, and is refused as such
        return np.asarray(embedding, "<f4")


def _senseless(vectors: Mapping[str, str]) -> list[str]:
    """Those, by name, that are NaN, infinite or zero."""
    return [name for name, vector in vectors.items() if not (np.isfinite(v := _numbers(vector)).all() and v.any())]


def voyage_encoder(settings: Settings, tag: str) -> ProviderTextEncoder:
    """Voyage at its own address, or at what speaks like it. Raises Configuration or Authentication."""
    from swatchbook.providers.wires import voyage  # its library takes about a second to import

    return _encoder(settings, tag, voyage)


def openai_encoder(settings: Settings, tag: str) -> ProviderTextEncoder:
    """OpenAI, or any endpoint that speaks its embeddings. Raises Configuration or Authentication."""
    return _encoder(settings, tag, openai_embeddings)


def _encoder(settings: Settings, tag: str, wire: Wire) -> ProviderTextEncoder:
    where = endpoint(settings, "text", url=wire.URL, needs_key=settings.text_url is None)
    price = settings.prices.get(where.model)
    return ProviderTextEncoder(where, wire, tag=tag, dimension=settings.text_dimension, price=price)
