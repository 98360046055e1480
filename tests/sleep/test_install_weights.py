"""Weights that are installed: fetched or copied, checked, kept, taken away; from servers that are not well."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from command_runs import ok, run
from deterministic import with_deterministic_weights
from faulty_server import Faults, serving

from holter2sleep.errors import OutputError, UsageError, WeightsError
from holter2sleep.sleep.staging import download as downloading
from holter2sleep.sleep.staging import install as installing
from holter2sleep.sleep.staging.download import download
from holter2sleep.sleep.staging.encoder import CONFIGS, Net1D
from holter2sleep.sleep.staging.encoder_weights import empty_encoder, find_encoder_file
from holter2sleep.sleep.staging.install import install
from holter2sleep.sleep.staging.installable import Installable, get_installable, list_installable
from holter2sleep.sleep.staging.installed import (
    hash_of,
    is_accepted,
    is_installed,
    remove,
    verified,
    weights_folder,
)
from holter2sleep.sleep.staging.profiles import PROFILES

CONTENT = np.random.default_rng(0).bytes(1_000_000)
SMALL = get_installable("clef-small")
LARGE = get_installable("clef-large")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLTER2SLEEP_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def faults() -> Iterator[Faults]:
    with serving(Faults(CONTENT)) as server:
        yield server


@pytest.fixture
def any_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "_check_network", lambda weights, part: None)


def wanted(faults: Faults, **changes: object) -> Installable:
    """Weights whose registered file is what the server serves when it is well."""
    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    facts = {"url": f"{faults.url}/clef_small.ckpt", "md5": md5, "sha256": None, **changes}
    return dataclasses.replace(SMALL, **facts)


def installed(weights: Installable, **options: object) -> bytes:
    return install(weights, lambda _: True, lambda *_: None, wait=lambda _: None, **options).read_bytes()


# --- the registry ----------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", list_installable(), ids=lambda weights: weights.name)
def test_an_entry_says_where_from_under_what_licence_and_how_big(weights: Installable) -> None:
    assert weights.source
    assert len(weights.licence.text) > 100
    assert weights.size_mb > 0
    assert weights.url is None or weights.url.startswith("https://")
    assert weights.url is None or weights.url.endswith(weights.file)
    assert weights.md5 is None or len(weights.md5) == 32
    assert weights.sha256 is None or len(weights.sha256) == 64


@pytest.mark.parametrize("name", list(CONFIGS))
def test_an_encoder_is_registered_as_it_is(name: str) -> None:
    weights, network = get_installable(name), empty_encoder(CONFIGS[name])
    assert weights.network == name
    assert weights.n_parameters == sum(parameter.numel() for parameter in network.parameters())
    assert weights.n_features == CONFIGS[name].n_features
    assert weights.profile in PROFILES


def test_a_mistyped_name_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'clef-small'"):
        get_installable("clef_small")


@pytest.mark.realdata
def test_registered_hashes_are_those_of_the_published_checkpoints(shared_data: Path) -> None:
    for weights in list_installable():
        if weights.network.startswith("cardiosomnography"):
            path = shared_data / "weights" / "cardiosomnography" / weights.file
            assert hash_of(path, "sha256") == weights.sha256
            assert path.stat().st_size / 1e6 == pytest.approx(weights.size_mb, abs=0.05)


# --- servers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plan",
    [
        [],
        ["no length"],
        ["drop"],
        ["drop", "drop", "drop", "drop", "drop", "drop", "drop", "drop"],  # each brings something
        ["503", "well"],
        ["429", "503", "drop", "500"],
        ["drop at once", "drop at once"],
        ["drop", "ignore range"],
        ["drop", "503", "ignore range"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("any_network")
def test_the_file_arrives_whole_in_the_end(plan: list[str], faults: Faults) -> None:
    faults.plan = plan
    weights = wanted(faults)
    assert installed(weights) == CONTENT
    assert verified(weights).read_bytes() == CONTENT
    assert not list(weights_folder().glob("*.part"))


@pytest.mark.usefixtures("any_network")
def test_what_has_come_is_not_fetched_again(faults: Faults) -> None:
    faults.plan = ["drop"]
    installed(wanted(faults))
    assert [asked for _, asked in faults.asked] == [None, f"bytes={len(CONTENT) // 3}-"]


@pytest.mark.usefixtures("any_network")
def test_another_run_goes_on_where_the_first_stopped(faults: Faults) -> None:
    faults.plan = ["drop", *["drop at once"] * 5]
    with pytest.raises(WeightsError, match="run the same command again"):
        installed(wanted(faults))
    assert installed(wanted(faults)) == CONTENT
    assert faults.asked[-1][1] == f"bytes={len(CONTENT) // 3}-"


@pytest.mark.usefixtures("any_network")
@pytest.mark.parametrize(
    "left", [CONTENT[:-3][::-1], CONTENT + b"more", CONTENT[::-1]], ids=["other", "longer", "equal"]
)
def test_what_is_left_of_another_file_is_thrown_away(left: bytes, faults: Faults, folder: Path) -> None:
    folder.mkdir()
    (folder / "clef_small.ckpt.part").write_bytes(left)
    assert installed(wanted(faults)) == CONTENT


@pytest.mark.usefixtures("any_network")
def test_a_download_that_was_complete_is_not_fetched_again(faults: Faults, folder: Path) -> None:
    folder.mkdir()
    (folder / "clef_small.ckpt.part").write_bytes(CONTENT)
    assert installed(wanted(faults)) == CONTENT
    assert len(faults.asked) == 1


@pytest.mark.parametrize("plan", [["corrupt"], ["drop", "corrupt", "corrupt"]], ids=" ".join)
@pytest.mark.usefixtures("any_network")
def test_a_corrupted_file_is_refused_and_leaves_nothing(plan: list[str], faults: Faults) -> None:
    faults.plan = plan
    with pytest.raises(WeightsError, match=r"MD5 .* registered is"):
        installed(wanted(faults))
    assert not is_installed(SMALL)
    assert [path.name for path in weights_folder().iterdir()] == ["accepted_licences.json"]


@pytest.mark.parametrize(("code", "n_asked"), [("404", 1), ("403", 1), ("503", 5)])
def test_a_server_that_refuses_is_named(code: str, n_asked: int, faults: Faults) -> None:
    faults.plan = [code] * 9
    with pytest.raises(WeightsError, match=f"{faults.url}.*HTTP {code}"):
        installed(wanted(faults))
    assert len(faults.asked) == n_asked


def test_a_busy_server_is_asked_again_when_it_says(faults: Faults, tmp_path: Path) -> None:
    faults.plan = ["503", "drop at once"]
    waited: list[float] = []
    download(f"{faults.url}/a", tmp_path / "a.part", lambda *_: None, waited.append)
    assert waited == [7.0, 2.0]


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"http://127.0.0.1:9/a: .*5 times"):
        download("http://127.0.0.1:9/a", tmp_path / "a.part", lambda *_: None, lambda _: None)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://example.org/a", "example.org/a"])
def test_only_the_web_is_asked(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="https"):
        download(url, tmp_path / "a.part", lambda *_: None)


def test_a_file_in_place_of_the_folder_of_weights_is_told(faults: Faults, folder: Path) -> None:
    folder.write_text("no folder")
    with pytest.raises(UsageError, match=r"HOLTER2SLEEP_WEIGHTS=.*weights: this is a file; name a folder"):
        installed(wanted(faults))
    assert not faults.asked


def test_a_full_disk_is_no_fault_of_the_net(faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr(downloading, "_size", lambda part: 0)
    with pytest.raises(OutputError, match="No space left"):
        download(f"{faults.url}/a", full, lambda *_: None, lambda _: None)
    assert len(faults.asked) == 1


@pytest.mark.usefixtures("any_network")
def test_progress_ends_at_the_whole(faults: Faults) -> None:
    faults.plan = ["drop"]
    seen: list[tuple[int, int | None]] = []
    install(wanted(faults), lambda _: True, lambda *now: seen.append(now), wait=lambda _: None)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [there for there, _ in seen] == sorted(there for there, _ in seen)


@pytest.mark.usefixtures("any_network")
@pytest.mark.parametrize("spelling", LARGE.spellings)
def test_a_mirror_may_spell_the_large_file_either_way(spelling: str, faults: Faults, folder: Path) -> None:
    faults.paths = (f"/clef/{spelling}",)
    weights = dataclasses.replace(LARGE, md5=wanted(faults).md5)
    assert installed(weights, mirror=f"{faults.url}/clef/") == CONTENT
    assert (folder / "clef_largel.ckpt").is_file()


# --- folders, licences, checks ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good file of CLEF-small as far as names and shapes go."""
    state = with_deterministic_weights(Net1D(CONFIGS["clef-small"])).state_dict()
    path = tmp_path_factory.mktemp("download") / "clef_small.ckpt"
    torch.save({"state_dict": {f"backbone.{name}": tensor for name, tensor in state.items()}}, path)
    return path


def unhashed(weights: Installable = SMALL) -> Installable:
    return dataclasses.replace(weights, md5=None, sha256=None)


def test_a_file_or_its_folder_is_installed_and_checked(checkpoint: Path, tmp_path: Path) -> None:
    for local in (checkpoint, checkpoint.parent):
        assert installed(unhashed(), local=local) == checkpoint.read_bytes()
        record = json.loads((weights_folder() / "clef-small.json").read_text())
        assert record["sha256"] == hash_of(checkpoint, "sha256")
        assert str(tmp_path) not in json.dumps(record)
        remove(SMALL)
        assert not is_installed(SMALL)


def test_another_network_is_refused(checkpoint: Path) -> None:
    medium = dataclasses.replace(unhashed(get_installable("clef-medium")))
    with pytest.raises(WeightsError, match="clef-small, not of clef-medium"):
        installed(medium, local=checkpoint)
    assert not is_installed(medium)
    assert not list(weights_folder().glob("clef_medium*"))


def test_a_page_instead_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clef_small.ckpt").write_text("<html>Please log in</html>")
    with pytest.raises(WeightsError, match="cannot be read"):
        installed(unhashed(), local=tmp_path)


def test_a_folder_without_the_file_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no clef_largel.ckpt or clef_large.ckpt"):
        installed(LARGE, local=tmp_path)
    with pytest.raises(UsageError, match="no such file"):
        installed(LARGE, local=tmp_path / "absent")


def test_weights_without_an_address_say_how_to_get_them() -> None:
    with pytest.raises(UsageError, match=r"github.com/adammj/ecg-sleep-staging.*--from FOLDER"):
        installed(get_installable("cardiosomnography-primary"))


def test_what_is_installed_and_unchanged_is_left(checkpoint: Path) -> None:
    installed(unhashed(), local=checkpoint)
    path = weights_folder() / "clef_small.ckpt"
    before = path.stat().st_mtime_ns
    install(unhashed(), lambda _: pytest.fail("asked again"), lambda *_: pytest.fail("copied again"))
    assert path.stat().st_mtime_ns == before


def test_an_installed_encoder_comes_with_its_profile(checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match="holter2sleep models install clef-small"):
        find_encoder_file("clef-small")
    installed(unhashed(), local=checkpoint)
    path, encoder, profile = find_encoder_file("clef-small")
    assert path == weights_folder() / "clef_small.ckpt"
    assert encoder.config is CONFIGS["clef-small"]
    assert profile is PROFILES["clef"]


def test_what_is_no_encoder_is_not_loaded_as_one() -> None:
    with pytest.raises(UsageError, match=r"cardiosomnography-primary: no such file; encoders to install: clef-small"):
        find_encoder_file("cardiosomnography-primary")


@pytest.mark.parametrize("damage", ["changed", "gone", "record"])
def test_what_has_changed_since_is_never_used(damage: str, checkpoint: Path) -> None:
    installed(unhashed(), local=checkpoint)
    path = weights_folder() / "clef_small.ckpt"
    if damage == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    elif damage == "gone":
        path.unlink()
    else:
        (weights_folder() / "clef-small.json").write_text("{")
    with pytest.raises(WeightsError, match="clef-small"):
        verified(unhashed())


def test_a_file_that_nobody_installed_is_not_used(checkpoint: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "clef_small.ckpt").write_bytes(checkpoint.read_bytes())
    with pytest.raises(WeightsError, match="holter2sleep models install clef-small"):
        verified(SMALL)


def test_a_licence_is_asked_for_once_and_again_when_it_changes(checkpoint: Path) -> None:
    asked: list[str] = []

    def agrees(licence: object) -> bool:
        asked.append(str(licence))
        return True

    for _ in range(2):
        install(unhashed(), agrees, lambda *_: None, checkpoint)
        remove(SMALL)
    assert len(asked) == 1
    assert is_accepted(SMALL.licence)
    assert not is_accepted(dataclasses.replace(SMALL.licence, text="other terms"))


def test_a_licence_that_is_not_accepted_installs_nothing(checkpoint: Path, folder: Path) -> None:
    with pytest.raises(WeightsError, match="licence was not accepted"):
        install(unhashed(), lambda _: False, lambda *_: None, checkpoint)
    assert not folder.exists()


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def small_unhashed(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tuple(unhashed(weights) if weights is SMALL else weights for weights in list_installable())
    monkeypatch.setattr("holter2sleep.sleep.staging.installable.list_installable", lambda: listed)


@pytest.mark.usefixtures("small_unhashed")
def test_the_command_installs_lists_verifies_and_removes(checkpoint: Path) -> None:
    done = ok("models", "install", "clef-small", "--from", checkpoint, "--accept-licence")
    assert "Zenodo record 17572734" in done.output  # the licence is shown to scripts too
    facts = {entry["name"]: entry for entry in json.loads(ok("models", "list", "--json").output)}
    assert facts["clef-small"]["installed"]
    assert not facts["clef-large"]["installed"]
    assert "clef-small                        weights  installed" in ok("models", "list").output
    assert "clef-small: ok" in ok("models", "verify").output
    (weights_folder() / "clef_small.ckpt").write_bytes(b"other")
    assert run("models", "verify", "clef-small").exit_code == 6
    ok("models", "remove", "clef-small")
    assert run("models", "verify", "clef-small").exit_code == 6
    assert run("models", "remove", "clef-small").exit_code == 6


def test_without_a_terminal_nothing_waits_for_an_answer(checkpoint: Path) -> None:
    done = run("models", "install", "clef-small", "--from", checkpoint)
    assert done.exit_code == 2
    assert "--accept-licence" in done.output


@pytest.mark.usefixtures("small_unhashed")
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 6)])
def test_on_a_terminal_the_user_is_asked(
    answer: str, code: int, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from holter2sleep.cli import main

    monkeypatch.setattr(sys.modules["holter2sleep.cli.models"], "_can_ask", lambda: True)
    done = CliRunner().invoke(main, ["models", "install", "clef-small", "--from", str(checkpoint)], input=answer)
    assert done.exit_code == code, done.output
    assert "Do you accept this?" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("clef-smal",), "did you mean 'clef-small'"),
        (("clef-small", "--from", "a", "--mirror", "http://b"), "exclude each other"),
        (("clef-small", "clef-medium", "--from", __file__), "one file"),
        (("clef-small", "--from", "absent", "--accept-licence"), "no such file"),
        (("clef-small", "--mirror", "mirror.org", "--accept-licence"), "https://"),
    ],
)
def test_wrong_use_of_install_ends_with_2(words: tuple[str, ...], said: str) -> None:
    done = run("models", "install", *words)
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize("name", ["clef-small", "cardiosomnography-primary"])
def test_weights_are_shown_with_their_licence(name: str) -> None:
    assert get_installable(name).licence.text in ok("models", "show", name).output
    assert json.loads(ok("models", "show", name, "--json").output)["licence_text"]


def test_the_weights_folder_is_the_variable_or_the_users_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert weights_folder() == Path(os.environ["HOLTER2SLEEP_WEIGHTS"])
    monkeypatch.delenv("HOLTER2SLEEP_WEIGHTS")
    assert weights_folder().parts[-2:] == ("holter2sleep", "weights")
