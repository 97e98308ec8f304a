"""The page in a real browser: it needs no script and no network, and fits the screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pytest

from tariff.report import text
from tariff.report.html import render
from tests.report.fake_run import FakeRun, care_run, empty_run, fake_run

if os.name == "nt":
    pytest.skip("the pipe to Chromium is for Unix", allow_module_level=True)

from tests.browser.chromium import Browser, find_chromium

pytestmark = pytest.mark.browser


def dear_run() -> FakeRun:
    """Twenty thousand times the money: the widest figures a year of a region has."""
    run = fake_run()
    for name in ("spells", "findings"):
        table = getattr(run, name)
        for index, field in enumerate(table.schema):
            if field.name.endswith("_pence"):
                dearer = pc.multiply(table.column(index), 20_000)
                table = table.set_column(index, field, dearer)
        setattr(run, name, table)
    money = run.manifest["money"]
    for key in ("billed", "allowed", "settled", "settled_over", "settled_under"):
        money[key] *= 20_000
    for step in money["by_step"]:
        step["settled"] *= 20_000
    return run


RUNS = {
    "ordinary": lambda: fake_run(findings=60),
    "hostile": lambda: fake_run(hostile=True),
    "large": lambda: fake_run(20_000, 3_000),
    "dear": dear_run,
    "no-findings": lambda: fake_run(findings=0),
    "no-prices": lambda: fake_run(prices=False, dates=False),
    "nothing": empty_run,
    "all-care": care_run,
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("TARIFF_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    opened = Browser(executable, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[FakeRun, Path]]:
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, build in RUNS.items():
        run = build()
        path = folder / f"{name}.html"
        path.write_text(render(run), encoding="utf-8")
        made[name] = (run, path)
    return made


Pages = dict[str, tuple[FakeRun, Path]]


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("width", [1280, 768, 375])
def test_fits_the_screen_and_asks_for_nothing(
    browser: Browser, pages: Pages, name: str, width: int
) -> None:
    path = pages[name][1]
    browser.open(path, width, script=False)
    assert browser.requests() == [path.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") == width
    cut = browser.value(
        "[...document.querySelectorAll('main td, main th, h1, h2, h3, dd')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert cut == 0


def test_says_the_same_with_and_without_script(browser: Browser, pages: Pages) -> None:
    run, path = pages["ordinary"]
    shown = []
    for script in (True, False):
        browser.open(path, 1280, script=script)
        shown.append(browser.value("document.body.innerText"))
    assert shown[0] == shown[1]
    assert browser.value("document.querySelector('h1').innerText").startswith("Tariff check of")
    money = run.manifest["money"]
    for pence in (money["billed"], money["allowed"], -money["settled_under"]):
        assert text.pounds(pence) in shown[0]


def test_sections_of_all_care_show_their_numbers(browser: Browser, pages: Pages) -> None:
    run, path = pages["all-care"]
    browser.open(path, 1280, script=False)
    shown = {
        name: browser.value(f"document.getElementById('{name}').innerText")
        for name in ("headline", "compared", "where", "by-cause", "not-run")
    }
    assert text.pounds(run.manifest["money"]["billed"]) in shown["headline"]
    assert "£260.00 (deterministic) is suspended until it is shown." in shown["headline"]
    assert all(figure in shown["compared"] for figure in ("4,171", "4,131", "99.0%", ">99.9%"))
    assert "Outpatient attendances" in shown["where"] and "£225.00" in shown["where"]
    assert "COM02" in shown["by-cause"] and "owed by another payer" in shown["by-cause"]
    assert "needs treatment_function of lines" in shown["not-run"]
    assert browser.value(
        "document.getElementById('by-cause').offsetTop < "
        "document.getElementById('findings').offsetTop"
    )


def test_evidence_opens_by_mouse_without_script(browser: Browser, pages: Pages) -> None:
    browser.open(pages["ordinary"][1], 1280, script=False)
    assert browser.value("document.querySelectorAll('details[open]').length") == 0
    assert not browser.value("document.querySelector('details dl').checkVisibility()")
    browser.click("details summary")
    assert browser.value("document.querySelectorAll('details[open]').length") == 1
    evidence = browser.value("document.querySelector('details[open]').innerText")
    assert "Adjusted days" in evidence and "How the allowed price was worked out" in evidence
    assert browser.value("document.documentElement.scrollWidth") == 1280


def test_open_evidence_fits_a_telephone(browser: Browser, pages: Pages) -> None:
    for name in ("ordinary", "hostile"):
        browser.open(pages[name][1], 390, script=False)
        browser.value("document.querySelectorAll('details').forEach(e => e.open = true)")
        assert browser.value("document.documentElement.scrollWidth") == 390
        record = browser.value("document.querySelector('details[open]').innerText")
        assert "Point of delivery, HRG" in record  # columns hidden above stand here


def test_charts_are_drawn(browser: Browser, pages: Pages) -> None:
    browser.open(pages["ordinary"][1], 1280, script=False)
    sizes = browser.value(
        "[...document.querySelectorAll('.fall-bar rect.total')]"
        ".map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])"
    )
    assert len(sizes) == 2 and all(width > 20 and height > 10 for width, height in sizes)
    assert sizes[0][0] > sizes[1][0]


def test_data_does_not_run(browser: Browser, pages: Pages) -> None:
    browser.open(pages["hostile"][1], 1280, script=True)
    assert browser.value("document.querySelectorAll('script, img, iframe').length") == 0
    assert not [e for e in browser.events if e["method"] == "Page.javascriptDialogOpening"]
    problems = [e for e in browser.events if e["method"] == "Log.entryAdded"]
    assert problems == []


def test_text_has_contrast(browser: Browser, pages: Pages) -> None:
    browser.open(pages["ordinary"][1], 1280)
    low = browser.value(
        """(() => {
          const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
            .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
            return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
          const behind = e => { for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (c !== 'rgba(0, 0, 0, 0)') return c; } return 'rgb(255, 255, 255)'; };
          return [...document.querySelectorAll('body *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
            .filter(e => e.checkVisibility())
            .filter(e => { const a = light(getComputedStyle(e).color), b = light(behind(e));
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; })
            .map(e => e.outerHTML.slice(0, 80)).slice(0, 5);
        })()"""
    )
    assert low == []


def test_prints(browser: Browser, pages: Pages) -> None:
    browser.open(pages["ordinary"][1], 1280, script=False)
    assert browser.pdf().startswith(b"%PDF-")
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.value("getComputedStyle(document.querySelector('.contents')).display") == (
            "none"
        )
        assert browser.value("document.querySelector('details dl').checkVisibility()")
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
