"""The page of an evaluation of stages: what it says, and that it stays on the paper."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from drawn_nights import Drawn
from made_stages import blurred, course, hypnogram, staged, sure_of

from holter2sleep.evaluate.peers import Peer, peer_of_hypnograms
from holter2sleep.evaluate.stage_evaluation import StageEvaluation, evaluate_stages
from holter2sleep.report.agreement import agreement_pdf
from holter2sleep.report.page import HEIGHT_MM, MM_PER_POINT, WIDTH_MM, text_width_mm


@cache
def evaluated(n_nights: int, n_subjects: int, *, chance: bool = True, n_peers: int = 0) -> StageEvaluation:
    nights = []
    for i in range(n_nights):
        said = blurred(course(i), i)
        test = hypnogram(said, proba=sure_of(said) if chance else None)
        nights.append(staged(f"n{i}", hypnogram(course(i)), test, f"s{i % n_subjects}"))
    peers = [peer(nights, k) for k in range(n_peers)]
    return evaluate_stages(nights, peers, 0)


def peer(nights: list, seed: int) -> Peer:
    answers = {night.recording_id: hypnogram(blurred(night.reference.stage, seed, 0.6)) for night in nights}
    return peer_of_hypnograms(f"another-stager-{seed}", answers)


def only_wake() -> StageEvaluation:
    """Neither side has any sleep: most sleep measures, and kappa, are undefined."""
    awake = hypnogram(np.full(100, "W"))
    return evaluate_stages([staged(name, awake, awake) for name in "ab"], [], 0)


CASES = {
    "six nights of five": lambda: evaluated(6, 5, n_peers=4),
    "one night": lambda: evaluated(1, 1),
    "no chances": lambda: evaluated(3, 3, chance=False),
    "only wake": only_wake,
}


@pytest.fixture(scope="module", params=CASES)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    path = tmp_path_factory.mktemp("page") / "stages.pdf"
    path.write_bytes(agreement_pdf(CASES[request.param]()))
    return Drawn(path)


def test_one_page_of_a4_says_what_it_is_not_for(page: Drawn) -> None:
    (sheet,) = page.reader.pages
    assert [float(side) * MM_PER_POINT for side in sheet.mediabox[2:]] == pytest.approx([WIDTH_MM, HEIGHT_MM])
    assert "Research use only, not for diagnosis" in page.text
    assert "unconfirmed" in page.text


def test_no_text_leaves_the_paper(page: Drawn) -> None:
    for words, size, x_mm, y_mm in page.places:
        assert x_mm > 4.0, words
        assert x_mm + text_width_mm(words, size) < WIDTH_MM - 4.0, words
        assert 4.0 < y_mm < HEIGHT_MM - 4.0, words


def test_numbers_on_the_page_are_those_of_the_tables(tmp_path: Path) -> None:
    found = evaluated(6, 5, n_peers=4)
    path = tmp_path / "stages.pdf"
    path.write_bytes(agreement_pdf(found))
    words = Drawn(path).text
    kappa = found.of("figures", measure="kappa", n_classes=5).row(0, named=True)
    assert f"{kappa['value']:.3f} ({kappa['ci_low']:.3f}, {kappa['ci_high']:.3f})" in words
    more = found.of("peers", peer="another-stager-0", n_classes=5)["ours_more"][0]
    assert f"more by {more:.3f}" in words
    tst = found.of("bland_altman", measure="tst").row(0, named=True)
    assert f"limits {tst['lower']:.1f} to {tst['upper']:.1f}" in words
    for n in found.of("confusion", night="pooled", n_classes=5)["n"]:
        assert str(n) in words


def test_what_cannot_be_drawn_says_why(tmp_path: Path) -> None:
    path = tmp_path / "stages.pdf"
    path.write_bytes(agreement_pdf(evaluated(3, 3, chance=False)))
    assert Drawn(path).text.count("not enough data: no probabilities") == 2


def test_the_same_figures_give_the_same_bytes() -> None:
    found = evaluated(1, 1)
    assert agreement_pdf(found) == agreement_pdf(found)
