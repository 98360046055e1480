"""Every odd file is read as it truly is, or refused in one line where refusing is the truth."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_all import odd_files
from odd_truth import OddFile, found_of, judge

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.waveform import Waveform

ODD_FILES = odd_files()


def written(tmp_path: Path, odd: OddFile) -> Path:
    for name, content in odd.files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path / odd.file


@pytest.mark.parametrize("odd", [odd for odd in ODD_FILES if not odd.truth.refused], ids=lambda odd: odd.name)
def test_an_odd_file_is_read_as_it_truly_is_and_what_was_assumed_is_told(tmp_path: Path, odd: OddFile) -> None:
    recording = read_recording(written(tmp_path, odd), **odd.options)
    verdict = judge(odd.truth, found_of(recording))
    assert verdict.kind == "right", f"{verdict.text} {recording.warnings}"
    assert odd.told in (None, bool(recording.warnings)), recording.warnings


@pytest.mark.parametrize("odd", [odd for odd in ODD_FILES if odd.truth.mv is not None], ids=lambda odd: odd.name)
def test_small_blocks_change_nothing_in_an_odd_file(
    tmp_path: Path, odd: OddFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waveform.__init__, "__defaults__", (5003, 5003))
    verdict = judge(odd.truth, found_of(read_recording(written(tmp_path, odd), **odd.options)))
    assert verdict.kind == "right", verdict.text


@pytest.mark.parametrize("odd", [odd for odd in ODD_FILES if odd.truth.refused], ids=lambda odd: odd.name)
def test_a_file_that_cannot_be_read_rightly_is_refused_in_one_line(tmp_path: Path, odd: OddFile) -> None:
    with pytest.raises(RecordingError) as caught:
        read_recording(written(tmp_path, odd), **odd.options)
    message = str(caught.value)
    assert message.startswith(odd.file)
    assert "\n" not in message
    assert str(tmp_path) not in message
