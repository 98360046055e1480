"""What the label of a channel says of it: which ECG lead, which electrode, or no ECG at all.

Case, blanks and punctuation are ignored, text after a comma is a description. Prefixes and suffixes that a system
adds are left out: `POL ECG` and `EKG-Ref` of Nihon Kohden, `ECG ECG1` of EDF+ (type before name), `EKG_L-Cz`
(the far reference of an electrode), `ECGI-0` (MNE's number of an equal label). Labels met: the channel lists of
NSRR cohorts (SHHS, MESA, MrOS, CFS, CCSHS, CHAT, WSC, STAGES, APPLES, SOF), files of `data.md`, ISHNE lead codes.
"""

from __future__ import annotations

import re

_PLUS_SIDE = ("l", "left", "la", "ll", "plus", "pos", "positive", "p")
_MINUS_SIDE = ("r", "right", "ra", "minus", "neg", "negative", "n")
_SIDES = "|".join((*_PLUS_SIDE, *_MINUS_SIDE))
# Rank of a label, best first; what each rank means stands in `channels`.
_FIRST_RANKS = (
    re.compile(r"(ecg|ekg)*(mlii|ml2)"),
    re.compile(r"(ecg|ekg)*ii"),
    re.compile(r"(ecg|ekg)+|(ecg|ekg)+(\d|la?|ra?|i+)(ecg|ekg|ec)(\d|la?|ra?|i+)?|(ecg|ekg)*(lara|rala)|(ecg|ekg)+lr"),
    re.compile(rf"(ecg|ekg)+({_SIDES})|({_SIDES})(ecg|ekg)+"),
    re.compile(r"(ecg|ekg)+\d+"),
)
ELECTRODE_RANK, NUMBERED_RANK = 3, 4
_OTHER_LEADS = (
    *("i", "mli", "cm5", "cc5", "v5", "mv5", "modv5", "v4", "v6", "v2", "mv2", "modv2", "v3", "v1", "mv1", "modv1"),
    *("mcl1", "nasa", "iii", "mliii"),
)
_LAST_LEADS = ("avf", "avl", "avr", "es", "as", "ai", "eseasi", "aseasi", "aieasi", "x", "y", "z")
_SAYS_MORE = ("avf", "avl", "avr", "eseasi", "aseasi", "aieasi")  # an ECG without the word
_DERIVED = re.compile(
    r"hr|rate|rr|bpm|puls|pleth|qual|sqi|imp|event|stat|edr|resp|beat|trig|marker|qt|emg|eeg|eog"
    r"|off|noise|batt|acc|temp|peak|count|index|time|alarm|ibi|tach|pace|^rl$"
)
_NO_SIGNAL_OF_HEART = re.compile(
    r"^hr$|^dhr$|rate|bpm|puls|pleth|ppg|spo2|sao2|osat|trig|marker|event|^stat|annot|^rr$"
    # brain, eyes and muscles hold the heart as an artefact only
    r"|eeg|eog|emg|chin|leg|^[lr]oc|^e[12][am][12]$|^(fp|f|c|p|o|t)(z|\d)[am][12]$"
)

_PREFIX = re.compile(r"^\s*pol\s+")
_FAR_REFERENCE = re.compile(r"[\s_:-]+(ref|avg|le|f?p?cz|fpz|[am][12])\s*$")
_NUMBER_OF_EQUAL = re.compile(r"(?<=i)-[01]\s*$")
_SIGN = re.compile(r"^((?:ecg|ekg)\W*)+?([+-])$")


def plain(label: str) -> str:
    """The letters and digits that name the channel.

    Examples
    --------
    >>> [plain(label) for label in ("EKG-Ref", "POL ECG", "ECG(II)", "ECG Lead II", "EKG_L-Cz", "ECG -", "ECGI-0")]
    ['ekg', 'ecg', 'ecgii', 'ecgii', 'ekgl', 'ecgminus', 'ecgi']
    """
    text = _PREFIX.sub("", label.split(",")[0].casefold()).strip()
    sign = _SIGN.match(text)
    if sign:
        text = text[:-1] + ("plus" if sign[2] == "+" else "minus")
    text = _NUMBER_OF_EQUAL.sub("", _FAR_REFERENCE.sub("", text))
    return re.sub(r"[^a-z0-9]|lead", "", text)


def ecg_rank(label: str) -> int | None:
    """Rank of a label, 0 best; None when it names no ECG.

    Examples
    --------
    >>> [ecg_rank(label) for label in ("MLII", "EKG", "ECG L", "ECG 2", "I", "ECG Wrist")]
    [0, 2, 3, 4, 5, 60]
    >>> [ecg_rank(label) for label in ("HR", "ECG_HR", "Pleth", "EEG C3", "EMG Chin", "Chest")]
    [None, None, None, None, None, None]
    """
    name = plain(label)
    for rank, pattern in enumerate(_FIRST_RANKS):
        if pattern.fullmatch(name):
            return rank
    lead = re.sub(r"^(ecg|ekg)+", "", name)
    says_ecg = lead != name
    if lead in _OTHER_LEADS:
        return 5 + _OTHER_LEADS.index(lead)
    if lead in _LAST_LEADS and (says_ecg or lead in _SAYS_MORE):
        return 40 + _LAST_LEADS.index(lead)
    return 60 if says_ecg and not _DERIVED.search(lead) else None


def electrode_side(label: str) -> int:
    """1 for the electrode that is taken, -1 for the one that is subtracted from it, 0 for anything else.

    Examples
    --------
    >>> [electrode_side(label) for label in ("ECG L", "EKG RA", "ECG-", "ECG+", "ECG 1")]
    [1, -1, -1, 1, 0]
    """
    side = re.sub(r"^(ecg|ekg)+|(ecg|ekg)+$", "", plain(label))
    if side == plain(label):
        return 0
    return 1 if side in _PLUS_SIDE else -1 if side in _MINUS_SIDE else 0


def may_be_ecg(label: str) -> bool:
    """False for a label that names a pulse, a rate or a marker: its signal is never taken for an ECG."""
    return not any(
        _NO_SIGNAL_OF_HEART.search(name) for name in (plain(label), re.sub(r"[^a-z0-9]", "", label.casefold()))
    )
