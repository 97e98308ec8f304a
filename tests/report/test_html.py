"""The page: what it says, that it adds up, and that nothing in the data becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from tariff.report import figures, text
from tariff.report.html import render, waterfall
from tests.report.fake_run import HOSTILE, FakeRun, empty_run, fake_run

VOID = {"meta", "link", "img", "br", "hr", "input", "rect", "line", "path"}
BANNED = ("fraud", "gaming", "false")


class Page(HTMLParser):
    """The page as elements with their text: small, strict about nesting."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[dict[str, Any]] = []
        self.elements: list[dict[str, Any]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "within": list(self.open)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append({"tag": tag, "attrs": dict(attrs), "text": "", "within": []})

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1]["tag"] == tag, f"</{tag}> closes <{self.open[-1]['tag']}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element["text"] += data

    def all(self, *tags: str) -> list[dict[str, Any]]:
        return [element for element in self.elements if element["tag"] in tags]

    def id(self, name: str) -> dict[str, Any]:
        (found,) = [element for element in self.elements if element["attrs"].get("id") == name]
        return found


def words(element: dict[str, Any]) -> str:
    return " ".join(element["text"].split())


RUNS = {
    "ordinary": fake_run(),
    "hostile": fake_run(hostile=True),
    "no findings": fake_run(findings=0),
    "no prices, no dates": fake_run(prices=False, dates=False),
    "nothing read": empty_run(),
}


@pytest.fixture(params=RUNS.values(), ids=RUNS.keys())
def any_run(request: pytest.FixtureRequest) -> FakeRun:
    run: FakeRun = request.param
    return run


def test_is_well_formed_and_self_contained(any_run: FakeRun) -> None:
    source = render(any_run)
    page = Page(source)
    assert page.elements[0]["attrs"]["lang"] == "en-GB"
    assert not page.all("script", "iframe", "object", "img", "form", "base")
    for element in page.elements:
        attrs = element["attrs"]
        assert not [name for name in attrs if name.startswith("on")]
        assert "src" not in attrs
        assert attrs.get("href", "#").startswith(("#", "data:,"))
    assert "url(" not in source and "@import" not in source
    assert "default-src 'none'" in source


def test_every_table_has_a_caption_and_scoped_headings(any_run: FakeRun) -> None:
    page = Page(render(any_run))
    for table in page.all("table"):
        inside = [element for element in page.elements if table in element["within"]]
        assert [e for e in inside if e["tag"] == "caption" and e["within"][-1] is table]
    for heading in page.all("th"):
        assert heading["attrs"].get("scope") in ("col", "row")


def test_headings_are_in_order_and_links_lead_somewhere(any_run: FakeRun) -> None:
    page = Page(render(any_run))
    levels = [int(element["tag"][1]) for element in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [element["attrs"]["id"] for element in page.elements if "id" in element["attrs"]]
    assert len(ids) == len(set(ids))
    targets = {element["attrs"].get("href", "#main")[1:] for element in page.all("a")}
    assert targets <= set(ids)
    assert page.all("a")[0]["attrs"]["class"] == "skip"


def test_the_figures_are_the_manifests() -> None:
    run = RUNS["ordinary"]
    money = run.manifest["money"]
    page = Page(render(run))
    headline = words(page.id("headline"))
    assert text.pounds(money["billed"]) in headline
    assert text.pounds(money["allowed"]) in headline
    assert text.pounds(-money["settled_under"]) in headline
    reconciliation = words(page.id("reconciliation"))
    for step in money["by_step"]:
        if step["findings"]:
            assert text.pounds(-step["settled"], signed=True) in reconciliation
    assert text.pounds(money["allowed"]) in reconciliation
    for line in money["by_class"].values():
        if line["findings"]:
            assert text.pounds(line["settled"]) in reconciliation
    assert "Differs" not in words(page.id("basis"))
    assert text.pounds(money["billed_in_rejects"]) in words(page.id("rejects"))


def test_classes_are_never_added_together() -> None:
    run = RUNS["ordinary"]
    money = run.manifest["money"]
    page = Page(render(run))
    for together in (money["settled_over"], money["settled"]):
        assert text.pounds(together) not in words(page.id("headline"))
    classes = figures.money(run).classes
    assert sum(line.settled for line in classes) == money["settled"]
    assert sum(line.over for line in classes) == money["settled_over"]


def test_what_is_no_cash_stands_apart() -> None:
    run = fake_run()
    effects = [
        "suspended" if rule == "SPL03" else "cash" for rule in run.findings["rule"].to_pylist()
    ]
    place = run.findings.column_names.index("effect")
    run.findings = run.findings.set_column(place, "effect", pa.array(effects))
    money, before = figures.money(run), figures.money(fake_run())
    (line,) = money.apart
    assert (line.key, line.effect, line.settled > 0) == ("presumptive", "suspended", True)
    cash = money.line("presumptive").settled
    assert cash + line.settled == before.line("presumptive").settled
    headline = words(Page(render(run)).id("headline"))
    assert text.pounds(line.settled) in headline and "suspended until it is shown" in headline
    providers = figures.by_provider(run).groups
    assert sum(g.queried.over["presumptive"] for g in providers) == money.line("presumptive").over


def test_breakdowns_add_up_to_the_whole() -> None:
    run = RUNS["ordinary"]
    money = figures.money(run)
    month = figures.by_month(run)
    assert month is not None
    for table in (figures.by_provider(run), figures.by_point_of_delivery(run), month):
        assert sum(group.billed for group in table.groups) == money.billed
        assert sum(group.records for group in table.groups) == run.spells.num_rows
        assert sum(group.queried.under for group in table.groups) == money.under
        for key in text.CLASSES:
            over = sum(group.queried.over[key] for group in table.groups)
            assert over == money.line(key).over


def test_month_of_discharge_when_no_activity_month_is_stated() -> None:
    run = fake_run()
    want = figures.by_month(run)
    for name in ("spells", "findings"):
        table = getattr(run, name)
        index = table.schema.get_field_index("activity_month")
        blank = pa.nulls(table.num_rows, pa.string())
        setattr(run, name, table.set_column(index, table.schema.field(index), blank))
    got = figures.by_month(run)
    assert want is not None and got is not None
    assert got.name == "Month of discharge"
    assert got.groups == want.groups


def test_a_wrong_total_is_shown() -> None:
    run = fake_run()
    run.manifest["money"]["allowed"] += 100
    assert "Differs by £1.00" in words(Page(render(run)).id("basis"))


def test_nothing_in_the_data_becomes_markup() -> None:
    run = RUNS["hostile"]
    source = render(run)
    assert "<script" not in source and "<img" not in source and "onerror=alert(1)>" not in source
    page = Page(source)
    shown = words(page.id("findings"))
    for nasty in HOSTILE:
        assert " ".join(nasty.split()) in shown
    assert "{{ 7*7 }}" in shown and "49" not in words(page.id("basis"))


def test_patients_are_not_named(any_run: FakeRun) -> None:
    source = render(any_run)
    assert "PSEUDO" not in source and "patient_id" not in source


def test_wording_is_neutral(any_run: FakeRun) -> None:
    source = words(Page(render(any_run)).all("body")[0]).lower()
    for word in BANNED:
        assert word not in source


def test_rows_shown_are_limited_and_counted() -> None:
    run = fake_run(findings=120)
    page = Page(render(run, limit=3))
    captions = [words(element) for element in page.all("caption")]
    assert captions.count("Showing 3 of 20, largest first; all in findings.csv") == 6
    assert len(page.all("details")) == 18
    assert text.pounds(run.manifest["money"]["allowed"]) in words(page.id("reconciliation"))


def test_each_finding_has_its_evidence_and_working() -> None:
    run = RUNS["ordinary"]
    page = Page(render(run))
    details = page.all("details")
    assert len(details) == run.findings.num_rows
    assert all("Adjusted days" in words(element) for element in details)
    worked = [e for e in details if "How the allowed price was worked out" in words(e)]
    assert len(worked) == run.findings.num_rows - 8  # the queries carry no price


def test_rules_not_run_say_why() -> None:
    section = words(Page(render(RUNS["ordinary"])).id("not-run"))
    assert "PRC05" in section and "needs billed_mff, which the extract does not have" in section


@pytest.mark.parametrize(
    ("name", "section", "sentence"),
    [
        ("no findings", "findings", "There are no findings."),
        ("no findings", "reconciliation", "No finding changes the account"),
        ("no prices, no dates", "prices", "No spell was priced in full"),
        ("no prices, no dates", "headline", "no --year was given: grouped, not priced"),
        ("no prices, no dates", "where", "neither activity months nor discharge dates"),
        ("nothing read", "headline", "Nothing was read that could be checked."),
        ("nothing read", "rejects", "Every row could be read."),
    ],
)
def test_empty_states_read_well(name: str, section: str, sentence: str) -> None:
    assert sentence in words(Page(render(RUNS[name])).id(section))


def test_same_run_same_bytes() -> None:
    assert render(fake_run()) == render(fake_run())


def test_waterfall_bars_stay_inside_and_meet(any_run: FakeRun) -> None:
    rows = waterfall(figures.money(any_run)).rows
    assert (rows[0].label, rows[-1].label) == ("Billed", "Allowed")
    for row in rows:
        for bar in row.bars:
            assert bar.x >= -0.01 and bar.width >= -0.01 and bar.x + bar.width <= 100.01
    assert rows[-2].remains == rows[-1].amount


def test_rows_that_are_not_json_are_still_shown() -> None:
    run = fake_run()
    for column, words_ in (("evidence", "plain words"), ("working", '{"a": 1}')):
        index = run.findings.schema.get_field_index(column)
        value = pa.array([words_] * run.findings.num_rows)
        run.findings = run.findings.set_column(index, run.findings.schema.field(index), value)
    assert "plain words" in words(Page(render(run)).id("findings"))
