"""A provider elsewhere: speaks OpenAI's chat and embeddings, Anthropic's messages, Voyage's embeddings; misbehaves.

    with provider() as there:                      # a free port of loopback, until the end of the block
        there.answer = lambda asked: {...}         # what the model says: an object, or the text itself
        there.faults = Faults({"error": 0.1})      # or `there.script.extend(["hang", "error"])`: the next ones
        settings = Settings(llm={"url": there.openai_url, "model": "any", "api_key": KEY})

What was asked, what was answered in full and what came although told to wait stands in `asked`, `paid`, `early`.
`python -m tests.models.providers.standin` runs one until killed and prints its address.
"""

import base64
import hashlib
import json
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.serving import Answers, StandIn, serving
from tests.tables import rows_of

KEY = "sk-a-secret-of-the-tests"

HARD = ("rate_limited", "rate_limited_silent", "error", "hang", "cut", "garbage", "off_schema", "refusal")
"""The mix that the whole is held against."""


@dataclass(frozen=True)
class Asked:
    """One question to a model, whatever the wire format."""

    path: str
    body: Mapping[str, Any]
    key: str  # sha256 of what was asked
    instructions: str = ""
    texts: tuple[str, ...] = ()
    pictures: tuple[bytes, ...] = ()
    schema: Mapping[str, Any] | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict, repr=False)


@dataclass
class Faults:
    """`mix`: fault -> share of the requests; decided by the question and how often it came, so every run is alike."""

    mix: Mapping[str, float]
    seed: int = 0
    _times: Counter[str] = field(default_factory=Counter)

    def next(self, key: str) -> str | None:
        self._times[key] += 1
        at = random.Random(f"{self.seed}:{key}:{self._times[key]}").random()
        for fault, share in self.mix.items():
            if at < share:
                return fault
            at -= share
        return None


def mixed(share: float, faults: Sequence[str] = HARD, seed: int = 0) -> Faults:
    """`share` of all requests fail, each fault as often."""
    return Faults({fault: share / len(faults) for fault in faults}, seed)


def minimal(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """The smallest value of a JSON schema."""
    root = root or schema
    if "$ref" in schema:
        return minimal(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return minimal(schema[union][-1], root)
    of = schema.get("type")
    if of == "object":
        names = schema.get("required", ())
        return {name: minimal(part, root) for name, part in schema.get("properties", {}).items() if name in names}
    least = {"array": [], "string": "", "integer": 0, "number": 0.0, "boolean": False}
    return schema.get("minimum", least[of]) if of in least else None


def random_vectors(texts: Sequence[str], dimension: int) -> NDArray[np.float32]:
    """The same text, the same vector; nothing else is meant by it."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in texts]
    return np.stack([np.random.default_rng(seed).standard_normal(dimension, np.float32) for seed in seeds])


def e5_vectors() -> Callable[[Sequence[str], int], NDArray[np.float32]]:
    """Vectors of multilingual-e5-small padded with zeros: meaning survives. Loaded here and now, for all threads."""
    from swatchbook_base.e5 import e5

    model, turn = e5(), threading.Lock()

    def embed(texts: Sequence[str], dimension: int) -> NDArray[np.float32]:
        with turn:
            vectors = model.embed(texts)
        return np.pad(vectors, ((0, 0), (0, dimension - vectors.shape[1])))

    return embed


class Provider(StandIn):
    """`scale`: its minutes are so many times shorter, for clients whose clock runs faster."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(_Answers, port)
        self.key: str | None = KEY
        self.refusal = "Incorrect API key provided."
        self.models: set[str] | None = None  # those that it knows; None: any
        self.takes = {"schema", "tool", "plain"}  # how its chat model may be made to answer in a shape
        self.faults = Faults({})
        self.script: deque[str | None] = deque()  # what happens next, before the mix has its say
        self.answer: Callable[[Asked], Any] = lambda asked: minimal(asked.schema or {"type": "object"})
        self.embed: Callable[[Sequence[str], int], NDArray[np.float32]] = random_vectors
        self.dimension = 1_024  # where the request does not say
        self.packs = True  # vectors as base64, where it is asked to
        self.rewrite: Callable[[dict[str, Any]], Any] = lambda reply: reply  # what is sent instead: JSON, or as it is
        self.headers: Mapping[str, str] = {}  # beside those of every reply
        self.delay: Callable[[], float] = lambda: 0.0
        self.retry_after = 1  # seconds
        self.hang_seconds = 60.0
        self.grace = 0.02  # seconds until "wait" has reached everybody: what is under way then is not early
        self.calls_per_minute: int | None = None
        self.scale = 1.0
        self.asked: list[tuple[Asked, str | None]] = []  # with the fault that it met
        self.paid = Counter[str]()  # question -> how often it was answered well and in full
        self.early: list[Asked] = []  # sent although told to wait
        self.over = threading.Event()
        self._told_at = self._told_until = 0.0
        self._recent = deque[float]()
        self._lock = threading.Lock()

    @property
    def openai_url(self) -> str:
        """What OpenAI's clients call a base URL; Voyage's is the same here."""
        return self.url + "/v1"

    @property
    def anthropic_url(self) -> str:
        return self.url

    def meets(self, asked: Asked) -> str | None:
        """Write down what is asked; the fault that it meets."""
        with self._lock:
            now = time.monotonic()
            if self._told_at + self.grace < now < self._told_until:
                self.early.append(asked)
            fault = self.script.popleft() if self.script else self.faults.next(asked.key)
            if fault is None and self._is_over_limit(now):
                fault = "rate_limited"
            self.asked.append((asked, fault))
            return fault

    def tells_to_wait(self) -> int:
        """Now; for how many seconds: as set, or until its minute has room again."""
        with self._lock:
            now, seconds = time.monotonic(), self.retry_after
            if self.calls_per_minute is not None and len(self._recent) >= self.calls_per_minute:
                seconds = max(1, ceil(60 - (now - self._recent[0]) * self.scale))
            self._told_at, self._told_until = now, max(self._told_until, now + seconds / self.scale)
            return seconds

    def _is_over_limit(self, now: float) -> bool:
        if self.calls_per_minute is None:
            return False
        while self._recent and self._recent[0] <= now - 60 / self.scale:
            self._recent.popleft()
        if len(self._recent) >= self.calls_per_minute:
            return True
        self._recent.append(now)
        return False

    def has_paid(self, asked: Asked) -> None:
        with self._lock:
            self.paid[asked.key] += 1


@contextmanager
def provider(port: int = 0) -> Iterator[Provider]:
    """A provider on a free port of loopback (or this one), until the end of the block."""
    with serving(Provider(port)) as server:
        try:
            yield server
        finally:
            server.over.set()


def _asked(path: str, body: Mapping[str, Any]) -> Asked:
    key = hashlib.sha256(json.dumps([path, body], sort_keys=True).encode()).hexdigest()
    if path.endswith("/embeddings"):
        given = body["input"]
        return Asked(path, body, key, texts=(given,) if isinstance(given, str) else tuple(given))
    instructions, texts, pictures = [body.get("system", "")], list[str](), list[bytes]()
    for message in body["messages"]:
        for part in _parts(message["content"]):
            if message["role"] == "system":
                instructions.append(part["text"])
            elif part["type"] == "text":
                texts.append(part["text"])
            elif part["type"] == "image_url":
                pictures.append(base64.b64decode(part["image_url"]["url"].split(",", 1)[1]))
            elif part["type"] == "image":
                pictures.append(base64.b64decode(part["source"]["data"]))
    return Asked(path, body, key, "\n".join(instructions).strip(), tuple(texts), tuple(pictures), _schema(body))


def _parts(content: Any) -> list[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "response_format" in body:
        return body["response_format"].get("json_schema", {}).get("schema")  # type: ignore[no-any-return]
    for tool in body.get("tools", ()):
        return tool.get("input_schema") or tool["function"]["parameters"]  # type: ignore[no-any-return]
    return None


class _Answers(Answers):
    server: Provider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.read())
        asked, there = replace(_asked(self.path, body), headers=self.headers), self.server
        fault = there.meets(asked)
        if there.key not in (None, self.headers["x-api-key"], (self.headers["Authorization"] or "")[7:]):
            return self._say(401, _error(there.refusal, "invalid_api_key"))
        if there.models is not None and body["model"] not in there.models:
            return self._say(404, _error(f"The model {body['model']} does not exist.", "model_not_found"))
        there.over.wait(there.hang_seconds if fault == "hang" else there.delay() / there.scale)
        if fault in _REFUSALS:
            status, message, code = _REFUSALS[fault]
            return self._say(status, _error(message, code), self._when(fault))
        if unfit := self._unfit(body):
            return self._say(400, _error(unfit, "unsupported"))
        if fault == "garbage":
            return self._say(200, "<html>We are sorry.</html>")
        if fault == "empty":
            return self._say(200, {})
        if fault == "vanish":
            self.close_connection = True
            return None
        reply = _reply(there, asked, fault)
        if fault == "cut":
            return self._cut(json.dumps(reply).encode())
        if fault not in ("hang", "off_schema", "prose", "length", "refusal"):
            there.has_paid(asked)
        return self._say(200, there.rewrite(reply))

    def _unfit(self, body: Mapping[str, Any]) -> str | None:
        if "response_format" in body and "schema" not in self.server.takes:
            return "response_format is not supported."
        if "tools" in body and "tool" not in self.server.takes:
            return "tools are not supported."
        return None

    def _when(self, fault: str) -> dict[str, str]:
        if fault == "rate_limited":
            return {"Retry-After": str(self.server.tells_to_wait())}
        if fault == "rate_limited_date":
            return {"Retry-After": formatdate(time.time() + self.server.tells_to_wait(), usegmt=True)}
        return {}

    def _say(self, status: int, reply: Any, headers: Mapping[str, str] | None = None) -> None:
        data = (reply if isinstance(reply, str) else json.dumps(reply)).encode()
        self.say(status, data, {**self.server.headers, **(headers or {}), "Content-Type": "application/json"})

    def _cut(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        self.close_connection = True


_REFUSALS: Mapping[str | None, tuple[int, str, str]] = rows_of(__file__, "refusals")


def _error(message: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": code, "code": code}}


def _reply(there: Provider, asked: Asked, fault: str | None) -> dict[str, Any]:
    if asked.path.endswith("/embeddings"):
        return _embeddings(there, asked)
    said = {"off_schema": {"surprise": 1}, "prose": "I would rather talk about it."}.get(fault or "")
    said = there.answer(asked) if said is None else said
    text = said if isinstance(said, str) else json.dumps(said)
    if fault == "length":
        text = text[: len(text) // 2]
    spent = sum(map(len, asked.texts)) // 4 + 500 * len(asked.pictures), len(text) // 4 + 1
    if asked.path.endswith("/messages"):
        return _anthropic(asked, text, fault, *spent)
    return _openai(asked, text, fault, *spent)


def _openai(asked: Asked, text: str, fault: str | None, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    reason = "length" if fault == "length" else "stop"
    if fault == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    elif "tools" in asked.body:
        called = {"name": asked.body["tools"][0]["function"]["name"], "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": called}]}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": asked.body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    }  # fmt: skip


def _anthropic(asked: Asked, text: str, fault: str | None, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": text}]
    if "tools" in asked.body and fault not in ("prose", "refusal"):
        given = json.loads(text) if fault != "length" else {}
        content = [{"type": "tool_use", "id": "toolu_1", "name": asked.body["tools"][0]["name"], "input": given}]
    reason = {"length": "max_tokens", "refusal": "refusal"}.get(fault or "", "tool_use")
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": asked.body["model"], "content": content,
        "stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out},
    }  # fmt: skip


def _embeddings(there: Provider, asked: Asked) -> dict[str, Any]:
    dimension = asked.body.get("output_dimension") or asked.body.get("dimensions") or there.dimension
    vectors = np.asarray(there.embed(asked.texts, dimension), "<f4")
    packed = there.packs and asked.body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": n, "embedding": _packed(vector) if packed else vector.tolist()}
        for n, vector in enumerate(vectors)
    ]
    spent = sum(len(text) // 4 + 1 for text in asked.texts)
    usage = {"total_tokens": spent, "prompt_tokens": spent}
    return {"object": "list", "data": data[::-1], "model": asked.body["model"], "usage": usage}


def _packed(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.tobytes()).decode()


if __name__ == "__main__":
    with provider(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as there:
        there.embed = e5_vectors()
        print(there.url, flush=True)
        threading.Event().wait()
