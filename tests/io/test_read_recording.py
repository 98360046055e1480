"""The front door: the right reader for each file, and one clear line of refusal for the rest."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edf_bytes import plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io import READERS, read_recording
from holter2sleep.io.edf_annotations import read_edf_annotations
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import EpochGrid

EDF = plain(reserved="EDF+D", onsets=[f"+{i}" for i in range(20)]).tobytes()
HEADER = b"night 1 250 800 22:00:00 01/02/2003\nnight.dat 16 200/mV 16 0 0 0 0 ECG\n# 44 M\n"


def test_the_id_is_the_stem_unless_given_and_the_hash_is_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "patient.7.edf"
    path.write_bytes(EDF)
    assert read_recording(path).recording_id == "patient.7"
    assert read_recording(path, recording_id="anna").recording_id == "anna"
    assert read_recording(path).source.sha256 == hashlib.sha256(EDF).hexdigest()
    assert read_recording(path).source.file == "patient.7.edf"


@pytest.mark.parametrize("name", ["night.EDF", "night.rec", "night", "night.txt", "night.hea"])
def test_an_edf_is_known_by_its_content_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(EDF)
    assert read_recording(tmp_path / name).source.format == "EDF+D"


def test_a_missing_path_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.edf: no such file"):
        read_recording(tmp_path / "none.edf")


def test_a_folder_is_wrong_usage_and_names_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none in it looks like a recording"):
        read_recording(tmp_path)
    (tmp_path / "night.edf").write_bytes(EDF)
    with pytest.raises(UsageError, match=r"a folder, not a recording.*night\.edf"):
        read_recording(tmp_path)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "night.edf", "empty"),
        (b"ISHNE1.0" + bytes(600), "night.ecg", "ISHNE header"),
        (b"GDF 1.25" + bytes(600), "night.gdf", "GDF"),
        (b"\x89HDF\r\n\x1a\n", "night.h5", "HDF5"),
        (b"PK\x03\x04", "night.edf", "zip archive"),
        (b"MATLAB 5.0 MAT-file", "night.csv", "MATLAB"),
        (b"%PDF-1.5", "night.pdf", "no recording by its first bytes"),
        (b"just text", "night.edf", "not a complete EDF"),
        (b"just text", "night.bdf", "not a complete EDF"),
        (b"just text", "night.parquet", "not a Parquet table"),
    ],
)
def test_other_files_are_refused_with_name_finding_and_advice(
    tmp_path: Path, content: bytes, name: str, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=message) as caught:
        read_recording(tmp_path / name)
    assert str(caught.value).startswith(f"{name}: ")
    assert "What would work: " in str(caught.value)
    assert "\n" not in str(caught.value)


# --- whatever the bytes ----------------------------------------------------------------------------

SUFFIXES = st.sampled_from([*READERS, ".dat", ".gdf", ".st", ".xml", ""])
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refusal_of(read: Callable[[], object]) -> str | None:
    """Message when the file is refused; any exception but ours fails the test."""
    try:
        read()
    except RecordingError as error:
        return str(error)
    return None


def survives(path: Path) -> None:
    """Every reader gives a value, or refuses the file by name."""
    readers = (
        lambda: read_recording(path),
        lambda: read_hypnogram(path, EpochGrid.covering(600.0), None),
        lambda: read_edf_annotations(path),
    )
    for read in readers:
        message = refusal_of(read)
        assert message is None or path.stem in message


@FUZZ
@given(content=st.binary(min_size=1, max_size=600), suffix=SUFFIXES)
def test_random_bytes_never_raise_a_foreign_exception(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"night{suffix}"
    path.write_bytes(content)
    survives(path)
    path.unlink()


@FUZZ
@given(
    text=st.text(max_size=300).filter(bool), encoding=st.sampled_from(["utf-8", "utf-16", "latin-1"]), suffix=SUFFIXES
)
def test_random_text_never_raises_a_foreign_exception(tmp_path: Path, text: str, encoding: str, suffix: str) -> None:
    path = tmp_path / f"night{suffix}"
    path.write_bytes(text.encode(encoding, errors="replace"))
    survives(path)
    path.unlink()


@FUZZ
@given(
    text=st.lists(
        st.sampled_from(
            [
                "time_s",
                "label",
                "seconds",
                "Type",
                "stage",
                "onset",
                "N",
                "W",
                "1",
                "0.8",
                "800",
                "-1",
                "nan",
                "1e999",
                '"',
                "x",
            ]
        ),
        min_size=1,
        max_size=40,
    ),
    separators=st.lists(st.sampled_from([",", ";", "\t", "\n", "\n", " "]), min_size=40, max_size=40),
    suffix=st.sampled_from([".csv", ".tsv", ".txt", ".ibi"]),
)
def test_tables_gone_wrong_never_raise_a_foreign_exception(
    tmp_path: Path, text: list[str], separators: list[str], suffix: str
) -> None:
    path = tmp_path / f"night{suffix}"
    path.write_text("".join(word + mark for word, mark in zip(text, separators, strict=False)))
    survives(path)
    path.unlink()


@FUZZ
@given(
    changes=st.lists(st.tuples(st.integers(0, 1300), st.binary(min_size=1, max_size=12)), min_size=1, max_size=6),
    length=st.integers(1, len(EDF)) | st.just(len(EDF)),
)
def test_a_damaged_edf_never_raises_a_foreign_exception(
    tmp_path: Path, changes: list[tuple[int, bytes]], length: int
) -> None:
    damaged = bytearray(EDF)
    for at, patch in changes:
        damaged[at : at + len(patch)] = patch
    path = tmp_path / "night.edf"
    path.write_bytes(damaged[:length])
    survives(path)


@FUZZ
@given(
    changes=st.lists(st.tuples(st.integers(0, len(HEADER)), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4),
    n_bytes=st.integers(0, 1600),
)
def test_a_damaged_wfdb_record_never_raises_a_foreign_exception(
    tmp_path: Path, changes: list[tuple[int, bytes]], n_bytes: int
) -> None:
    damaged = bytearray(HEADER)
    for at, patch in changes:
        damaged[at : at + len(patch)] = patch
    (tmp_path / "night.dat").write_bytes(bytes(range(256)) * 7)
    (tmp_path / "night.dat").write_bytes((tmp_path / "night.dat").read_bytes()[:n_bytes])
    path = tmp_path / "night.hea"
    path.write_bytes(damaged)
    survives(path)


def test_reading_an_edf_loads_neither_wfdb_nor_pandas(tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(EDF)
    code = (
        "import sys; from pathlib import Path; from holter2sleep.io import read_recording;"
        f"read_recording(Path({str(path)!r}));"
        "print(sorted({'wfdb', 'pandas', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert shown.stdout.strip() == "[]"
