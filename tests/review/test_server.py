"""The server answers its own page, and nobody else; what it saves is on the disk."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from served import ask, edit, post, served

from holter2sleep.review.log import verified
from holter2sleep.review.pieces import Pieces, extremes
from holter2sleep.review.server import PAGE, ReviewServer
from holter2sleep.waveform import Waveform


@pytest.fixture
def server(night: Path) -> Iterator[ReviewServer]:
    with served(night) as running:
        yield running


NOTE = {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "n"}


# --- who is answered ---------------------------------------------------------------------------------


def test_it_listens_on_this_computer_alone(server: ReviewServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32


@pytest.mark.parametrize("path", ["/", "/night", "/x/night", "//night", "/review.css"])
def test_without_the_token_nothing_is_told(server: ReviewServer, path: str) -> None:
    answer = ask(server, path)
    assert answer.status == 403
    assert b"recording_id" not in answer.content


def test_two_servers_have_two_tokens(server: ReviewServer, night: Path) -> None:
    with served(night) as other:
        assert ask(server, f"/{other.token}/night").status == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1"])
def test_a_name_made_to_point_here_is_refused(server: ReviewServer, host: str) -> None:
    assert ask(server, "night", Host=host).status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1"])
def test_another_site_is_refused(server: ReviewServer, origin: str) -> None:
    assert ask(server, "night", Origin=origin).status == 403
    assert post(server, "edit", {"asked": NOTE, "known": 0}, Origin=origin).status == 403
    assert ask(server, "night", Origin=server.origin).status == 200
    assert verified(server.session.folder) == ()


def test_a_form_of_another_site_cannot_edit(server: ReviewServer) -> None:
    body = json.dumps({"asked": NOTE, "known": 0}).encode()
    assert ask(server, "edit", "POST", body, Content_Type="text/plain").status == 415
    assert ask(server, "night", Sec_Fetch_Site="cross-site").status == 403


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..%2f..%2frun.json",
        "page/../server.py",
        "run.json",
        "edits.jsonl",
        "machine/run.json",
        "%00",
    ],
)
def test_no_file_but_those_of_the_page_is_served(server: ReviewServer, name: str) -> None:
    assert ask(server, name).status == 404


@pytest.mark.parametrize("name", [*PAGE, "night", "beats", "ecg?start_s=0&end_s=5&points=900", "work", "nowhere"])
def test_nothing_is_kept_and_nothing_from_elsewhere_is_loaded(server: ReviewServer, name: str) -> None:
    headers = ask(server, name).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", PAGE)
def test_the_page_names_no_other_address(server: ReviewServer, name: str) -> None:
    answer = ask(server, name)
    assert answer.status == 200
    assert b"http:" not in answer.content
    assert b"https:" not in answer.content


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"asked": 1, "known": 0}', 400),
        (b'{"asked": {}, "known": "0"}', 400),
        (b'{"asked": {}, "known": true}', 400),
        (b'{"asked": {}, "known": 0}', 422),
        (b"\xff\xfe", 400),
        (b'{"a":' * 5000, 400),
        (b" " * 70_000, 413),
    ],
    ids=range(11),
)
def test_what_is_no_edit_is_refused_and_changes_nothing(server: ReviewServer, body: bytes, status: int) -> None:
    answer = ask(server, "edit", "POST", body, Content_Type="application/json")
    assert answer.status == status
    assert answer.json["error"]
    assert verified(server.session.folder) == ()
    assert ask(server, "night").status == 200


def test_a_length_that_is_none_is_refused(server: ReviewServer) -> None:
    for length in ("-1", "x", "9" * 30):
        assert ask(server, "edit", "POST", Content_Type="application/json", Content_Length=length).status in (411, 413)


@pytest.mark.parametrize("query", ["", "start_s=0", "start_s=a&end_s=1&points=9", "start_s=nan&end_s=1&points=9"])
def test_a_stretch_that_is_none_is_refused(server: ReviewServer, query: str) -> None:
    assert ask(server, f"ecg?{query}").status == 400


# --- what is answered --------------------------------------------------------------------------------


def test_the_night_is_that_of_the_tables(server: ReviewServer) -> None:
    night = ask(server, "night").json
    epochs = pl.read_parquet(server.session.folder / "epochs.parquet")
    assert night["epochs"]["stage"] == epochs["stage"].to_list()
    assert set(night["epochs"]["seen"]) == {None}
    assert (night["who"], night["log"], night["undo"], night["is_behind"]) == ("A. Reader", [], None, False)


def test_beats_come_as_they_are_in_the_table(server: ReviewServer) -> None:
    content = ask(server, "beats").content
    table = pl.read_parquet(server.session.folder / "beats.parquet")
    n = len(table)
    assert len(content) == 18 * n
    assert np.array_equal(np.frombuffer(content, "<f8", n), table["time_s"].to_numpy())
    assert content[16 * n : 17 * n].decode() == "".join(table["label"])


def test_a_short_stretch_comes_sample_by_sample(server: ReviewServer) -> None:
    answer = ask(server, "ecg?start_s=100&end_s=110&points=8000")
    ecg = server.session.source.ecg
    assert ecg is not None
    assert (answer.headers["x-width"], float(answer.headers["x-step-s"])) == ("1", 1 / 256)
    assert np.array_equal(np.frombuffer(answer.content, "<f4"), ecg[100 * 256 : 110 * 256 + 1])


def test_an_edit_is_on_the_disk_when_it_is_answered(server: ReviewServer) -> None:
    at = pl.read_parquet(server.session.folder / "beats.parquet")["time_s"][100]
    answer = edit(server, 0, kind="beat_relabel", time_s=at, label="V")
    assert answer.json == {"number": 1, "of": "beat_relabel"}
    (line,) = verified(server.session.folder)
    assert (line.who, line.before["label"], line.after["label"]) == ("A. Reader", "N", "V")
    night = ask(server, "night").json
    assert [each["what"][:12] for each in night["log"]] == ["beat relabel"]
    assert (night["undo"], night["is_behind"]) == (1, True)
    n = len(ask(server, "beats").content) // 18
    assert ask(server, "beats").content[16 * n + 100 : 16 * n + 101] == b"V"


def test_a_look_takes_the_words_unconfirmed_away(server: ReviewServer) -> None:
    edit(server, 0, kind="confirm", first_epoch=3, last_epoch=4)
    edit(server, 1, kind="stage", first_epoch=5, last_epoch=5, stage="R")
    seen = ask(server, "night").json["epochs"]["seen"]
    assert seen[2:7] == [None, "looked at by A. Reader", "looked at by A. Reader", "edited by A. Reader", None]


def test_who_has_not_seen_the_last_edit_is_told_and_nothing_is_saved(server: ReviewServer) -> None:
    assert edit(server, 0, **NOTE).status == 200
    answer = edit(server, 0, **{**NOTE, "text": "late"})
    assert answer.status == 409
    assert "1 edit by A. Reader, and 0 were known here" in answer.json["error"]
    assert [each.after for each in verified(server.session.folder)] == ["n"]


def test_of_two_at_once_one_is_saved_and_the_other_told(night: Path) -> None:
    with served(night, "A. Reader") as one, served(night, "B. Other") as other:
        for known in range(5):
            answers: list[int] = []
            threads = [
                threading.Thread(target=lambda s=each, k=known, a=answers: a.append(edit(s, k, **NOTE).status))
                for each in (one, other)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(answers) == [200, 409]
        assert len(verified(night)) == 5
        assert len(ask(one, "night").json["log"]) == 5


def test_who_is_not_named_can_look_and_not_edit(night: Path) -> None:
    with served(night, None) as server:
        assert ask(server, "night").json["who"] is None
        answer = edit(server, 0, **NOTE)
        assert answer.status == 422
        assert "--who NAME" in answer.json["error"]
        assert post(server, "recompute", {}).status == 422
    assert verified(night) == ()


def test_recomputing_tells_how_far_it_is_and_edits_go_on(server: ReviewServer) -> None:
    folder = server.session.folder
    edit(server, 0, **NOTE)
    assert post(server, "recompute", {}).status == 200
    assert post(server, "recompute", {}).status == 422
    steps = set()
    while (work := ask(server, "work").json)["state"] == "running":
        steps.add(work["step"])
        assert ask(server, "night").status == 200  # while the folder is replaced too
        time.sleep(0.02)
    assert (work["error"], work["is_behind"]) == ("", False)
    assert steps & {"what follows from the edits", "tables", "report"}
    assert json.loads((folder / "run.json").read_text())["edits"]["n"] == 1
    assert edit(server, 1, **NOTE).status == 200
    assert ask(server, "report.pdf").content.startswith(b"%PDF")


def test_the_button_ends_the_program(night: Path) -> None:
    from holter2sleep.review.session import Session

    with ReviewServer(Session(night, "A")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        assert post(server, "end", {}).status == 200
        thread.join(timeout=5)
        assert not thread.is_alive()


# --- pieces of the signal ----------------------------------------------------------------------------


def long_lead(hours: float, fs: float = 250.0) -> tuple[Waveform, np.ndarray]:
    samples = np.random.default_rng(3).normal(0, 0.2, round(hours * 3600 * fs)).astype(np.float32)
    samples[1000:2000] = np.nan
    return Waveform.of(samples), samples


def ready(pieces: Pieces, start_s: float, end_s: float, points: int) -> np.ndarray:
    while (piece := pieces.piece(start_s, end_s, points)) is None:
        time.sleep(0.01)
    return piece.values


def test_a_spike_is_seen_however_far_one_zooms_out() -> None:
    lead, samples = long_lead(1.0)
    samples = samples.copy()
    samples[400_003] = 9.0
    pieces = Pieces(Waveform.of(samples), 250.0)
    for span_s in (3599.0, 1800.0, 300.0, 20.0):
        values = ready(pieces, 400_003 / 250 - span_s / 2, 400_003 / 250 + span_s / 2, 700)
        assert np.nanmax(values) == 9.0, span_s
        assert len(values) <= 5001
    assert len(lead) == len(samples)


def test_missing_signal_stays_missing() -> None:
    pieces = Pieces(long_lead(0.5)[0], 250.0)
    piece = pieces.piece(0.0, 10.0, 8000)
    assert piece is not None
    assert np.isnan(piece.values[1000:2000]).all()
    assert np.isnan(extremes(np.full(9, np.nan, np.float32), 3)).all()


@pytest.mark.slow
def test_a_piece_of_a_day_comes_within_fifty_milliseconds() -> None:
    pieces = Pieces(long_lead(24.0)[0], 250.0)
    ready(pieces, 0.0, 86_400.0, 8000)
    rng, taken_s = np.random.default_rng(1), []
    for span_s in (5.0, 30.0, 119.0, 600.0, 7200.0, 86_000.0) * 20:
        begin = time.perf_counter()
        ready(pieces, start_s := rng.uniform(0, 86_400 - span_s), start_s + span_s, 8000)
        taken_s.append(time.perf_counter() - begin)
    assert np.median(taken_s) < 0.05
