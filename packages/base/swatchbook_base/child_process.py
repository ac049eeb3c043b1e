"""Run code in a child process that may loop, crash or be killed without harm to its parent.

Every child process is started here, with a memory limit and without secrets. It is killed when it has worked for its
seconds (SWATCHBOOK_PAGE_SECONDS for pages) without an answer, or was silent for as long and hardly worked. A page or
picture at which two children died is given up.

Parent and child exchange frames over stdin and stdout: two lengths, a JSON header, raw bytes. The child handles one
request at a time, and answers it with any number of frames and an end frame. The parent logs what the child logs. The
module of a child ends with `serve(handle)`.

A third pipe carries no data. The parent holds its write end open; when it is closed, the kernel ends the child.
"""

import gc
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
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from fcntl import F_GETFL, F_SETFL, F_SETOWN, F_SETPIPE_SZ, fcntl
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from swatchbook_base.errors import (
    KINDS,
    Configuration,
    CrashedWorker,
    ProviderTimeout,
    TooSlow,
    Unexpected,
    as_failure,
    reason_of,
)

log = logging.getLogger(__name__)

Frame = tuple[dict[str, Any], bytes]
"""A JSON object and bytes."""

LENGTHS = struct.Struct(">IQ")  # lengths of the header and of the payload
MOST_HEADER, MOST_PAYLOAD = 64 << 20, 2 << 30  # bytes; a larger frame is an error of the child
START_SECONDS = 60.0  # longest time for a child's imports
PIPE_BYTES = 1 << 20  # bytes of answers that wait for the parent, while the child works on
CLOSE_SECONDS = 1.0  # longest wait of `close` for a thread that still reads from the child
MOST_LOGGED = 8_000  # characters of one log record of a child
STDERR_LINES = 50  # last lines kept for the log
LEAST_SHARE = 0.05  # of a processor that a working child gets on a busy machine; one with less hangs
TRIES = 2  # child processes that one page or image may kill: a single death may be the machine's fault
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE)
"""Signals of a crash. SIGBUS and SIGILL are left out, because a faulty disk or processor can cause them."""
START = "import gc, runpy; gc.disable(); runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
"""The code of a child: it runs its module like `python -m`, with garbage collection off until all is imported.

`serve` turns it on; before, nothing is garbage, and looking through it takes an eighth of the start.
"""
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "TESSDATA_PREFIX")
"""Environment variables that a child gets. It reads files from outside, so it gets no secrets."""


# --- parent -----------------------------------------------------------------------------------------------------------


class Child:
    """A child process `python -m module` with an address space of `memory_mb` MiB.

    It is started by `start` or the first request, and again after it died. Threads may share it; their requests are
    serialised.
    """

    def __init__(self, module: str, *, memory_mb: int) -> None:
        self.module = module
        self.memory_mb = memory_mb
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._ended_seconds = 0.0

    def start(self) -> None:
        """Start the process, so that it imports what it needs while its first request is prepared."""
        with self._lock:
            if self._process is None:
                self._process = _Process(self.module, self.memory_mb)

    def ask(self, request: dict[str, Any], payload: bytes = b"", *, seconds: float) -> Frame:
        """Return the single answer to a request. Raises what `stream` raises, and Unexpected for any other number."""
        answers = list(self.stream(request, payload, seconds=seconds))
        if len(answers) != 1:
            raise Unexpected(f"{self.module} gave {len(answers)} answers instead of one.")
        return answers[0]

    def stream(self, request: dict[str, Any], payload: bytes = b"", *, seconds: float) -> Generator[Frame]:
        """Yield the answers to a request as they arrive. `seconds` is the processor time for each answer.

        Closing the generator early kills the child. Raises CrashedWorker if the child dies, TooSlow if it works for
        longer, ProviderTimeout if it hangs (both kill it), Configuration if it does not start, and the Failure that the
        child raised.
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
                        log.log(head["level"], "%s: %s", self.module, head["log"])
                    else:
                        yield head["answer"], body
                head, _ = frame
                finished = True
            finally:
                if not finished:
                    self._ended_seconds += process.processor_seconds()
                    process.end()
                    self._process = None
            if head["failure"] is not None:
                raise KINDS.get(head["failure"], Unexpected)(head["message"], advice=head["advice"])

    @property
    def pid(self) -> int | None:
        """Return the id of the child process; None if none runs."""
        process = self._process
        return process.pid if process else None

    def processor_seconds(self) -> float:
        """Return the processor time that its processes have used, in all requests."""
        process = self._process
        return self._ended_seconds + (process.processor_seconds() if process else 0.0)

    def close(self) -> None:
        """Kill the child process, if any. The next request starts another."""
        if process := self._process:
            process.kill()
        if self._lock.acquire(timeout=CLOSE_SECONDS):  # otherwise an unfinished stream holds it, and ends its process
            try:
                if self._process is not None:
                    self._process.end()
                    self._process = None
            finally:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Process:
    """One child process: its pipes, and how it ended."""

    def __init__(self, module: str, memory_mb: int) -> None:
        self._module = module
        try:
            self._popen, held = _start(module, memory_mb)
        except OSError as error:
            raise self._no_start(f"{reason_of(error)}.") from error
        data_pipes = tuple(p for p in (self._popen.stdin, self._popen.stdout) if p)
        self._in, self._out = (pipe.fileno() for pipe in data_pipes)
        self._pipes: tuple[IO[bytes], ...] = (*data_pipes, held)
        self._arrived = bytearray()  # read and not yet asked for: several small frames come in one piece
        os.set_blocking(self._in, False)
        self._stderr_lines: deque[bytes] = deque(maxlen=STDERR_LINES)
        self._stderr_reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_reader.start()
        self.pid = self._popen.pid
        self.ready = False
        self._worked = 0.0

    def wait_until_ready(self) -> None:
        """Wait until the child has imported its module. Raises Configuration: no request is at fault before that."""
        try:
            self.receive(START_SECONDS)
        except (CrashedWorker, ProviderTimeout, TooSlow) as failure:
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
            raise CrashedWorker(f"{self._module} announced a frame that is larger than allowed.")
        header = json.loads(self._read(head_size, seconds))
        return header, self._read(body_size, seconds)

    def processor_seconds(self) -> float:
        """Return the processor time that the process has used; once it is reaped, what was known of it before."""
        with suppress(OSError):
            self._worked = time.clock_gettime(~self.pid << 3 | 2)  # the clock that clock_getcpuclockid(3) returns
        return self._worked

    def kill(self) -> None:
        """Send SIGKILL. A thread that waits for an answer then sees the end of the pipe."""
        self._popen.kill()

    def end(self) -> None:
        """Kill the process, reap it, and close its pipes."""
        self.kill()
        self._popen.wait()
        self._stderr_reader.join(1)
        for pipe in self._pipes:
            pipe.close()

    def _read(self, size: int, seconds: float) -> bytes:
        while len(self._arrived) < size:
            self._wait(self._out, select.POLLIN, seconds)
            piece = os.read(self._out, PIPE_BYTES)
            if not piece:
                raise self._death()
            self._arrived += piece
        with memoryview(self._arrived) as arrived:
            data = bytes(arrived[:size])
        del self._arrived[:size]
        return data

    def _wait(self, pipe: int, event: int, seconds: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        begun, used, left = time.monotonic(), self.processor_seconds(), seconds
        while not poll.poll(left * 1000):
            worked = self.processor_seconds() - used
            left = seconds - worked
            if left <= 0:
                raise TooSlow(f"It takes more than {seconds:.3g} s of the processor.")
            if worked < LEAST_SHARE * (time.monotonic() - begun):
                raise ProviderTimeout(f"{self._module} does not answer, and hardly works.")

    def _no_start(self, why: str) -> Configuration:
        return Configuration(
            f"{self._module} does not start: {why}",
            advice=f"Check that memory and processes are available, and that `python -m {self._module}` runs.",
        )

    def _death(self) -> CrashedWorker:
        try:
            code = self._popen.wait(5)
        except subprocess.TimeoutExpired:
            return CrashedWorker(f"{self._module} closed its output.")
        self._stderr_reader.join(1)
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        output = b"".join(self._stderr_lines).decode(errors="replace")
        log.warning("%s died: %s. Its last output:\n%s", self._module, how, output)
        return CrashedWorker(f"{self._module} died: {how} (see the log).", by_itself=-code in CRASHES)

    def _read_stderr(self) -> None:
        if stderr := self._popen.stderr:
            with stderr:
                while line := stderr.readline(4096):
                    self._stderr_lines.append(line)


def _import_path(module: str) -> Iterator[str]:
    """Yield where a child imports from: the parent's path, and folders that editable installations find by a hook."""
    yield from (path or str(Path.cwd()) for path in sys.path)
    for package in (__name__.partition(".")[0], module.partition(".")[0]):
        if (spec := find_spec(package)) and spec.origin:
            yield str(Path(spec.origin).parents[1])


def _start(module: str, memory_mb: int) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Start a process, and return it with the write end of the pipe whose closing ends it. Raises OSError.

    Both ends are closed on exec, so that no other child holds this one's write end open.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    watched, write_end = os.pipe()
    held = os.fdopen(write_end, "wb", buffering=0)
    # Ctrl-C reaches the whole group, also a child that still imports, which inherits the mask; the parent decides.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        process = subprocess.Popen(
            # without `site`, whose work is done: the child gets the paths that it has found
            [sys.executable, "-P", "-S", "-c", START.format(module=module), str(memory_mb), str(watched)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=(watched,),
            env=environment | {"PYTHONPATH": os.pathsep.join(_import_path(module))},
        )
    except BaseException:
        held.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(watched)
    if process.stdout:
        with suppress(OSError):  # the system's limit for a user's pipes is reached: the usual size serves as well
            fcntl(process.stdout, F_SETPIPE_SZ, PIPE_BYTES)
    return process, held


# --- child ------------------------------------------------------------------------------------------------------------


def serve(handle: Callable[[dict[str, Any], bytes], Iterable[Frame]]) -> None:
    """Answer requests until stdin closes. Runs in the child; `handle(request, payload)` yields a request's answers."""
    memory_mb, watched = map(int, sys.argv[1:])
    _die_with_parent(watched)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # C libraries print to stdout, which would corrupt a frame
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    gc.freeze()  # what is imported stays
    gc.enable()
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
    """Sends the child's log records of level WARNING and above, with tracebacks, to its parent."""

    def __init__(self, answers: IO[bytes]) -> None:
        super().__init__(logging.WARNING)
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if len(text) > MOST_LOGGED:  # the end of a traceback matters most
            text = f"{text[: MOST_LOGGED // 2]} … {text[-MOST_LOGGED // 2 :]}"
        _write(self._answers, {"log": text, "level": record.levelno}, b"")


def _die_with_parent(watched: int) -> None:
    """Let the kernel end this process by SIGIO when the other end of the pipe `watched` is closed, or end it now.

    This works even inside a C loop that holds the interpreter lock; PR_SET_PDEATHSIG instead fires when the *thread*
    that started the child ends. The pipe must carry no data: for a pipe with data, such as stdin, the signal may arrive
    after the data was read, and end a healthy child.
    """
    fcntl(watched, F_SETOWN, os.getpid())
    fcntl(watched, F_SETFL, fcntl(watched, F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(watched, 0)
    if poll.poll(0):
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
    lengths = LENGTHS.pack(len(head), len(payload))
    if len(payload) <= PIPE_BYTES:  # in one piece, so that the reader is woken once
        yield lengths + head + payload
        return
    yield lengths + head
    yield payload
