"""What a head was made from, how good it is on people it never saw, and what nobody knows of it: its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from holter2sleep import __version__
from holter2sleep.counted import counted
from holter2sleep.night import SCHEMES
from holter2sleep.sleep.staging.cards import CardEncoder
from holter2sleep.sleep.staging.head_card import HEAD
from holter2sleep.training.encoder_run import toml_line
from holter2sleep.training.head_nights import LabelledNight
from holter2sleep.training.subject_split import FIT, TEST

FEW_SUBJECTS = 50  # of test subjects: with fewer, kappa's interval is wider than what sets one stager from another
SHOWN_CLASSES = 3  # the number of classes of the figure that stands for a stager everywhere
LICENCE = (
    "unknown: whoever gave the recordings and the scoring says what may be done with weights fitted to them; ask "
    "before passing this folder on"
)


@dataclass(frozen=True)
class Made:
    """Everything a card tells of."""

    name: str
    cohorts: tuple[str, ...]
    parts: dict[str, list[LabelledNight]]
    scheme: str
    nets: int
    encoder: CardEncoder | None
    figures: dict[str, Any]  # of `staging_figures.figures_of`, on the test subjects
    coverage: float  # share of their scored epochs that are answered
    branches: dict[str, float | None]  # kappa on the test subjects by what the networks were shown
    left_out: int  # recordings that could not be used


def card_text(made: Made, sha256: str) -> str:
    """The card as `sleep/staging/head_card.py` reads it. TOML."""
    shown = made.figures.get(f"{SHOWN_CLASSES}_classes", {}).get("kappa")
    n_test = _n_subjects(made.parts[TEST])
    facts: dict[str, Any] = {
        "name": f"head {made.name}",
        "title": f"Head of {made.nets} small networks on the whole night, taught by `holter2sleep train head`",
        "scheme": made.scheme,
        "needs_waveform": False,
        "trained_on": trained_on(made),
        "n_subjects": _n_subjects(made.parts[FIT]),
        "licence": LICENCE,
        "source": f"holter2sleep {__version__} train head, on recordings of the user's own",
    }
    if shown is not None:
        facts["internal_kappa"] = shown
        facts["internal_cohort"] = f"{', '.join(made.cohorts)}: {n_test} test subjects, W, NREM, R"
    blocks = [[toml_line(*fact) for fact in facts.items()]]
    blocks[0] += [_list("figures", figure_texts(made)), _list("limits", limits(made))]
    blocks.append(["[weights]", toml_line("file", HEAD), toml_line("sha256", sha256)])
    if made.encoder is not None:
        known = {key: value for key, value in asdict(made.encoder).items() if value is not None}
        blocks.append(["[encoder]", *(toml_line(*fact) for fact in known.items())])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def trained_on(made: Made) -> str:
    """Who and how many."""
    nights = [night for part in made.parts.values() for night in part]
    counts = ", ".join(f"{_n_subjects(found)} {part}" for part, found in made.parts.items())
    text = f"{', '.join(made.cohorts)}: {len(nights)} scored nights; subjects: {counts} (split.csv); {_people(nights)}"
    return text if not made.left_out else f"{text}; {counted(made.left_out, 'recording')} could not be used"


def figure_texts(made: Made) -> list[str]:
    """Test figures in words, the surest first, then what each branch is worth alone."""
    texts = [_figure(name, found) for name, found in made.figures.items()]
    curve = made.figures.get(f"{SHOWN_CLASSES}_classes", {}).get("kappa_by_coverage", {})
    known = [f"{100 * float(share):.0f} % {_number(value)}" for share, value in curve.items()]
    if known:
        texts.append(
            f"kappa of {SHOWN_CLASSES} classes by the share of epochs answered, surest first: {', '.join(known)}"
        )
    texts.append(f"{100 * made.coverage:.1f} % of the scored epochs of the test subjects are answered")
    if made.branches:
        shown = ", ".join(f"{what} {_number(value)}" for what, value in made.branches.items())
        texts.append(f"kappa of {SHOWN_CLASSES} classes on the same subjects by what the networks are shown: {shown}")
    return texts


def _figure(name: str, found: dict[str, Any]) -> str:
    low, high = found["kappa_interval"] or (None, None)
    by_class = ", ".join(f"{stage} {_number(value)}" for stage, value in found["kappa_of_class"].items())
    return (
        f"{name.replace('_', ' ')}: kappa {_number(found['kappa'])} ({_number(low)} to {_number(high)}), "
        f"accuracy {_number(found['accuracy'])}, majority {_number(found['majority_accuracy'])}, "
        f"macro F1 {_number(found['macro_f1'])}, calibration error {_number(found['calibration_error'])}; "
        f"by class: {by_class}; clock alone, from the subjects learned from: {_number(found['clock_kappa'])}"
    )


def limits(made: Made) -> list[str]:
    """What a user has to know before believing it."""
    n_test = _n_subjects(made.parts[TEST])
    said = [
        "no external validation: other cohorts, recorders and sleep laboratories were not looked at",
        "reference as the files have it; stages 3 and 4 of Rechtschaffen and Kales count as N3",
        "neither age, sex nor clock time reach it",
        "shares of ectopic and of ill-fitting beats depend on who placed the beats: teach on the kind it is used on, "
        "beats found in waveforms or beats of files",
        "judges each epoch against its own night: a recording of one stage only is misread; atrial fibrillation, "
        "pacing, beta-blockade and autonomic neuropathy remove what it looks at",
    ]
    if n_test < FEW_SUBJECTS:
        said.insert(0, f"a demonstration: figures of {counted(n_test, 'test subject')} hold for hardly anyone else")
    if made.scheme != "AASM5":
        letters = ", ".join(SCHEMES[made.scheme])
        said.append(f"tells {letters} only: nobody scored more finely what it was taught on")
    if made.encoder is not None:
        said.append(
            f"needs the encoder {made.encoder.network} of the hash below; a recording without waveform is staged "
            f"from its beats alone"
        )
    return said


def _people(nights: Sequence[LabelledNight]) -> str:
    ages = [night.age_years for night in nights if night.age_years is not None]
    sexes = [night.sex for night in nights if night.sex is not None]
    age = f"ages {min(ages):.0f} to {max(ages):.0f}, median {np.median(ages):.0f}" if ages else "ages unknown"
    sex = f"{counted(sexes.count('F'), 'night')} of women, {sexes.count('M')} of men" if sexes else "sexes unknown"
    return f"{age}; {sex}"


def _n_subjects(nights: Sequence[LabelledNight]) -> int:
    return len({night.night.subject for night in nights})


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _list(key: str, texts: Sequence[str]) -> str:
    return "\n".join([f"{key} = [", *(f"    {toml_line('', text)[3:]}," for text in texts), "]"])
