"""What is said of real recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_runs import ok


@pytest.mark.realdata
@pytest.mark.slow
def test_beats_alone_say_nothing_of_classes_or_waveform_in_either_language(shared_data: Path, tmp_path: Path) -> None:
    ok("analyze", shared_data / "apnea-ecg" / "a05.qrs", "--out", tmp_path)
    said = {}
    for language in ("en", "de"):
        ok("report", tmp_path / "a05", "--language", language)
        content = json.loads((tmp_path / "a05" / "narrative.json").read_text(encoding="utf-8"))
        said[language] = {each["rule"]: each["text"] for each in content["sentences"]}
    assert said["en"].keys() == said["de"].keys()
    assert {"R-VE-0", "R-SVE-0", "R-QTC-0", "R-CPC-0", "R-HRT-0"} <= said["en"].keys()
    assert "AHI-4" in " ".join(said["en"])  # AHI 41 by hand; the networks have heard this night
    assert all(len(text.split()) <= 25 for texts in said.values() for text in texts.values())
