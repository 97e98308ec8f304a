"""Contracts that are no use: each mistake is named with its place, by the check and by a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tariff.cli.main import main, run
from tests.contracts.contracts import write_contract

BLOCK = "form: {kind: block}, plan: {activity: 12, price: 1200}"
PLAN = "line,month,activity,price\n" + "".join(f"all,{month},1,100\n" for month in range(1, 13))
WAIVER = "agreed_waivers: [{rule: SPL03, reason: Agreed, agreed_by: Both, expires: 2023-03-31}]\n"
LOCAL = "provider,commissioner,treatment_function,point_of_delivery,tariff_code,price\n"

# what the lines, the other keys, the tables and the head of a contract say; and what is said of it
REFUSED = {
    "two lines select the same": (
        "- {id: day-cases, title: A, select: {points_of_delivery: [DC, EL]}, form: CASE}\n"
        "- {id: knees, title: B, select: {hrgs: [HN22]}, form: CASE}\n",
        "", {}, {},
        ["pack.yaml:14:5: PK430 lines 'day-cases' and 'knees' select the same activity"],
    ),
    "a prefix within another prefix": (
        "- {id: knees, title: A, select: {hrgs: [HN]}, form: CASE}\n"
        "- {id: some-knees, title: B, select: {hrgs: [HN22, HT]}, form: CASE}\n",
        "", {}, {}, ["PK430", "'knees' and 'some-knees'"],
    ),
    "carved from a line that is not wider": (
        "- {id: day-cases, title: A, select: {points_of_delivery: [DC]}, form: CASE}\n"
        "- {id: knees, title: B, select: {hrgs: [HN22]}, carved_from: [day-cases], form: CASE}\n",
        "", {}, {}, ["14:5: PK431", "'knees' is carved from 'day-cases', but is not narrower"],
    ),
    "carved from a line that is not there": (
        "- {id: all, title: A, carved_from: [al], form: CASE}\n",
        "", {}, {}, ["13:5: PK431", "did you mean 'all'?"],
    ),
    "one id twice": (
        "- {id: a, title: A, select: {sites: [S1]}, form: CASE}\n"
        "- {id: a, title: A, select: {sites: [S2]}, form: CASE}\n",
        "", {}, {}, ["14:5: PK431 line 'a' is in the contract twice"],
    ),
    "a gap between two lines of one service": (
        "- {id: early, title: A, to: 2022-08-31, form: CASE}\n"
        "- {id: late, title: A, from: 2022-10-01, form: CASE}\n",
        "", {}, {},
        ["14:5: PK433 line 'late': nothing holds from 2022-09-01 to 2022-09-30"],
    ),
    "a line that ends too soon": (
        "- {id: early, title: A, to: 2022-08-31, form: CASE}\n",
        "", {}, {}, ["PK433", "from 2022-09-01 to 2023-03-31"],
    ),
    "half a month": (
        "- {id: early, title: A, to: 2022-08-15, form: CASE}\n",
        "", {}, {}, ["PK432", "2022-04-01 to 2022-08-15 are not whole months of the contract"],
    ),
    "dates of another year": (
        f"- {{id: all, title: All, {BLOCK}}}\n", "applies: {from: 2021-04-01, to: 2022-03-31}\n",
        {}, {}, ["PK432 2021-04-01 to 2022-03-31 are not whole months of 2022/23"],
    ),
    "no such year": (
        f"- {{id: all, title: All, {BLOCK}}}\n", "", {}, {"year": '"2022/24"'},
        ["PK432 2022/24 is no financial year"],
    ),
    "a plan that does not add up": (
        f"- {{id: all, title: All, {BLOCK}}}\n", "plan: plan.csv\n",
        {"plan.csv": PLAN.replace("all,7,1,100", "all,7,2,99.99")}, {},
        ["14:54: PK434 line 'all': the months add up to activity 13, not 12",
         "14:54: PK434 line 'all': the months add up to price 1199.99, not 1200"],
    ),
    "a plan of a line and a month that are not there": (
        f"- {{id: all, title: All, {BLOCK}}}\n", "plan: plan.csv\n",
        {"plan.csv": PLAN + "none,1,1,1\nall,14,0,0\n"}, {},
        ["plan.csv:14:1: PK434 the contract has no line 'none'",
         "plan.csv:15:5: PK434 line 'all' has the months 1 to 12 (13 after them), not 14"],
    ),
    "a waiver that no one owns": (
        f"- {{id: all, title: All, {BLOCK}}}\n", WAIVER.replace("Both", "' '"), {}, {},
        ["12:59: PK435 waiver of SPL03: no one agreed to it"],
    ),
    "a waiver without an owner": (
        f"- {{id: all, title: All, {BLOCK}}}\n", WAIVER.replace("agreed_by: Both, ", ""), {}, {},
        ["12:18: PK021 missing key 'agreed_by'"],
    ),
    "a waiver that ended before the contract, of no rule": (
        f"- {{id: all, title: All, {BLOCK}}}\n",
        WAIVER.replace("2023-03-31", "2022-03-31").replace("SPL03", "SP03"), {}, {},
        ["PK435 waiver of SP03 ended on 2022-03-31, before the contract",
         "PK439 waiver of rule 'SP03', which no pack has", "did you mean 'SPL03'"],
    ),
    "unknown keys": (
        "- {id: all, title: All, selects: {}, form: {kind: block, capp: 1}}\n", "tolerence: 2\n",
        {}, {}, ["PK020 unknown key 'tolerence'", "PK020 unknown key 'selects'",
                 "PK020 unknown key 'capp'", "did you mean 'tolerance'?"],
    ),
    "keys of another form": (
        "- {id: all, title: All, form: {kind: cost_per_case, cap: 5}}\n", "", {}, {},
        ["PK027 a form of kind cost_per_case has no 'cap'"],
    ),
    "figures that a form lacks": (
        "- {id: a, title: A, select: {sites: [A]}, form: {kind: block}}\n"
        "- {id: b, title: B, select: {sites: [B]}, form: {kind: cost_and_volume, tolerance: 2, "
        "marginal_above: 0.4}}\n"
        "- {id: c, title: C, select: {sites: [C]}, "
        "form: {kind: cap_and_collar, cap: 1, collar: 2}}\n"
        "- {id: d, title: D, select: {sites: [D]}, phasing: annual, form: CASE}\n",
        "", {}, {},
        ["PK027 a form of kind block needs the 'plan' of its line",
         "PK027 a form of kind cost_and_volume needs 'marginal_below'",
         "PK027 tolerance is a share of one, from 0 to 1; found 2",
         "PK027 the collar 2 is above the cap 1",
         "PK027 only a marginal rate, or a cap without a collar, may be unphased"],
    ),
    "a plan that is not used, below nothing; a point of delivery that is none": (
        f"- {{id: all, title: All, select: {{points_of_delivery: [NELL, AANDE, dc]}}, {BLOCK}}}\n",
        "plan: plan.csv\n",
        {"plan.csv": PLAN.replace("all,1,1,", "all,1,-1,") + "all,13,2,0\n"}, {},
        ["plan.csv:2:7: PK405 activity is not below 0; found -1",
         "PK440 line 'all' has months in the plan, but is phased twelfths",
         "PK441 line 'all' selects point of delivery 'NELL', which is no national code hint: did "
         "you mean 'NEL'", "'AANDE', which is no national code hint: write 'AE'",
         "'dc', which is no national code hint: write 'DC'"],
    ),
    "low volume lines that are too much together": (
        "".join(f"- {{id: {n}, title: T, select: {{sites: [{n}]}}, form: {{kind: low_volume}}, "
                "plan: {activity: 1, price: 250000}}\n" for n in "ab"),
        "", {}, {"year": '"2023/24"'},
        ["PK438 lines 'a', 'b': 500000 together is not under the limit of 500000"],
    ),
    "a fixed payment below what is in it; units without a price": (
        "- {id: a, title: A, select: {sites: [A]}, form: {kind: aligned_payment, fixed: 1, "
        "in_fixed: 2}}\n"
        "- {id: b, title: B, select: {sites: [B]}, plan: {activity: 1, price: 0}, form: {kind: "
        "cost_and_volume, tolerance: 0, marginal_above: 1, marginal_below: 1}}\n",
        "", {}, {},
        ["PK027 a form of kind cost_and_volume needs a planned price above 0"],
    ),
    "a rate that is not held for the year": (
        "- {id: all, title: All, form: {kind: marginal_rate, baseline: 5}}\n", "", {}, {},
        ["PK436 line 'all' gives no rate, and none is held for 2022/23"],
    ),
    "an unknown provider": (
        f"- {{id: all, title: All, {BLOCK}}}\n", "", {}, {"provider": "R1HH"},
        ["PK504 provider 'R1HH' is in no table of market forces factors", "did you mean 'R1H'?"],
    ),
    "two local prices for one record": (
        "- {id: all, title: All, form: CASE}\n", "local_prices: local.csv\n",
        {"local.csv": LOCAL + "R1H,,100,,,5\nR1H,,,DC,,-6\n"}, {},
        ["local.csv:3:11: PK437 as near as the price in line 2: both may fit one record",
         "local.csv:3:11: PK405 price is below 0: -6"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one check of all these contracts says of each."""
    root = tmp_path_factory.mktemp("contracts")
    names = {mistake: f"c{number:02}" for number, mistake in enumerate(REFUSED)}
    for mistake, (lines, more, files, head, _) in REFUSED.items():
        write_contract(root / names[mistake], lines, more, files, head)
    done = CliRunner().invoke(main, ["pack", "check", str(root)])
    assert done.exit_code == 3, done.output
    problems = done.output.replace("\n  hint:", " hint:").splitlines()
    return {
        mistake: "\n".join(line for line in problems if f"/{name}/" in line)
        for mistake, name in names.items()
    }


@pytest.mark.parametrize("mistake", REFUSED)
def test_each_mistake_is_told_with_its_place(mistake: str, told: dict[str, str]) -> None:
    for word in REFUSED[mistake][-1]:
        assert word in told[mistake], f"{word!r} is not in {told[mistake]}"


def test_a_contract_that_is_right_is_not_refused(tmp_path: Path) -> None:
    lines = (
        "- {id: all, title: All, form: {kind: block}, plan: {activity: 12, price: 1200}, "
        "phasing: plan}\n"
        "- {id: knees, title: B, select: {hrgs: [HN22]}, carved_from: [all], "
        "form: CASE}\n"
        "- {id: knees-here, title: B, select: {hrgs: [HN22], sites: [S1]}, "
        "carved_from: [all, knees], form: CASE}\n"
    )
    folder = write_contract(
        tmp_path / "mine", lines, "plan: plan.csv\n" + WAIVER, {"plan.csv": PLAN}
    )
    done = CliRunner().invoke(main, ["pack", "check", "--warnings-as-errors", str(folder)])
    assert done.exit_code == 0, done.output


def test_two_contracts_that_leave_months_out(tmp_path: Path) -> None:
    for name, dates in (("a", "to: 2022-06-30"), ("b", "from: 2022-08-01")):
        line = "- {id: all, title: All, form: CASE}\n"
        write_contract(tmp_path / name, line, f"applies: {{{dates}}}\n")
    done = CliRunner().invoke(main, ["pack", "check", str(tmp_path)])
    assert done.exit_code == 3
    assert (
        "PK505 between 'a' and this no contract holds from 2022-07-01 to 2022-07-31" in done.output
    )


@pytest.mark.parametrize(
    ("command", "contract", "code", "words"),
    [
        ("price", "", 3, "pack.yaml:13:5: PK431 line 'all' is carved from 'none'"),
        ("check", "", 3, "pack.yaml:13:5: PK431 line 'all' is carved from 'none'"),
        ("price", "exampel-block", 2, "did you mean 'example-block'?"),
        ("check", "exampel-block", 2, "did you mean 'example-block'?"),
        ("price", None, 2, "--history is for a contract's year to date or for policies"),
        ("check", None, 2, "april.csv is given as the extract and as its history"),
        ("price", "rules/pod/codes", 2, "is a pack of kind pod_codes, not a contract"),
    ],
)
def test_a_run_refuses_a_wrong_contract_before_it_reads(
    command: str,
    contract: str | None,
    code: int,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = "- {id: all, title: All, carved_from: [none], form: CASE}\n"
    given = contract or str(write_contract(tmp_path / "mine", lines))
    if given.startswith("rules"):
        given = str(Path(__file__).resolve().parents[2] / given)
    extract = tmp_path / "april.csv"
    extract.write_text("provider,spell_id\nR1H,A\n")
    options = ["--history", str(extract)] if contract is None else ["--contract", given]
    assert run([command, str(extract), *options, "-o", str(tmp_path / "out")]) == code
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()
