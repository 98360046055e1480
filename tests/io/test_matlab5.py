"""Damaged MATLAB files are told before scipy meets them: it would end the process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from holter2sleep.errors import RecordingError
from holter2sleep.io.matlab5 import check_matlab5

CONTENT = {
    "text": "EEG", "empty": "", "none": np.empty((0, 0)), "number": 250.0, "whole": np.int16(3), "flag": True,
    "complex": np.array([1 + 2j, 3]), "cube": np.zeros((2, 3, 4), np.float32), "long": np.arange(1000),
    "cells": np.array(["a", 1.0, np.empty(0)], dtype=object), "words": np.array(["one", "three"]),
    "struct": {"inner": {"label": "ECG", "list": [1, 2, 3]}, "word": "größer"},
    "array": np.array([("C3", 1.0), ("ECG", 2.0)], dtype=[("labels", object), ("type", object)]),
}  # fmt: skip


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    savemat(tmp_path / "night.set", CONTENT, appendmat=False, do_compression=request.param)
    return tmp_path / "night.set"


def test_files_as_they_are_written_pass(path: Path) -> None:
    check_matlab5(path, "another")


@pytest.mark.parametrize("cut", [10, 130, 200, 500])
def test_a_cut_file_is_refused(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(RecordingError, match=r"night\.set: a damaged MATLAB file. What would work: another"):
        check_matlab5(path, "another")


def test_a_type_or_length_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "night.set"
    savemat(path, {"a": np.arange(4.0)}, appendmat=False)
    whole = path.read_bytes()
    # after 128 bytes of header: tag (8), flags (16), dimensions (16), name (8), type and length of the values (8)
    for at, value in ((128, 99), (132, 1 << 24), (136, 2), (144, 99), (160, 7), (176, 3), (180, 24)):
        damaged = bytearray(whole)
        damaged[at : at + 4] = value.to_bytes(4, "little")
        path.write_bytes(damaged)
        with pytest.raises(RecordingError, match="a damaged MATLAB file"):
            check_matlab5(path, "another")


def test_version_7_3_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "night.set"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(RecordingError, match=r"version 7\.3.*-v7"):
        check_matlab5(path, "another")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 6000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6))
def test_any_damage_is_passed_or_refused(path: Path, changes: list[tuple[int, bytes]]) -> None:
    damaged = bytearray(path.read_bytes())
    for at, patch in changes:
        damaged[at : at + len(patch)] = patch
    other = path.with_name("other.set")
    other.write_bytes(damaged)
    refused = None
    try:
        check_matlab5(other, "another")
    except RecordingError as error:
        refused = str(error)
    assert refused is None or refused.startswith("other.set: a damaged MATLAB file")
