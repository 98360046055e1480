"""What a written sleep stage means: words to stage letters, integer codes to stage letters."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Rechtschaffen and Kales to AASM: stages 3 and 4 are N3, movement time is unscored (AASM Manual, 2007).
_WORDS = {
    "W": "w wake awake wakefulness s0 n0",
    "N1": "1 n1 s1 nrem1 nonrem1",
    "N2": "2 n2 s2 nrem2 nonrem2",
    "N3": "3 4 n3 n4 s3 s4 nrem3 nrem4 nonrem3 nonrem4 sws",
    "R": "r rem",
    "L": "l light n1n2",
    "NREM": "n nr nrem nonrem",
    "U": "u ? mt m movement movementtime unscored unknown undefined artifact artefact nan na none",
}
_STAGE_OF_WORD = {word: letter for letter, words in _WORDS.items() for word in words.split()}

_COMMON = {0: "W", 1: "N1", 2: "N2", 3: "N3", -1: "U", -2: "U"}
_NOT_SCORED = {6: "U", 7: "U", 8: "U", 9: "U"}
STAGE_CODES: dict[str, dict[int, str]] = {
    "nsrr": {**_COMMON, 4: "N3", 5: "R", **_NOT_SCORED},  # EDF+ and NSRR: 4 is stage 4 of R&K
    "yasa": {**_COMMON, 4: "R"},
    "ucddb": {0: "W", 1: "R", 2: "N1", 3: "N2", 4: "N3", 5: "N3", 6: "U", 7: "U", 8: "U"},  # St Vincent's
}


def stage_letter(text: str) -> str | None:
    """Stage letter of a written stage; None when the text names no stage.

    Examples
    --------
    >>> [stage_letter(text) for text in ("Sleep stage 4", "Stage 2 sleep|2", "REM sleep|5", "wake", "MT", "Arousal")]
    ['N3', 'N2', 'R', 'W', 'U', None]
    """
    word = re.sub(r"sleep|stage|[^a-z0-9?]", "", text.split("|")[0].casefold())
    return _STAGE_OF_WORD.get(word)


def letters_of_codes(values: Iterable[int], code: str | None) -> tuple[list[str], str | None]:
    """Stage letters of integer stages, and a warning when the code had to be inferred.

    A 5 can only be REM as EDF+ and NSRR write it; a 4 without any 5 is taken as REM as YASA writes it.

    Raises
    ------
    ValueError
        Unknown code, or a value that the code does not have.
    """
    stages = list(values)
    if code is not None and code not in STAGE_CODES:
        raise ValueError(f"code must be one of {', '.join(STAGE_CODES)}, not {code!r}")
    inferred = "yasa" if 4 in stages and 5 not in stages else "nsrr"
    table = STAGE_CODES[code or inferred]
    strange = sorted(set(stages) - set(table))
    if strange:
        raise ValueError(f"stage {strange[0]} is not in code {code or inferred}: {sorted(table)}")
    note = None
    if code is None and {4, 5} & set(stages):
        rem = next(value for value, letter in table.items() if letter == "R")
        note = f"integer stages are ambiguous: read by code {inferred} (REM is {rem})"
    return [table[stage] for stage in stages], note
