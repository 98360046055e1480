"""A night served inside a test, and requests made by hand."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holter2sleep.review.server import ReviewServer
from holter2sleep.review.session import Session


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@contextmanager
def served(folder: Path, who: str | None = "A. Reader") -> Iterator[ReviewServer]:
    """The page's server, in a thread."""
    with ReviewServer(Session(folder, who)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(server: ReviewServer, name: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """One request, its path below the token unless it begins with a slash."""
    path = name if name.startswith("/") else f"/{server.token}/{name}"
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)


def post(server: ReviewServer, name: str, sent: object, **headers: str) -> Answer:
    return ask(server, name, "POST", json.dumps(sent).encode(), **{"Content-Type": "application/json", **headers})


def edit(server: ReviewServer, known: int, **asked: object) -> Answer:
    return post(server, "edit", {"asked": asked, "known": known})
