"""Get text vectors from a provider in batches within its limits; each vector is kept and paid for once.

Texts that are too long are truncated. The query of a search waits at most 20 s and is retried twice.
"""

import base64
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from pydantic import ValidationError

from swatchbook.domain.errors import Configuration, ProviderError
from swatchbook.domain.records import sha256
from swatchbook.domain.setting_values import Price
from swatchbook.domain.settings import Settings
from swatchbook.models.providers.costs import tokens_at_most, usd
from swatchbook.models.providers.endpoint import Endpoint, endpoint
from swatchbook.models.providers.prices import model_price
from swatchbook.store.ledger.calls import CallContext
from swatchbook_base.arrays import Vectors
from swatchbook_base.reply_shapes import WireModel
from swatchbook_providers.call_cache import ask_once, record_alive
from swatchbook_providers.client import Call, Client, Clock, Reply, Usage
from swatchbook_providers.reserved_calls import Answer, CallRequest, discard_answers
from swatchbook_providers.wires.openai import header
from swatchbook_providers.wires.openai_embeddings import OPENAI, PATH, InputType, Wire

log = logging.getLogger(__name__)

QUERY_PATIENCE_SECONDS: Final = 20.0
"""The longest time in all that a search waits for a provider."""

_QUERY_PAUSES: Final = (0.5, 1.0)
"""The seconds before the retries of a query, which no task retries."""


class _Embedding(WireModel):
    index: int
    embedding: str | list[float]


class _Embeddings(WireModel):
    data: list[_Embedding]


class ProviderTextEncoder:
    """A `TextEncoder` at a provider. Thread-safe."""

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
        self._client = Client(where, header=header, speak=wire.speak, clock=clock)
        self._where, self._wire, self._price = where, wire, price

    def load(self) -> None:
        """Do nothing: the provider runs the model."""

    def embed(self, texts: Sequence[str], kind: InputType = "document", context: CallContext | None = None) -> Vectors:
        """Return (n, dimension) float32, unit length, in input order.

        A text that is too long is truncated, logged and counted. A document's vector is kept and paid for once,
        charged to `context`, whatever its batch; NaN and zero vectors are returned unchanged and requested again next
        time. A query is neither kept nor charged, and retried twice. Raises Configuration for vectors of another
        length and for documents without a context, and what `Client.post` and `ask_once` raise.
        """
        if context is None and kind == "document":
            raise Configuration("Embedding documents at a provider needs a run to charge the calls to.")
        vectors = dict[str, str]()  # base64 by text
        cut = {text: self._cut(text) for text in texts}
        for batch in self._batches(list(dict.fromkeys(cut.values()))):
            vectors |= (
                self._retry_query(batch, kind) if context is None else self._send_reserved(batch, kind, context, cut)
            )
        packed = b"".join(base64.b64decode(vectors[cut[text]]) for text in texts)
        rows = np.frombuffer(packed, "<f4").astype(np.float64).reshape(len(texts), self.dimension)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):  # infinite numbers become NaN, which is rejected later
            np.divide(rows, lengths, out=rows, where=lengths > 0)
        return rows.astype(np.float32)

    def _retry_query(self, texts: Sequence[str], kind: InputType) -> dict[str, str]:
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
        if _invalid(vectors):
            raise ProviderError(f"{self._where.host} returned an invalid vector (NaN, infinite or zero).")
        return vectors

    def _send_reserved(
        self, texts: Sequence[str], kind: InputType, context: CallContext, cut: Mapping[str, str]
    ) -> dict[str, str]:
        requests = {self._request(text, kind): text for text in texts}
        shortened = {short for text, short in cut.items() if text != short}
        if truncated := shortened.intersection(texts):
            log.warning("%d texts are too long for %s and were truncated", len(truncated), self._where.model)

        def send(ours: Mapping[str, int]) -> dict[str, Answer]:
            asked = [requests[request] for request in ours]
            call = self._call(asked, kind)
            reply = self._client.post(
                call, attempt=max(ours.values()), waiting=lambda: record_alive(context), for_items=context.for_items
            )
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
        vectors = ask_once(context, self._client, asks, send)
        if unusable := {*self._wrong_lengths(vectors), *_invalid(vectors)}:
            discard_answers(context, unusable)
        self._require_dimension(vectors)
        return {text: vectors[request] for request, text in requests.items()}

    def _answers(self, texts: Sequence[str], packed: Sequence[str], usage: Usage) -> Iterator[Answer]:
        """Yield each text's vector with a share of the batch's tokens in proportion to the text's length."""
        tokens, whole = usage.tokens_in, sum(map(tokens_at_most, texts))
        for text, vector in zip(texts, packed, strict=True):
            share = None if tokens is None else round(tokens * tokens_at_most(text) / whole)
            yield Answer(answer=vector, tokens_in=share, tokens_out=0, cost_usd=usd(self._price, share, 0))

    def _call(self, texts: Sequence[str], kind: InputType) -> Call:
        body = self._wire.body(self._where.model, texts, kind, self.dimension)
        return Call(PATH, body, self._wire.usage)

    def _read(self, reply: Reply, count: int) -> list[str]:
        """Return a reply's vectors in request order, as base64 of little-endian float32."""
        try:
            embeddings = sorted(_Embeddings.model_validate(reply.data).data, key=lambda each: each.index)
            vectors = [_numbers(each.embedding) for each in embeddings]
            if [each.index for each in embeddings] != list(range(count)):
                raise ValueError(f"{len(embeddings)} embeddings for {count} texts")
        except (ValidationError, ValueError) as error:
            raise ProviderError(f"{self._where.host} sent a malformed reply (not one embedding per text).") from error
        return [base64.b64encode(vector.tobytes()).decode() for vector in vectors]

    def _wrong_lengths(self, vectors: Mapping[str, str]) -> dict[str, int]:
        """Return key -> length of the vectors whose length is not `self.dimension`."""
        lengths = {name: len(_numbers(vector)) for name, vector in vectors.items()}
        return {name: length for name, length in lengths.items() if length != self.dimension}

    def _require_dimension(self, vectors: Mapping[str, str]) -> None:
        if lengths := self._wrong_lengths(vectors):
            sent, setting = ", ".join(map(str, sorted({*lengths.values()}))), self._where.setting("dimension")
            raise Configuration(
                f"{self._where.model} at {self._where.host} returns vectors of {sent} dimensions, but {setting} is "
                f"{self.dimension}.",
                advice=f"Set {setting}={sent}, or choose another model.",
            )

    def _request(self, text: str, kind: InputType) -> str:
        """Return the key under which a text's vector is kept, whatever its batch."""
        address = self._where.url.split("://", 1)[1] + PATH
        return sha256(json.dumps([address, self._where.model, self.dimension, kind, text]).encode())

    def _cut(self, text: str) -> str:
        """Return the text, truncated to what the model surely accepts."""
        if tokens_at_most(text) <= self._wire.max_tokens:
            return text
        return text.encode()[: 2 * (self._wire.max_tokens - tokens_at_most(""))].decode(errors="ignore")

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch, tokens = list[str](), 0
        for text in texts:
            more = tokens_at_most(text)
            if batch and (tokens + more > self._wire.batch_tokens or len(batch) == self._wire.batch_texts):
                yield batch
                batch, tokens = [], 0
            batch.append(text)
            tokens += more
        if batch:
            yield batch


def _numbers(embedding: str | list[float]) -> Vectors:
    """Return (dimension,) float32. Raises ValueError if the bytes are not a whole number of floats."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), "<f4")
    with np.errstate(over="ignore"):  # too large a number becomes infinite, which is rejected later
        return np.asarray(embedding, "<f4")


def _invalid(vectors: Mapping[str, str]) -> list[str]:
    """Return the keys of the vectors that are NaN, infinite or zero."""
    return [name for name, vector in vectors.items() if not (np.isfinite(v := _numbers(vector)).all() and v.any())]


def provider_text_encoder(settings: Settings, tag: str) -> ProviderTextEncoder:
    """Return the text encoder of Voyage, OpenAI or a compatible server. Raises Configuration or Authentication."""
    wire = OPENAI
    if settings.text_encoder == "voyage":
        from swatchbook_providers.wires.voyage import VOYAGE as wire  # its library takes a second to import

    where, price = endpoint(settings, "text"), model_price(settings, "text")
    return ProviderTextEncoder(where, wire, tag=tag, dimension=settings.text.dimension, price=price)
