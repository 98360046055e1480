"""A night's address follows every file that reading it reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from made_cohorts import asked

from holter2sleep.batch.address import content_address, files_of, method_address
from holter2sleep.batch.manifest import Row


def header(path: Path, *signals: str) -> Path:
    lines = [f"{path.stem} {len(signals)} 250 1000", *(f"{file} 16 200 16 0 0 0 0 ECG" for file in signals)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def names(path: Path) -> list[str]:
    return [file.name for file in files_of(path)]


def test_a_wfdb_record_is_its_header_and_its_signal_files(tmp_path: Path) -> None:
    assert names(header(tmp_path / "r.hea", "r.dat", "r.dat", "other.dat")) == ["r.hea", "r.dat", "other.dat"]


def test_a_record_of_segments_is_all_of_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        header(tmp_path / f"{name}.hea", f"{name}.dat")
    (tmp_path / "r.hea").write_text("r/3 1 250 3000\na 1000\n~ 1000\nb 1000\n", encoding="ascii")
    assert names(tmp_path / "r.hea") == ["r.hea", "a.hea", "a.dat", "b.hea", "b.dat"]


def test_a_header_that_names_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "r.hea").write_text("r/1 1 250 1000\nr 1000\n", encoding="ascii")
    assert names(tmp_path / "r.hea") == ["r.hea"]


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"no header"])
def test_a_broken_header_stands_for_itself(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.hea").write_bytes(content)
    assert names(tmp_path / "r.hea") == ["r.hea"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("n.edf", ["n.edf"]),
        ("n.vhdr", ["n.vhdr", "n.eeg", "n.vmrk"]),
        ("n.atr", ["n.atr", "n.hea"]),
        ("n.set", ["n.set", "n.fdt"]),
    ],
)
def test_other_formats_have_the_files_of_their_kind(tmp_path: Path, name: str, files: list[str]) -> None:
    assert names(tmp_path / name) == files


def test_a_signal_file_that_changed_gives_another_address(tmp_path: Path) -> None:
    row = Row(2, tmp_path, "r", header(tmp_path / "r.hea", "r.dat"))
    (tmp_path / "r.dat").write_bytes(bytes(2000))
    request = asked(tmp_path / "out")

    def address() -> str:
        return content_address(row, row.request(request), method_address(request))

    before = address()
    assert address() == before
    os.utime(tmp_path / "r.dat", ns=(0, 0))
    assert address() != before


def test_beats_and_hypnogram_given_with_a_night_are_part_of_its_address(tmp_path: Path) -> None:
    for name in ("r.edf", "x.csv"):
        (tmp_path / name).write_bytes(b"x")
    request, path, given = asked(tmp_path / "out"), tmp_path / "r.edf", tmp_path / "x.csv"
    rows = [
        Row(2, tmp_path, "r", path),
        Row(2, tmp_path, "r", path, beats=given),
        Row(2, tmp_path, "r", path, hypnogram=given),
    ]
    assert len({content_address(row, row.request(request), "m") for row in rows}) == 3
