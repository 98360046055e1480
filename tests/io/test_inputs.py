"""A folder gives its nights, each once, and nothing that is none."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from edf_bytes import EdfFile, plain
from gdf_bytes import GdfSignal, gdf_bytes
from test_ishne import RAMP, ishne_bytes
from test_ishne_against_ishneholterlib import ann_bytes

from holter2sleep.errors import UsageError
from holter2sleep.io.inputs import find_inputs

EDF = plain().tobytes()
HYPNOGRAM = EdfFile([], 2, "0", reserved="EDF+C", onsets=["+0", "+0"]).tobytes()
GDF = gdf_bytes([GdfSignal("ECG", np.zeros(2000, np.int64), 100)])
BEATS = "time_s,label\n" + "".join(f"{0.8 * i:.1f},N\n" for i in range(300))
SAMPLES = "ECG\n" + "0.1\n-0.2\n" * 500
STAGES = "W\nN1\nN2\nR\n" * 50
HEADER = "{name} 1 250 4 22:00:00\n{name}.dat 16 200/mV 16 0 0 0 0 ECG\n"


def annotations(n: int = 300) -> bytes:
    """WFDB annotations: a normal beat (code 1) every 200 ticks, and the end mark."""
    return np.r_[np.full(n, (1 << 10) | 200), 0].astype("<u2").tobytes()


def fill(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def found(folder: Path, *paths: str, **options: float) -> list[str]:
    wanted = [folder / path for path in paths] or [folder]
    return names(folder, find_inputs(wanted, **options))


def names(folder: Path, paths: Iterable[Path]) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def record(name: str) -> dict[str, str | bytes]:
    return {f"{name}.hea": HEADER.format(name=name), f"{name}.dat": bytes(8), f"{name}.atr": annotations()}


# --- folders ---------------------------------------------------------------------------------------


def test_recordings_of_all_formats_are_found_in_all_folders_in_order(tmp_path: Path) -> None:
    files = {
        "b/two.EDF": EDF, "b/c/one.bdf": plain(kind="BDF").tobytes(), "a/holter.ecg": ishne_bytes(RAMP),
        "a/any name": EDF, "z.gdf": GDF, "beats.csv": BEATS, "list.txt": "0.8\n0.9\n" * 100,
    }  # fmt: skip
    fill(tmp_path, files | record("r/100"))
    assert found(tmp_path) == [
        "a/any name", "a/holter.ecg", "b/c/one.bdf", "b/two.EDF", "beats.csv", "list.txt", "r/100.hea", "z.gdf",
    ]  # fmt: skip


def test_what_is_no_recording_is_passed_over_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    others = {
        "notes.txt": "dear diary", "stages.txt": STAGES, "hypnogram.edf": HYPNOGRAM, "photo.jpg": b"\xff\xd8",
        "manifest.csv": "recording_id,path\na,a.edf\n", "signals.csv": SAMPLES, "stages.xml": "<PSGAnnotation/>",
    }  # fmt: skip
    fill(tmp_path, others | {"night.edf": EDF, ".hidden.edf": EDF, ".git/old.edf": EDF})
    with caplog.at_level(logging.INFO):
        assert found(tmp_path) == ["night.edf"]
    assert "1 recording, 7 other files passed over" in caplog.text


def test_a_broken_recording_is_an_input_so_that_it_fails_visibly(tmp_path: Path) -> None:
    fill(tmp_path, {"cut.edf": EDF[:300], "empty.edf": b"", "text.bdf": "text", "broken.hea": "?"})
    assert found(tmp_path) == ["broken.hea", "cut.edf", "empty.edf", "text.bdf"]


def test_a_rate_makes_tables_of_samples_recordings(tmp_path: Path) -> None:
    fill(tmp_path, {"signals.csv": SAMPLES, "night.edf": EDF})
    assert found(tmp_path, fs=250.0) == ["night.edf", "signals.csv"]


def test_tables_and_annotations_beside_a_recording_belong_to_it(tmp_path: Path) -> None:
    files = {
        "n.edf": EDF,
        "n.csv": BEATS,
        "n-rpoint.csv": BEATS,
        "n.beats.csv": BEATS,
        "h.ecg": ishne_bytes(RAMP),
        "h.ann": ann_bytes([("N", 160)]),
    }
    fill(tmp_path, files | {"alone.ann": ann_bytes([("N", 160)]), "other.csv": BEATS})
    assert found(tmp_path) == ["alone.ann", "h.ecg", "n.edf", "other.csv"]


def test_of_several_beat_files_of_a_night_the_classified_one_is_taken(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {"n.qrs": annotations(), "n.atr": annotations(), "n.csv": BEATS, "m.qrs": annotations(), "no.atr": "text"},
    )
    assert found(tmp_path) == ["m.qrs", "n.atr"]


def test_our_own_results_are_no_input(tmp_path: Path) -> None:
    fill(tmp_path, {"night.edf": EDF, "out/night/run.json": "{}", "out/night/phenotypes.csv": "a\n"})
    for name in ("beats", "phenotypes"):
        pl.DataFrame({"time_s": [0.8, 1.6], "label": ["N", "N"]}).write_parquet(
            tmp_path / "out/night" / f"{name}.parquet"
        )
    assert found(tmp_path) == ["night.edf"]
    assert found(tmp_path, "**/*.*") == ["night.edf"]
    with pytest.raises(UsageError, match="no recording"):
        find_inputs([tmp_path / "out"])


# --- WFDB ------------------------------------------------------------------------------------------


def test_a_wfdb_record_is_one_input(tmp_path: Path) -> None:
    fill(tmp_path, record("100") | {"100.qrs": annotations(), "100.wqrs": annotations()})
    assert found(tmp_path) == ["100.hea"]


def test_segments_and_layouts_are_parts_of_their_record(tmp_path: Path) -> None:
    master = "long/3 1 250 8\nlong_layout 0\nlong_1 4\nlong_2 4\n"
    layout = "long_layout 1 250 0\n~ 0 200/mV 16 0 0 0 0 ECG\n"
    fill(tmp_path, {"long.hea": master, "long_layout.hea": layout} | record("long_1") | record("long_2"))
    assert found(tmp_path) == ["long.hea"]
    assert found(tmp_path, "*.hea") == ["long.hea"]


def test_a_record_without_signal_files_gives_its_annotations(tmp_path: Path) -> None:
    fill(tmp_path, {"a.hea": HEADER.format(name="a"), "a.ecg": annotations(), "a.st": annotations()})
    fill(tmp_path, {"b.hea": "b 0 250 1000\n", "b.qrs": annotations(), "c.hea": HEADER.format(name="c")})
    # the signal of c is missing and nothing stands in for it: reading it will say so
    assert found(tmp_path) == ["a.ecg", "b.qrs", "c.hea"]


# --- patterns, links, repeats ----------------------------------------------------------------------


def test_patterns_are_expanded(tmp_path: Path) -> None:
    fill(tmp_path, {"a1.edf": EDF, "a2.edf": EDF, "b1.edf": EDF, "deep/er/c1.edf": EDF, "a3.txt": STAGES})
    assert found(tmp_path, "a?.edf") == ["a1.edf", "a2.edf"]
    assert found(tmp_path, "[ab]1.*") == ["a1.edf", "b1.edf"]
    assert found(tmp_path, "a*") == ["a1.edf", "a2.edf"]
    assert found(tmp_path, "**/*.edf") == ["a1.edf", "a2.edf", "b1.edf", "deep/er/c1.edf"]
    assert found(tmp_path, "de*") == ["deep/er/c1.edf"]


def test_a_pattern_for_annotations_gives_annotations_although_the_record_could_be_read(tmp_path: Path) -> None:
    fill(tmp_path, record("100") | record("101"))
    assert found(tmp_path, "*.atr") == ["100.atr", "101.atr"]


def test_a_file_that_is_named_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    fill(tmp_path, {"night[1].edf": EDF, "night1.edf": EDF})
    assert found(tmp_path, "night[1].edf") == ["night[1].edf"]


def test_named_files_are_taken_as_they_are_and_each_only_once(tmp_path: Path) -> None:
    fill(tmp_path, {"b.edf": EDF, "a.edf": EDF, "notes.txt": "dear diary"})
    assert found(tmp_path, "notes.txt", "b.edf", ".", "b.edf", "missing.edf") == [
        "notes.txt", "b.edf", "a.edf", "missing.edf",
    ]  # fmt: skip


def test_a_link_that_goes_round_ends(tmp_path: Path) -> None:
    fill(tmp_path, {"a/night.edf": EDF})
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "copy.edf").symlink_to(tmp_path / "a" / "night.edf")
    assert found(tmp_path) == ["a/night.edf"]


@pytest.mark.parametrize("pattern", ["web", "web/*", "web/**/*.edf", "web/**"])
def test_folders_that_link_to_each_other_are_searched_once(tmp_path: Path, pattern: str) -> None:
    for i in range(12):
        (tmp_path / f"web/d{i}").mkdir(parents=True)
        for j in range(12):
            (tmp_path / f"web/d{i}/l{j}").symlink_to(f"../d{j}")
    fill(tmp_path, {"web/d0/z.edf": EDF})
    started = time.perf_counter()
    assert len(find_inputs([tmp_path / pattern])) == 1
    assert time.perf_counter() - started < 2  # s; the walks through all links would take years


ASKED_BY_NOBODY = """
import os, sys
from pathlib import Path
from holter2sleep.errors import UsageError
from holter2sleep.io import read_recording
from holter2sleep.io.inputs import find_inputs

locked = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
for name in ("", "night.edf", "*.edf", "**/*.edf", "record"):
    try:
        [read_recording(path) for path in find_inputs([locked / name])]
    except UsageError:
        print("wrong usage")
"""


@pytest.mark.parametrize("mode", [0o000, 0o700, 0o744])
def test_a_folder_that_must_not_be_searched_is_wrong_usage(tmp_path: Path, mode: int) -> None:
    fill(tmp_path, {"locked/night.edf": EDF})
    (tmp_path / "locked").chmod(mode if os.geteuid() == 0 else mode & 0o644)
    command = [sys.executable, "-c", ASKED_BY_NOBODY, str(tmp_path / "locked")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (tmp_path / "locked").chmod(0o700)
    assert done.stdout.split("\n") == ["wrong usage"] * 5 + [""], done.stderr


@pytest.mark.parametrize("path", ["", "*.edf", "**/*.hea"])
def test_nothing_found_is_wrong_usage_that_says_what_would_work(tmp_path: Path, path: str) -> None:
    fill(tmp_path, {"notes.txt": "dear diary"})
    with pytest.raises(UsageError, match=r"no recording (found in this folder|matches).*What would work: ") as caught:
        find_inputs([tmp_path / path])
    assert str(caught.value).startswith(str(tmp_path / path))


@pytest.mark.realdata
def test_archives_give_one_input_a_night(shared_data: Path) -> None:
    assert {path.suffix for path in find_inputs([shared_data / "mitdb"])} == {".hea"}
    assert len(find_inputs([shared_data / "mitdb"])) == 42
    assert [path.suffix for path in find_inputs([shared_data / "slpdb"])] == [".ecg"] * 12
    assert len(find_inputs([shared_data / "sddb"])) == 17
