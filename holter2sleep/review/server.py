"""The page of the review, served to this computer alone.

It listens on 127.0.0.1 at a random port, and every address begins with a random token. A page of another site that a
browser has open can send requests to any port of this computer: so the Host has to be ours (no name that was made to
point here), the Origin too, and nothing from elsewhere may be loaded, framed or kept.
"""

from __future__ import annotations

import hmac
import json
import math
import secrets
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from holter2sleep.errors import Holter2SleepError
from holter2sleep.review.log import Overtaken
from holter2sleep.review.session import Session
from holter2sleep.review.view import beats_bytes, night_view

LARGEST_BODY = 1 << 16  # bytes: an edit has some hundred
SECONDS_A_REQUEST = 30.0  # a connection that says nothing for longer is closed
PAGE = {"": ("index.html", "text/html"), "review.css": ("review.css", "text/css")}
SCRIPTS = ("state.js", "scales.js", "overview.js", "strip.js", "lists.js", "review.js")
PAGE |= {name: (name, "text/javascript") for name in SCRIPTS}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NO_MORE: Mapping[str, str] = {}
BINARY, JSON = "application/octet-stream", "application/json"


class ReviewServer(ThreadingHTTPServer):
    """One night, served until somebody ends it."""

    daemon_threads = True

    def __init__(self, session: Session) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.session, self.token = session, secrets.token_urlsafe(24)

    @property
    def origin(self) -> str:
        """What a browser calls this server."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"{self.origin}/{self.token}/"


def serve(folder: Path, who: str | None, recording: Path | None, opened: Callable[[str], None]) -> None:
    """Serve the page of a night until Ctrl-C or the button on the page; `opened` is told the address.

    Raises
    ------
    Holter2SleepError
        The night cannot be read, its log is broken, or the recording is another one.
    """
    with ReviewServer(Session(folder, who, recording)) as server:
        opened(server.address)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return


class _Refused(Exception):
    """A request that is not answered."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "holter2sleep", ""
    timeout = SECONDS_A_REQUEST

    def do_GET(self) -> None:
        self._answer(_GET)

    def do_POST(self) -> None:
        self._answer(_POST)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: an address holds the token, and a log would keep it."""

    def _answer(self, routes: Mapping[str, Callable[[_Handler, dict[str, str]], None]]) -> None:
        try:
            name, query = self._checked()
            route = routes.get(name) or (_page if routes is _GET and name in PAGE else None)
            if route is None:
                raise _Refused(HTTPStatus.NOT_FOUND, "no such address")
            route(self, query)
        except _Refused as refused:
            self.close_connection = True  # a body that was not read would be taken for the next request
            self.send_json({"error": str(refused)}, refused.status)
        except Overtaken as error:
            self.server.session.refresh()
            self.send_json({"error": str(error), "overtaken": True}, HTTPStatus.CONFLICT)
        except Holter2SleepError as error:
            self.send_json({"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
        except (ConnectionError, TimeoutError):  # the page was closed or went on to another stretch
            self.close_connection = True
        except OSError as error:
            self.close_connection = True
            self.send_json({"error": f"cannot be written ({error.strerror})"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _checked(self) -> tuple[str, dict[str, str]]:
        """Name and query of a request that comes from our own page."""
        origin = self.server.origin
        if self.headers.get("Host") != origin.removeprefix("http://"):
            raise _Refused(HTTPStatus.MISDIRECTED_REQUEST, "this server answers to 127.0.0.1 alone")
        if self.headers.get("Origin", origin) != origin or self.headers.get("Sec-Fetch-Site") == "cross-site":
            raise _Refused(HTTPStatus.FORBIDDEN, "a request of another site")
        parts = urlsplit(self.path)
        token, _, name = parts.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise _Refused(HTTPStatus.FORBIDDEN, "the address lacks the token that the program has printed")
        return name, {key: values[0] for key, values in parse_qs(parts.query).items()}

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        if self.headers.get_content_type() != JSON:
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {JSON}")
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if int(length) > LARGEST_BODY:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {LARGEST_BODY} bytes")
        try:
            sent = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise _Refused(HTTPStatus.BAD_REQUEST, "not valid JSON") from None
        if not isinstance(sent, dict):
            raise _Refused(HTTPStatus.BAD_REQUEST, "expected a JSON object")
        return sent

    def send(
        self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK, more: Mapping[str, str] = NO_MORE
    ) -> None:
        """An answer with what keeps it here."""
        self.send_response(status)
        for name, value in {**HEADERS, **more, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def send_json(self, facts: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        """Facts as JSON."""
        self.send(json.dumps(facts, ensure_ascii=False, allow_nan=False).encode(), JSON, status)


# --- what is asked for -------------------------------------------------------------------------------


def _page(handler: _Handler, query: dict[str, str]) -> None:
    name, kind = PAGE[urlsplit(handler.path).path.rpartition("/")[2]]
    content = (files("holter2sleep.review") / "page" / name).read_bytes()
    handler.send(content, f"{kind}; charset=utf-8")


def _night(handler: _Handler, query: dict[str, str]) -> None:
    handler.server.session.refresh()
    handler.send_json(night_view(handler.server.session))


def _beats(handler: _Handler, query: dict[str, str]) -> None:
    handler.send(beats_bytes(handler.server.session), BINARY)


def _ecg(handler: _Handler, query: dict[str, str]) -> None:
    """A piece of the lead; 503 while so long a stretch cannot be shown yet."""
    pieces = handler.server.session.pieces
    if pieces is None:
        raise _Refused(HTTPStatus.NOT_FOUND, "no waveform at hand")
    start_s, end_s = (_seconds(query, name, pieces.duration_s) for name in ("start_s", "end_s"))
    piece = pieces.piece(start_s, max(start_s, end_s), int(_seconds(query, "points", 1e6)))
    if piece is None:
        raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the overview of the lead is being made")
    width = "1" if piece.values.ndim == 1 else "2"
    headers = {"X-Start-S": repr(piece.start_s), "X-Step-S": repr(piece.step_s), "X-Width": width}
    handler.send(np.ascontiguousarray(piece.values, "<f4").tobytes(), BINARY, more=headers)


def _seconds(query: dict[str, str], name: str, most: float) -> float:
    try:
        value = float(query.get(name, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _Refused(HTTPStatus.BAD_REQUEST, f"{name}: expected a number")
    return min(max(value, 0.0), most)


def _report(handler: _Handler, query: dict[str, str]) -> None:
    path = handler.server.session.folder / "report.pdf"
    if not path.is_file():
        raise _Refused(HTTPStatus.NOT_FOUND, "no report: recompute makes one")
    handler.send(path.read_bytes(), "application/pdf")


def _work(handler: _Handler, query: dict[str, str]) -> None:
    session = handler.server.session
    handler.send_json({**session.work, "is_behind": session.is_behind()})


def _edit(handler: _Handler, query: dict[str, str]) -> None:
    sent = handler.body()
    asked, known = sent.get("asked"), sent.get("known")
    if not isinstance(asked, dict) or isinstance(known, bool) or not isinstance(known, int):
        raise _Refused(HTTPStatus.BAD_REQUEST, "expected asked (an object) and known (the number of the last edit)")
    edit = handler.server.session.edit(asked, known)
    handler.send_json({"number": edit.number, "of": edit.of})


def _recompute(handler: _Handler, query: dict[str, str]) -> None:
    handler.body()
    handler.server.session.begin_recompute()
    handler.send_json({})


def _end(handler: _Handler, query: dict[str, str]) -> None:
    handler.body()
    handler.send_json({})
    threading.Thread(target=handler.server.shutdown, daemon=True).start()


_GET = {"night": _night, "beats": _beats, "ecg": _ecg, "report.pdf": _report, "work": _work}
_POST = {"edit": _edit, "recompute": _recompute, "end": _end}
