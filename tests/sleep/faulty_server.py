"""An HTTP server on this machine that does what it is told, request by request."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Faults:
    """What is served, and how each request is to be treated; when the list is used up, well."""

    content: bytes
    plan: list[str] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Range of each request
    paths: tuple[str, ...] | None = None  # that exist; None: all
    url: str = ""


@contextmanager
def serving(faults: Faults) -> Iterator[Faults]:
    """The server at `faults.url` while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            faults.asked.append((self.path, self.headers.get("Range")))
            _answer(self, faults)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    faults.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield faults
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(request: BaseHTTPRequestHandler, faults: Faults) -> None:
    how = faults.plan.pop(0) if faults.plan else "well"
    if faults.paths is not None and request.path not in faults.paths:
        how = "404"
    if how.isdecimal():
        request.send_response(int(how))
        request.send_header("Retry-After", "7")
        request.end_headers()
        return
    content = faults.content
    asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    first = int(asked[1]) if asked and how != "ignore range" else 0
    if asked and first >= len(content):
        request.send_response(416)
        request.send_header("Content-Range", f"bytes */{len(content)}")
        request.end_headers()
        return
    request.send_response(206 if first else 200)
    if first:
        request.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
    if how != "no length":
        request.send_header("Content-Length", str(len(content) - first))
    request.end_headers()
    request.wfile.write(_body(content[first:], how))


def _body(content: bytes, how: str) -> bytes:
    if how == "corrupt":
        return content[:-1] + bytes([content[-1] ^ 1])
    if how == "drop":
        return content[: len(content) // 3]
    return b"" if how == "drop at once" else content
