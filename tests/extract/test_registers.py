"""Registers: what is read, and what is refused with file, line and column (docs/registers.md)."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariff.errors import DataError, UsageError
from tariff.extract.fields import ARROW_TYPE, REGISTERS
from tariff.extract.registers import VALUES, key_of, read_register, read_registers

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "registers"


@pytest.mark.parametrize("name", REGISTERS)
def test_the_example_of_each_register_is_read_and_has_every_column(name: str) -> None:
    table = read_register(name, EXAMPLES / f"{name}.csv").table
    assert table.num_rows
    header = (EXAMPLES / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == [field.name for field in REGISTERS[name]]


def test_there_is_no_example_of_another_register() -> None:
    assert {path.stem for path in EXAMPLES.glob("*")} == set(REGISTERS)


def register(folder: Path, name: str, *lines: str) -> str:
    path = folder / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_columns_have_the_types_of_the_dictionary_in_any_order_and_form(tmp_path: Path) -> None:
    text = register(
        tmp_path, "percentages", "rate,base,code,provider", "0.025,1234.50,cqn, rxx ",
    )  # fmt: skip
    table = read_register("percentages", text).table
    assert table.select(["provider", "code", "base", "rate"]).to_pylist() == [
        {"provider": "RXX", "code": "CQN", "base": 123450, "rate": 25_000_000}
    ]
    for field in REGISTERS["percentages"][:4]:
        assert table.schema.field(field.name).type == ARROW_TYPE[field.type]
    deaths = pa.table({"patient_id": ["a"], "death_date": [datetime.date(2022, 4, 1)]})
    pq.write_table(deaths, tmp_path / "deaths.parquet")
    for source in (deaths, tmp_path / "deaths.parquet"):
        row = read_register("deaths", source).table.to_pylist()[0]
        assert (row["patient_id"], row["death_date"]) == ("a", datetime.date(2022, 4, 1))


def test_every_closed_list_of_values_is_of_a_column_there_is() -> None:
    for name, columns in VALUES.items():
        assert columns.keys() <= {field.name for field in REGISTERS[name]}
    assert all(key_of(name) for name in REGISTERS)


REGISTERED = "patient_id,gp_practice,valid_from,valid_to"


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("deaths", ["patient_id"], "deaths.csv:1: a register of deaths needs the column death"),
        ("deaths", ["patient_id,death_date,nhs_number"], "deaths.csv:1: a register of deaths has "),
        ("deaths", ["patient_id,death_date", "A1,2022-02-30"], "deaths.csv:2: column 'death_date'"),
        ("deaths", ["patient_id,death_date", "A1,2022-02-01", ",2022-02-01"], "deaths.csv:3: col"),
        (
            "deaths",
            ["patient_id,death_date", "A1,2022-02-01", "A2,2022-02-01", "A1,2022-03-01"],
            "deaths.csv:4: column 'patient_id' has what line 2 has",
        ),
        (
            "registrations",
            [REGISTERED, "A1,X1,2022-04-01,2022-03-31"],
            "registrations.csv:2: column 'valid_to' is before valid_from",
        ),
        (
            "registrations",
            [REGISTERED, "A1,X1,2022-01-01,", "A1,X2,2020-01-01,2022-01-01"],
            "registrations.csv:3: column 'patient_id' has what line 2 has, and both",
        ),
        ("services", ["provider,basis", "RXX,tarif"], "services.csv:2: column 'basis' is not one"),
        (
            "services",
            ["provider,hrg,basis", "RXX,,tariff", "RXX,,local"],
            "services.csv:3: column 'provider' has what line 2 has",
        ),
        (
            "letters",
            ["patient_id,provider,letter_date", "A,RXX,2022-01-01", "A,RXX,2022-01-01"],
            "letters.csv:3: column 'patient_id' has",
        ),
        ("doses", ["item,maximum_quantity", "A,two"], "doses.csv:2: column 'maximum_quantity'"),
        ("doses", ["item,maximum_quantity"], "doses.csv: there are no rows"),
    ],
)
def test_what_would_make_findings_of_nothing_is_refused(
    tmp_path: Path, name: str, lines: list[str], message: str
) -> None:
    with pytest.raises(DataError) as told:
        read_register(name, register(tmp_path, name, *lines))
    assert message in told.value.message
    assert told.value.hint
    assert "A1" not in told.value.message.replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("registrations", [REGISTERED, "A1,X1,2022-01-02,", "A1,X2,2020-01-01,2022-01-01"]),
        ("letters", ["patient_id,provider,letter_date", "A,RXX,2022-01-01", "A,RXX,2022-01-02"]),
        ("services", ["provider,hrg,basis", "RXX,,tariff", "RXX,FZ12A,local"]),
        (
            "local_prices",
            [
                "provider,code,price,valid_to,valid_from",
                "RXX,FZ12A,1,2022-03-31,",
                "RXX,FZ12A,2,,2022-04-01",
            ],
        ),
    ],
)
def test_rows_that_do_not_meet_are_as_many_as_there_are(
    tmp_path: Path, name: str, lines: list[str]
) -> None:
    found = read_register(name, register(tmp_path, name, *lines))
    assert found.table.num_rows == found.input.rows == len(lines) - 1


def test_a_name_that_is_none_and_one_given_twice(tmp_path: Path) -> None:
    path = register(tmp_path, "deaths", "patient_id,death_date", "A1,2022-02-01")
    with pytest.raises(UsageError, match="no register 'death'"):
        read_register("death", path)
    with pytest.raises(UsageError, match="deaths is given twice"):
        read_registers([("deaths", path), ("deaths", path)])
