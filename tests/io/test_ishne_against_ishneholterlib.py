"""ISHNE files of many kinds beside ishneholterlib, the library of the THEW archive's authors."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import ishneholterlib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import read_or_refusal
from test_ishne import RAMP, ishne_bytes

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.io.ishne import LEADS
from holter2sleep.night import Recording, Subject

pytestmark = pytest.mark.filterwarnings("ignore:Data type alias 'a'")  # ishneholterlib is older than NumPy 2
RNG = np.random.default_rng(2)
SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SETTINGS
@given(
    leads=st.lists(st.integers(2, 19), min_size=1, max_size=12, unique=True),
    n=st.integers(1, 3000),
    variable=st.binary(max_size=300),
    fs=st.sampled_from([128, 180, 200, 256, 1000]),
    nv=st.integers(1, 32000),
    crc=st.sampled_from([None, 0, 4711]),
)
def test_every_lead_is_what_ishneholterlib_reads(
    tmp_path: Path, leads: list[int], n: int, variable: bytes, fs: int, nv: int, crc: int | None
) -> None:
    counts = RNG.integers(-32768, 32768, (n, len(leads)))
    bent = {} if crc is None else {"crc": crc}
    path = tmp_path / "night.ecg"
    content = ishne_bytes(counts, variable=variable, fs=fs, leads=tuple(leads), resolution_nv=nv, n_announced=n, **bent)
    path.write_bytes(content)
    theirs = ishneholterlib.Holter(str(path), check_valid=False)
    theirs.load_data()
    assert theirs.sr == fs
    for i, code in enumerate(leads):
        ours = read_recording(path, channel=f"ECG {LEADS[code]}")
        np.testing.assert_allclose(ours.ecg, theirs.lead[i].data, rtol=1e-5, atol=1e-9)
        assert ours.start is not None
        assert ours.start.time() == theirs.start_time
        assert ours.start.date() == theirs.record_date
    told_wrong = "checksum" in " ".join(ours.warnings)
    assert told_wrong == (crc is not None and crc != theirs.compute_checksum(content[10 : 522 + len(variable)]))


def test_a_cut_file_gives_its_whole_samples_at_any_cut(tmp_path: Path) -> None:
    whole = ishne_bytes(np.column_stack([RAMP[:, 0], -RAMP[:, 0]]), leads=(6, 7), variable=b"comment")
    path = tmp_path / "night.ecg"
    for n_bytes in range(522 + 7, 522 + 7 + 40):
        path.write_bytes(whole[:n_bytes])
        n_samples = (n_bytes - 529) // 4
        found = read_or_refusal(path)
        if n_samples == 0:
            assert isinstance(found, str)
            continue
        assert isinstance(found, Recording)
        assert len(found.ecg) == n_samples
        np.testing.assert_allclose(found.ecg, RAMP[:n_samples, 0] * 0.004878, rtol=1e-6)


def test_a_long_lead_is_read_in_blocks_that_join(tmp_path: Path) -> None:
    counts = RNG.integers(-3000, 3000, (600_000, 3))
    path = tmp_path / "night.ecg"
    path.write_bytes(ishne_bytes(counts, leads=(2, 3, 4)))
    ecg = read_recording(path, channel="ECG Y").ecg
    np.testing.assert_allclose(ecg[262_100:262_200], counts[262_100:262_200, 1] * 0.004878, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(ecg), counts[:, 1] * 0.004878, rtol=1e-6)


@pytest.fixture(scope="module", autouse=True)
def _readable_with_numpy_2() -> Iterator[None]:
    """Its check of a whole file calls what NumPy 2 no longer has; its reading does not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ishneholterlib.Holter, "is_valid", lambda self: True)
        yield


# --- annotations -----------------------------------------------------------------------------------


def ann_bytes(beats: list[tuple[str, int]], *, first: int = 100, variable: bytes = b"", fs: int = 200) -> bytes:
    """Annotations by the THEW note: header, first position, then label, internal label, samples since the last."""
    head = ishne_bytes(RAMP[:0], variable=variable, fs=fs)
    body = b"".join(struct.pack("<ccH", label.encode("latin-1"), b"x", distance) for label, distance in beats)
    return b"ANN  1.0" + head[8:] + struct.pack("<i", first) + body


def written(folder: Path, content: bytes) -> Path:
    path = folder / "night.ann"
    path.write_bytes(content)
    return path


def test_every_label_gets_its_aami_class(tmp_path: Path) -> None:
    labels = "NVSBPXCU"
    recording = read_recording(written(tmp_path, ann_bytes([(label, 160) for label in labels])))
    beats = recording.given_beats
    assert beats is not None
    # the beat at the first position has no label; C is a calibration pulse, no beat
    assert "".join(beats.label) == "QNVSNQQQ"
    assert beats.usable.tolist() == [True] * 6 + [False, True]
    np.testing.assert_allclose(beats.time_s, (100 + 160 * np.array([0, 1, 2, 3, 4, 5, 6, 8])) / 200)
    assert recording.source.format == "ISHNE annotations"
    assert (recording.start, recording.subject) == (datetime(2008, 11, 5, 5, 9), Subject(58.0, "F"))
    assert recording.beats_classified


def test_a_time_out_is_a_gap_between_its_beats(tmp_path: Path) -> None:
    content = ann_bytes([("N", 0), ("N", 160), ("!", 65535), ("N", 1000), ("N", 160)])
    recording = read_recording(written(tmp_path, content))
    assert recording.given_beats is not None
    expected = np.array([100, 260, 66795, 66955]) / 200
    np.testing.assert_allclose(recording.given_beats.time_s, expected)
    np.testing.assert_allclose(recording.gaps, [[260 / 200 + 1 / 200, 66795 / 200]])
    assert "1 time-outs" in " ".join(recording.warnings)


@SETTINGS
@given(
    beats=st.lists(st.tuples(st.sampled_from("NVSB"), st.integers(1, 32767)), min_size=1, max_size=200),
    variable=st.binary(max_size=50),
)
def test_positions_are_those_of_ishneholterlib(tmp_path: Path, beats: list[tuple[str, int]], variable: bytes) -> None:
    # ishneholterlib reads the distance with a sign: above 32,767 it goes backwards, so the test stays below
    path = written(tmp_path, ann_bytes(beats, variable=variable))
    theirs = ishneholterlib.Holter(str(path), check_valid=False, annfile=True)
    theirs.load_ann(str(path))
    ours = read_recording(path).given_beats
    assert ours is not None
    positions = [int(beat["samp_num"]) for beat in theirs.beat_anns]
    np.testing.assert_allclose(ours.time_s[1:], np.array(positions) / 200)


def test_a_distance_of_up_to_65535_samples_goes_forward(tmp_path: Path) -> None:
    beats = read_recording(written(tmp_path, ann_bytes([("N", 60000)]))).given_beats
    assert beats is not None
    assert beats.time_s.tolist() == [0.5, 300.5]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ANN  1.0" + bytes(50), "cut after 58 of 522 bytes"),
        (ann_bytes([]), "no beat"),
        (ann_bytes([("C", 100)], first=0)[:-4], "no beat"),
        (ann_bytes([("N", 160)], fs=0), "0 Hz"),
    ],
)
def test_annotations_without_a_beat_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(RecordingError, match=says) as caught:
        read_recording(written(tmp_path, content))
    assert str(caught.value).startswith("night.ann: ")


def test_oddities_of_annotations_are_told(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, ann_bytes([("N", 160), ("Y", 160), ("N", 160)]) + b"\1"))
    told = " ".join(recording.warnings)
    assert "1 beat with labels that ISHNE does not have ('Y'" in told
    assert "ends within a beat" in told
