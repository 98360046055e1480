"""The wheel, built and used from another folder as one that was installed."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_BYTES = 15e6


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """A folder of packages with the wheel in it."""
    with zipfile.ZipFile(wheel) as file:
        file.extractall(wheel.parent / "site")
    return wheel.parent / "site"


def ran(site: Path, folder: Path, *words: str) -> str:
    """What Python says to these words in a folder, finding the package in `site` and nothing in the checkout."""
    environ = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_is_small_and_typed_and_names_its_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert wheel.stat().st_size < MOST_BYTES
    assert "holter2sleep/py.typed" in names
    assert {Path(name).name for name in names if "dist-info/licenses" in name} == {"LICENSE", "NOTICE.md"}
    assert not [name for name in names if not name.startswith("holter2sleep")]


def test_source_and_licence_of_every_weight_file_are_told(wheel: Path) -> None:
    notice = (ROOT / "NOTICE.md").read_text(encoding="utf-8")
    with zipfile.ZipFile(wheel) as file:
        weights = [
            name for name in file.namelist() if name.endswith((".npz", ".safetensors", "_weights.json", "_table.json"))
        ]
    assert len(weights) >= 6
    assert [name for name in weights if name.removeprefix("holter2sleep/") not in notice] == []


def test_recipes_and_layouts_are_found_in_the_wheel(site: Path, tmp_path: Path) -> None:
    assets = {"pipelines": "overnight.toml", "reports": "patient.toml"}
    code = f"from holter2sleep.assets import asset\nfor where in {assets}.items(): print(asset(*where))"
    found = ran(site, tmp_path, "-c", code).split()
    assert found == [str(site / "holter2sleep" / folder / name) for folder, name in assets.items()]


def test_a_night_is_analysed_and_drawn_from_another_folder(site: Path, tmp_path: Path) -> None:
    program = ("-m", "holter2sleep")
    ran(site, tmp_path, *program, "simulate", "--out", "night.edf", "--hours", "0.2", "--fs", "128")
    ran(site, tmp_path, *program, "analyze", "night.edf", "--out", "out", "--no-report")
    ran(site, tmp_path, *program, "report", "out/night")
    assert (tmp_path / "out" / "night" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "fusion" in ran(site, tmp_path, *program, "models", "list")


def test_every_model_of_the_wheel_is_what_its_card_says(site: Path, tmp_path: Path) -> None:
    found = ran(site, tmp_path, "-m", "holter2sleep", "models", "verify").split("\n")
    assert {f"{name}: ok" for name in ("fusion", "qrs", "classes", "af", "apnea", "h2s-encoder-small")} <= set(found)
