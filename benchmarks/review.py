"""How fast the page of a review answers, and what it holds in memory.

    python -m benchmarks.review NIGHT_DIR

The night is served as `holter2sleep review` serves it, and asked from the same machine. The first paint, from the
address being opened to the signal standing on the page, is measured where there is a chromium with its driver, in a
window of 1280 x 800. Nothing is edited.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded

import argparse
import resource
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from holter2sleep.review.server import ReviewServer
from holter2sleep.review.session import Session

N_PIECES = 500
SPANS_S = (10.0, 30.0, 120.0, 600.0, 7200.0)
DRAWN_PX = 1500  # dark ones in the strip: more than its letters have, less than ten seconds of a lead
INK = """
const canvas = document.getElementById('strip');
const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
let n = 0;
for (let i = 0; i < pixels.length; i += 4) n += pixels[i + 3] > 200 && pixels[i] < 60 && pixels[i + 1] < 60;
return n;
"""


def asked_ms(address: str) -> float:
    """Milliseconds until the whole answer is there."""
    begin = time.perf_counter()
    with urllib.request.urlopen(address) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - begin)


def whole_night_s(server: ReviewServer, duration_s: float) -> float:
    """Seconds until the whole night can be shown at once."""
    begin = time.perf_counter()
    while True:
        try:
            asked_ms(f"{server.address}ecg?start_s=0&end_s={duration_s}&points=8000")
        except urllib.error.HTTPError:
            time.sleep(0.01)
        else:
            return time.perf_counter() - begin


def piece_ms(server: ReviewServer, duration_s: float, rng: np.random.Generator) -> list[float]:
    """Milliseconds of pieces anywhere in the night, with what a page asks on either side."""
    found = []
    for span_s in np.tile(SPANS_S, N_PIECES // len(SPANS_S)):
        start_s = rng.uniform(0, max(1.0, duration_s - span_s))
        found.append(asked_ms(f"{server.address}ecg?start_s={start_s}&end_s={start_s + span_s}&points=8000"))
    return found


def first_paint_s(address: str) -> float | None:
    """Seconds from opening the page to the signal; None without a browser."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
        window = ("--headless=new", "--no-sandbox", "--no-first-run", "--window-size=1280,800")
        for switch in (*window, *(f"--disable-{name}" for name in quiet), f"--user-data-dir={profile}"):
            options.add_argument(switch)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            begin = time.perf_counter()
            browser.get(address)
            WebDriverWait(browser, 60, poll_frequency=0.02).until(lambda it: it.execute_script(INK) > DRAWN_PX)
            return time.perf_counter() - begin
        finally:
            browser.quit()


def peak_mb() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the figures of one night."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("night_dir", type=Path)
    folder = parser.parse_args().night_dir
    with ReviewServer(Session(folder, None)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        duration_s = server.session.source.machine.run["duration_s"]
        print(f"{folder.name}: {duration_s / 3600:.1f} h, waveform {'there' if server.session.pieces else 'not there'}")
        if server.session.pieces:
            print(f"whole night at once    {whole_night_s(server, duration_s):.2f} s after the start")
            print(f"first paint            {first_paint_s(server.address)!s:.5} s")
            begun_mb, taken = peak_mb(), piece_ms(server, duration_s, np.random.default_rng(1))
            quartiles = np.percentile(taken, (50, 95, 100))
            print("a piece, ms            median {:.1f}, 95 % {:.1f}, longest {:.1f}".format(*quartiles))
            print(f"peak memory, MB        {begun_mb:.0f} before, {peak_mb():.0f} after {len(taken)} pieces")
        server.shutdown()


if __name__ == "__main__":
    main()
