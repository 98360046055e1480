"""Stages in XML: NSRR and Profusion, and nothing that XML can do besides."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from holter2sleep.errors import RecordingError
from holter2sleep.io.hypnograms import read_hypnogram
from holter2sleep.night import EpochGrid

CODES = [0, 1, 2, 3, 4, 5, 6, 9]
LETTERS = ["W", "N1", "N2", "N3", "N3", "R", "U", "U"]


def profusion(stages: list[object] = CODES, epoch: str = "<EpochLength>30</EpochLength>") -> str:  # type: ignore[assignment]
    rows = "".join(f"<SleepStage>{stage}</SleepStage>" for stage in stages)
    return (
        f'<?xml version="1.0"?>\n<CMPStudyConfig>{epoch}<ScoredEvents><ScoredEvent><Name>SpO2 desaturation</Name>'
        f"<Start>12</Start></ScoredEvent></ScoredEvents><SleepStages>{rows}</SleepStages></CMPStudyConfig>"
    )


def stages_of(folder: Path, content: str | bytes, n_epochs: int = 8) -> list[str]:
    path = folder / "night.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    hypnogram, _ = read_hypnogram(path, EpochGrid.covering(30.0 * n_epochs), None)
    return hypnogram.stage.tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_profusion_stages_are_one_an_epoch(tmp_path: Path, encoding: str) -> None:
    text = profusion().replace('"1.0"', '"1.0" encoding="utf-16"') if encoding == "utf-16" else profusion()
    assert stages_of(tmp_path, text.encode(encoding)) == LETTERS


def test_profusion_stage_4_is_deep_sleep_even_without_rem(tmp_path: Path) -> None:
    assert stages_of(tmp_path, profusion([4, 4, 0]), 3) == ["N3", "N3", "W"]


def test_an_epoch_of_20_s_is_laid_on_30_s_by_time(tmp_path: Path) -> None:
    content = profusion([0, 0, 0, 2, 2, 2], "<EpochLength>20</EpochLength>")
    assert stages_of(tmp_path, content, 4) == ["W", "W", "N2", "N2"]


def test_without_its_length_an_epoch_has_30_s(tmp_path: Path) -> None:
    assert stages_of(tmp_path, profusion(epoch="")) == LETTERS


BOMB = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (profusion([]), "no sleep stage"),
        (profusion([0, 12]), "unknown stage '12'"),
        (profusion(["wake"]), "unknown stage .4 characters of text"),
        (profusion(epoch="<EpochLength>soon</EpochLength>"), "EpochLength of .4 characters of text"),
        (profusion(epoch="<EpochLength>0</EpochLength>"), "EpochLength of '0'"),
        (profusion()[:-20], "not valid XML"),
        ("<other/>", "XML with the root 'other'"),
        (profusion().replace("<CMP", "<!DOCTYPE CMPStudyConfig><CMP", 1), "document type or entities"),
        (
            f'<!DOCTYPE x [<!ENTITY e0 "boom">{BOMB}]><CMPStudyConfig>&e9;</CMPStudyConfig>',
            "document type or entities",
        ),
        (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><CMPStudyConfig>&e;</CMPStudyConfig>',
            "document type or entities",
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_other_xml_is_refused_in_one_line_at_once(tmp_path: Path, content: str, says: str, encoding: str) -> None:
    began = time.monotonic()
    with pytest.raises(RecordingError, match=says) as caught:
        stages_of(tmp_path, content.replace('<?xml version="1.0"?>', "").encode(encoding))
    assert time.monotonic() - began < 2
    assert str(caught.value).startswith("night.xml: ")
    assert "\n" not in str(caught.value)
