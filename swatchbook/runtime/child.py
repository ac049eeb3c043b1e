"""The one way to run a child: a process of our own that may loop, crash or be killed without harm to its parent.

Parent and child speak in frames over stdin and stdout: two lengths, a JSON header, raw bytes. One request is under
way at a time; it is answered by any number of frames and an end. What the child logs meanwhile is logged by the parent.
A child module ends with `serve(handle)`.

A third pipe carries nothing. The parent holds its write end open, and the kernel ends the child when that is closed.
"""

import json
import logging
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from fcntl import F_GETFL, F_SETFL, F_SETOWN, fcntl
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from swatchbook.errors import KINDS, Configuration, CrashedWorker, ProviderTimeout, Unexpected, as_failure

log = logging.getLogger(__name__)

Frame = tuple[dict[str, Any], bytes]
"""A JSON object and bytes."""

LENGTHS = struct.Struct(">IQ")  # of the header, of the payload
MOST_HEADER, MOST_PAYLOAD = 64 << 20, 2 << 30  # bytes; more is a child gone mad
START_SECONDS = 60.0  # a child that imports for longer will never come
BURIAL_SECONDS = 1.0  # that closing waits for whoever is reading from the child to see its end
MOST_LOGGED = 8_000  # characters of a line that a child logs
STDERR_LINES = 50  # kept for the message when it dies
TRIES = 2  # fresh children that one page or picture may end: a single death may be the machine's fault
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE)
"""Signals that a process brings on itself. Not SIGBUS and SIGILL: a disk or a processor can be their cause."""
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "TESSDATA_PREFIX")
"""Environment that a child gets. It reads strangers' files, so it gets no secrets."""


# --- parent -----------------------------------------------------------------------------------------------------------


class Child:
    """`python -m module` in an address space of `memory_mb` MiB, started when first asked and again after a death.

    Threads may share it: requests wait for one another.
    """

    def __init__(self, module: str, *, memory_mb: int) -> None:
        self.module = module
        self.memory_mb = memory_mb
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def ask(self, request: dict[str, Any], payload: bytes = b"", *, seconds: float) -> Frame:
        """The single answer to a request. Raises as `stream`, and Unexpected where there is not one answer."""
        answers = list(self.stream(request, payload, seconds=seconds))
        if len(answers) != 1:
            raise Unexpected(f"{self.module} gave {len(answers)} answers where one was due.")
        return answers[0]

    def stream(self, request: dict[str, Any], payload: bytes = b"", *, seconds: float) -> Generator[Frame]:
        """Answers as they come; `seconds` is the longest silence before each.

        Leaving the stream early ends the child. Raises CrashedWorker when the child dies, ProviderTimeout when it is
        silent for too long (it is killed), Configuration when it does not start at all, and whatever Failure the child
        raised.
        """
        with self._lock:
            if self._process is None:
                self._process = _Process(self.module, self.memory_mb)
            process, finished = self._process, False
            try:
                if not process.ready:
                    process.wait_until_ready()
                process.send(request, payload, seconds)
                while "failure" not in (frame := process.receive(seconds))[0]:
                    head, body = frame
                    if "log" in head:
                        log.log(head["level"], "%s says: %s", self.module, head["log"])
                    else:
                        yield head["answer"], body
                head, _ = frame
                finished = True
            finally:
                if not finished:
                    process.bury()
                    self._process = None
            if head["failure"] is not None:
                raise KINDS.get(head["failure"], Unexpected)(head["message"], advice=head["advice"])

    @property
    def pid(self) -> int | None:
        """Of the process, None where none runs."""
        process = self._process
        return process.pid if process else None

    def close(self) -> None:
        """End the process, if any, whatever it is at; the next request starts another."""
        if process := self._process:
            process.kill()
        if self._lock.acquire(timeout=BURIAL_SECONDS):  # not got: an unfinished stream has it, and buries its own
            try:
                if self._process is not None:
                    self._process.bury()
                    self._process = None
            finally:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Process:
    """One life of a child: its pipes, and how it ended."""

    def __init__(self, module: str, memory_mb: int) -> None:
        self._module = module
        try:
            self._popen, held = _start(module, memory_mb)
        except OSError as error:
            raise self._no_start(f"{error.strerror}.") from error
        spoken = tuple(p for p in (self._popen.stdin, self._popen.stdout) if p)
        self._in, self._out = (pipe.fileno() for pipe in spoken)
        self._pipes: tuple[IO[bytes], ...] = (*spoken, held)
        os.set_blocking(self._in, False)
        self._last_words: deque[bytes] = deque(maxlen=STDERR_LINES)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.pid = self._popen.pid
        self.ready = False

    def wait_until_ready(self) -> None:
        """Whatever happens before is no request's fault. Raises Configuration."""
        try:
            self.receive(START_SECONDS)
        except (CrashedWorker, ProviderTimeout) as failure:
            raise self._no_start(failure.message) from failure
        self.ready = True

    def send(self, header: dict[str, Any], payload: bytes, seconds: float) -> None:
        for part in _pack(header, payload):
            rest = memoryview(part)
            while rest:
                self._wait(self._in, select.POLLOUT, seconds)
                try:
                    rest = rest[os.write(self._in, rest) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise self._death() from None

    def receive(self, seconds: float) -> Frame:
        head_size, body_size = LENGTHS.unpack(self._read(LENGTHS.size, seconds))
        if head_size > MOST_HEADER or body_size > MOST_PAYLOAD:
            raise CrashedWorker(f"{self._module} sent a frame that says it is longer than any may be.")
        header = json.loads(self._read(head_size, seconds))
        return header, bytes(self._read(body_size, seconds))

    def kill(self) -> None:
        """Only the signal: whoever waits for an answer sees the end."""
        self._popen.kill()

    def bury(self) -> None:
        self.kill()
        self._popen.wait()
        self._listener.join(1)
        for pipe in self._pipes:
            pipe.close()

    def _read(self, size: int, seconds: float) -> bytearray:
        got = bytearray()
        while len(got) < size:
            self._wait(self._out, select.POLLIN, seconds)
            some = os.read(self._out, min(size - len(got), 1 << 20))
            if not some:
                raise self._death()
            got += some
        return got

    def _wait(self, pipe: int, event: int, seconds: float) -> None:
        waiting = select.poll()
        waiting.register(pipe, event)
        if not waiting.poll(seconds * 1000):
            raise ProviderTimeout(f"{self._module} was silent for {seconds:g} s.")

    def _no_start(self, why: str) -> Configuration:
        return Configuration(
            f"{self._module} does not start: {why}",
            advice=f"See that the machine has memory and processes to spare and that `python -m {self._module}` runs.",
        )

    def _death(self) -> CrashedWorker:
        try:
            code = self._popen.wait(5)
        except subprocess.TimeoutExpired:
            return CrashedWorker(f"{self._module} closed its end.")
        self._listener.join(1)
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        said = next((line.decode(errors="replace").strip() for line in reversed(self._last_words) if line.strip()), "")
        message = f"{self._module} died: {how}." + (f" Last words: {said[:500]}" if said else "")
        return CrashedWorker(message, by_itself=-code in CRASHES)

    def _listen(self) -> None:
        if stderr := self._popen.stderr:
            with stderr:
                while line := stderr.readline(4096):
                    self._last_words.append(line)


def _start(module: str, memory_mb: int) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """The process, and the pipe end whose closing ends it. Raises OSError.

    Both ends are closed on exec, so no other child holds this one's end open.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    watched, write_end = os.pipe()
    held = os.fdopen(write_end, "wb", buffering=0)
    # Ctrl-C reaches the whole group, also a child that still imports, which inherits the mask; the parent decides.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(memory_mb), str(watched)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=(watched,),
            env=environment | {"PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path)},
        )
    except BaseException:
        held.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(watched)
    return process, held


# --- child ------------------------------------------------------------------------------------------------------------


def serve(handle: Callable[[dict[str, Any], bytes], Iterable[Frame]]) -> None:
    """Answer requests until stdin closes: `handle(request, payload)` yields the answers of one. Runs in the child."""
    memory_mb, watched = map(int, sys.argv[1:])
    _die_with_parent(watched)
    _limit_memory(memory_mb)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # C libraries print to 1, which would break into a frame
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _write(answers, {"ready": os.getpid()}, b"")
    logging.getLogger().addHandler(_ToParent(answers))
    while (request := _next(requests)) is not None:
        end: dict[str, Any] = {"failure": None}
        try:
            for answer, payload in handle(*request):
                _write(answers, {"answer": answer}, payload)
        except Exception as error:
            failure = as_failure(error)
            if isinstance(failure, Unexpected):
                log.error("a request failed", exc_info=error)
            end = {"failure": failure.kind, "message": failure.message, "advice": failure.advice}
        _write(answers, end, b"")


class _ToParent(logging.Handler):
    """Sends what the child logs, warnings and worse, into the log of its parent, with tracebacks."""

    def __init__(self, answers: IO[bytes]) -> None:
        super().__init__(logging.WARNING)
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if len(text) > MOST_LOGGED:  # the end of a traceback says most
            text = f"{text[: MOST_LOGGED // 2]} … {text[-MOST_LOGGED // 2 :]}"
        _write(self._answers, {"log": text, "level": record.levelno}, b"")


def _limit_memory(mebibytes: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = mebibytes << 20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _die_with_parent(watched: int) -> None:
    """Let the kernel end this process by SIGIO when `watched` is closed at its other end, or end it now if it is.

    It works inside a C loop that holds the interpreter, and PR_SET_PDEATHSIG would fire with the *thread* that
    started the child. Nothing is ever written to this pipe: a pipe that carries bytes, such as stdin, may signal them
    after they were read, and end a healthy child.
    """
    fcntl(watched, F_SETOWN, os.getpid())
    fcntl(watched, F_SETFL, fcntl(watched, F_GETFL) | os.O_ASYNC)
    gone = select.poll()
    gone.register(watched, 0)
    if gone.poll(0):
        os._exit(1)


def _next(stream: Any) -> Frame | None:
    lengths = stream.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    head_size, body_size = LENGTHS.unpack(lengths)
    header, payload = stream.read(head_size), stream.read(body_size)
    return (json.loads(header), payload) if len(payload) == body_size else None


def _write(stream: Any, header: dict[str, Any], payload: bytes) -> None:
    for part in _pack(header, payload):
        rest = memoryview(part)
        while rest:
            rest = rest[stream.write(rest) :]


def _pack(header: dict[str, Any], payload: bytes) -> Iterator[bytes]:
    head = json.dumps(header).encode()
    yield LENGTHS.pack(len(head), len(payload)) + head
    yield payload
