"""The page in a browser: what a reader does, and what stands on the disk behind it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from served import edit, served

from holter2sleep.review.log import verified
from holter2sleep.review.server import ReviewServer

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on this machine"),
]
QUIET = ("gpu", "quic", "background-networking", "component-update", "sync")
WAIT_S = 30


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    profile = tmp_path_factory.mktemp("profile")
    switches = ["--headless=new", "--no-sandbox", "--no-first-run", "--window-size=1280,940"]
    for switch in [*switches, *(f"--disable-{name}" for name in QUIET), f"--user-data-dir={profile}"]:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def server(night: Path) -> Iterator[ReviewServer]:
    with served(night) as running:
        yield running


class Page:
    """The page as a reader sees it."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self.browser = browser
        browser.get(address)
        self.wait(lambda: browser.execute_script("return document.body.dataset.ready") == "yes")

    def wait(self, holds: Callable[[], object]) -> None:
        WebDriverWait(self.browser, WAIT_S, poll_frequency=0.05).until(lambda _: holds())

    def text(self, name: str) -> str:
        return self.browser.find_element(By.ID, name).text

    def until(self, name: str, words: str) -> None:
        self.wait(lambda: words in self.text(name))

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def with_control(self, key: str) -> None:
        ActionChains(self.browser).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    def click(self, name: str) -> None:
        self.browser.find_element(By.ID, name).click()

    def click_at(self, name: str, x_share: float, y_share: float = 0.5) -> None:
        canvas = self.browser.find_element(By.ID, name)
        away = (int((x_share - 0.5) * canvas.size["width"]), int((y_share - 0.5) * canvas.size["height"]))
        ActionChains(self.browser).move_to_element_with_offset(canvas, *away).click().perform()

    def drag(self, name: str, x_from: float, x_to: float) -> None:
        canvas = self.browser.find_element(By.ID, name)
        start = int((x_from - 0.5) * canvas.size["width"])
        moved = int((x_to - x_from) * canvas.size["width"])
        actions = ActionChains(self.browser).move_to_element_with_offset(canvas, start, 0).click_and_hold()
        actions.move_by_offset(moved // 2, 0).move_by_offset(moved - moved // 2, 0).release().perform()

    def ink(self, name: str) -> int:
        """Number of dark pixels of a canvas."""
        return self.browser.execute_script(
            "const c = document.getElementById(arguments[0]);"
            "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
            "for (let i = 0; i < p.length; i += 4) if (p[i + 3] > 200 && p[i] < 60 && p[i + 1] < 60) n++; return n;",
            name,
        )

    def choose_first_beat(self) -> None:
        """The first beat of the list of beats called V or S, or the next beat."""
        self.press("]")
        self.until("chosen", "Beat ")


@pytest.fixture
def page(browser: webdriver.Chrome, server: ReviewServer) -> Iterator[Page]:
    opened = Page(browser, server.address)
    yield opened
    severe = [
        entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE" and "409" not in entry["message"]
    ]
    assert severe == []


def labels(folder: Path) -> list[str]:
    return pl.read_parquet(folder / "beats.parquet")["label"].to_list()


def test_the_night_and_its_signal_are_drawn(page: Page) -> None:
    page.wait(lambda: page.ink("strip") > 2000)
    assert page.ink("overview") > 200
    assert page.text("recording") == "night"
    assert "25 mm/s" in page.browser.find_element(By.ID, "true").text
    assert "automatic, unconfirmed" in page.text("list")
    assert page.text("log").startswith("nobody has edited this night")


def test_a_beat_is_relabelled_undone_and_redone_with_keys(page: Page, server: ReviewServer) -> None:
    page.choose_first_beat()
    assert "automatic, unconfirmed" in page.text("chosen")
    page.press("v")
    page.until("chosen", "Beat V")
    assert "edited" in page.text("chosen")
    assert page.text("log").startswith("1 beat relabel at 22:4")
    (line,) = verified(server.session.folder)
    assert (line.who, line.before["label"], line.after["label"]) == ("A. Reader", "N", "V")
    page.with_control("z")
    page.until("log", "undo of 1")
    page.until("chosen", "Beat N")
    page.with_control("y")
    page.until("log", "undo of 2")
    page.until("chosen", "Beat V")
    assert [line.kind for line in verified(server.session.folder)] == ["beat_relabel", "undo", "undo"]


def test_what_was_edited_stands_there_after_recomputing_and_reloading(page: Page, server: ReviewServer) -> None:
    folder = server.session.folder
    n_v = labels(folder).count("V")
    page.choose_first_beat()
    page.press("v")
    page.until("state", "numbers and report are older")
    assert labels(folder).count("V") == n_v
    page.click("recompute")
    page.until("state", "numbers and report are those of the log")
    assert labels(folder).count("V") == n_v + 1
    assert json.loads((folder / "run.json").read_text())["edits"]["n"] == 1
    again = Page(page.browser, server.address)
    assert "beat relabel" in again.text("log")
    again.choose_first_beat()
    assert "Beat V" in again.text("chosen")


def test_a_beat_is_deleted_and_one_added_by_a_click(page: Page, server: ReviewServer) -> None:
    page.wait(lambda: page.ink("strip") > 2000)
    page.choose_first_beat()
    page.press(Keys.DELETE)
    page.until("log", "beat delete")
    page.press("a")
    page.until("chosen", "Click where the beat is")
    deleted = verified(server.session.folder)[0].before["time_s"]
    start, span = page.browser.execute_script("return import('./state.js').then((m) => [m.state.start, m.state.span])")
    page.click_at("strip", (deleted + 0.02 - start) / span)
    page.until("log", "beat add")
    added = verified(server.session.folder)[1].after
    assert added["label"] == "N"
    assert abs(added["time_s"] - deleted) < 0.01  # the click was 20 ms off, and taken to the R wave


def test_a_range_is_marked_and_becomes_an_episode_and_stages(page: Page, server: ReviewServer) -> None:
    page.drag("overview", 0.3, 0.6)
    page.until("chosen", "Range ")
    page.press("e")
    page.until("log", "episode add")
    page.drag("overview", 0.3, 0.6)
    page.press("r")
    page.until("log", "stage, epochs")
    added, stages = verified(server.session.folder)
    assert added.after["kind"] == "AFIB"
    assert 200 < added.after["end_s"] - added.after["start_s"] < 500
    assert stages.target["last_epoch"] - stages.target["first_epoch"] > 5
    assert set(stages.after) == {"R"}


def test_the_list_goes_from_event_to_event_the_least_certain_first(page: Page) -> None:
    page.press("j")
    page.until("chosen", "confidence")
    rows = page.browser.find_elements(By.CSS_SELECTOR, "#list li")[:30]
    sure = [int(row.text.split(" % sure")[0].rpartition(" ")[2]) for row in rows]
    assert sure == sorted(sure)
    assert page.browser.execute_script("return document.querySelector('#list li').classList.contains('now')")
    first = page.text("chosen")
    page.press("j")
    page.wait(lambda: page.text("chosen") != first)
    page.press("k")
    page.until("chosen", first)
    page.press("c")
    page.until("log", "confirm")
    page.until("chosen", "looked at")
    page.press("j")  # what was looked at has left the list: the next takes its place
    page.wait(lambda: page.text("chosen") != first and "automatic, unconfirmed" in page.text("chosen"))


def test_keys_move_and_zoom_over_the_whole_night(page: Page) -> None:
    page.press(Keys.END)
    page.until("place", "22:59:")
    page.press(*("-" * 14))
    page.until("place", "20 min shown")
    page.wait(lambda: page.ink("strip") > 2000)
    page.press("0")
    page.wait(lambda: "min shown" not in page.text("place"))
    page.press("?")
    page.until("keys", "name the chosen beat")
    page.press(Keys.ESCAPE)


def test_a_click_in_the_overview_goes_there(page: Page) -> None:
    page.click_at("overview", 0.55)
    page.wait(lambda: page.text("place") > "22:48")
    assert page.text("place") < "22:53"


def test_a_note_is_written(page: Page, server: ReviewServer) -> None:
    page.press("m")
    page.browser.find_element(By.ID, "note-text").send_keys("electrode, <b>not</b> heart")
    page.browser.find_element(By.CSS_SELECTOR, "#note button[value=save]").click()
    page.until("log", "electrode, <b>not</b> heart")  # as text: nothing of it is markup
    assert verified(server.session.folder)[0].after == "electrode, <b>not</b> heart"


def test_who_was_overtaken_is_told_and_sees_what_the_other_did(page: Page, server: ReviewServer) -> None:
    page.choose_first_beat()
    edit(server, 0, kind="note", start_s=1.0, end_s=2.0, text="the other was here")
    page.press("v")
    page.until("toast", "1 edit by A. Reader, and 0 were known here")
    page.until("log", "the other was here")
    assert len(verified(server.session.folder)) == 1
    page.press("v")
    page.until("log", "beat relabel")


def test_without_a_name_one_can_only_look(browser: webdriver.Chrome, night: Path) -> None:
    with served(night, None) as server:
        page = Page(browser, server.address)
        assert "Only looking" in page.text("state")
        assert not page.browser.find_element(By.CSS_SELECTOR, "[data-do=delete]").is_enabled()
        page.choose_first_beat()
        page.press("v")
        page.until("toast", "--who NAME")
    assert verified(night) == ()


def test_a_night_without_its_recording_shows_intervals(browser: webdriver.Chrome, night: Path) -> None:
    (night.parents[1] / "night.edf").unlink()
    with served(night) as server:
        page = Page(browser, server.address)
        page.until("toast", "The recording is not at its place")
        page.wait(lambda: page.ink("strip") > 300)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (820, 1180)])
def test_everything_has_its_place_on_screens_and_tablets(
    browser: webdriver.Chrome, server: ReviewServer, width: int, height: int
) -> None:
    browser.set_window_size(width, height + 140)
    page = Page(browser, server.address)
    wide, room = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert wide <= room
    for name in ("overview", "strip", "tools", "list", "log"):
        box = browser.find_element(By.ID, name).rect
        assert box["width"] > 150, name
        assert box["height"] > 50, name
    assert page.ink("overview") > 200
    browser.set_window_size(1280, 940)
