"""A web server elsewhere: what senders of URLs point to, with every bad habit of such servers."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.serving import Answers, StandIn, serving

PDF = b"%PDF-1.7\n" + b"swatches " * 1_000


class Origin(StandIn):
    """Answers by path; `seen` has (Host, path) of every request."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.seen: list[tuple[str, str]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.files: dict[str, bytes] = {}  # path -> what stands there
        self.moved: dict[str, str] = {}  # path -> where it points to
        self.content_encodings: dict[str, str] = {}  # path -> the header of what stands there
        self.open = threading.Event()  # what /gated waits for
        self.waiting = threading.Semaphore(0)  # released by each request that waits there
        self.most_waiting = 0
        self._now_waiting = 0
        self._counting = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def wait_for_gate(self) -> None:
        with self._counting:
            self._now_waiting += 1
            self.most_waiting = max(self.most_waiting, self._now_waiting)
        self.waiting.release()
        self.open.wait()
        with self._counting:
            self._now_waiting -= 1


@contextmanager
def origin(tls: ssl.SSLContext | None = None) -> Iterator[Origin]:
    server = Origin()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with serving(server):
        try:
            yield server
        finally:
            server.open.set()


class _Answers(Answers):
    server: Origin

    def do_GET(self) -> None:
        self.server.seen.append((self.headers["Host"], self.path))
        self.server.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        path = self.path.split("?")[0]
        if path in self.server.moved:
            self._head(302, Location=self.server.moved[path])
        elif path in self.server.files:
            encoding = self.server.content_encodings.get(path)
            self._whole(self.server.files[path], **({} if encoding is None else {"Content-Encoding": encoding}))
        elif path.startswith("/status/"):
            self._head(int(path.rsplit("/", 1)[-1]))
        else:
            getattr(self, "_" + path.strip("/"), self._missing)()

    def _whole(self, data: bytes, **headers: str) -> None:
        self._head(200, **{"Content-Length": str(len(data)), **headers})
        self.wfile.write(data)

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _missing(self) -> None:
        self._head(404)

    def _gated(self) -> None:
        self.server.wait_for_gate()
        self._whole(PDF)

    def _endless(self) -> None:
        self._head(200)
        while True:
            self.wfile.write(PDF)

    def _drip(self) -> None:
        self._head(200)
        while True:
            self.wfile.write(b"%")
            time.sleep(0.05)

    def _dripping_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X: y\r\n")
            time.sleep(0.05)

    def _silent(self) -> None:
        self._head(200, Content_Length="100")
        self.server.open.wait()

    def _half(self) -> None:
        self._head(200, Content_Length=str(len(PDF)))
        self.wfile.write(PDF[: len(PDF) // 2])

    def _huge(self) -> None:
        self._head(200, Content_Length=str(10 << 30))

    def _zipped(self) -> None:
        self._head(200, Content_Encoding="gzip")
