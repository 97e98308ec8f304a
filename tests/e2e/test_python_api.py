"""The same from Python: paths or a dataframe in, Arrow tables out; the folder of a run opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import tariff
from tariff import schemas
from tariff.errors import DataError, TariffError, UsageError
from tariff.report.write import write_run
from tests.e2e.command import left, read_rows, write_rows
from tests.e2e.conftest import Checked


def same_bytes(run: Any, folder: Path, checked: Checked) -> None:
    """A run from Python, written out, has the bytes that the command wrote."""
    write_run(folder, run)
    for name in ("findings.csv", "spells.parquet"):
        assert (folder / name).read_bytes() == (checked.folder / name).read_bytes(), name


def as_text(path: Path) -> pa.Table:
    """The file with every column as text, as a person reads it who types nothing."""
    names = path.read_text("utf-8").partition("\n")[0].split(",")
    options = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
    )
    return pa_csv.read_csv(path, convert_options=options)


def test_a_path_gives_the_tables_that_the_command_writes(checked: Checked, tmp_path: Path) -> None:
    run = tariff.check(checked.source)
    assert run.spells.schema.equals(schemas.SPELLS)
    assert run.findings.schema.equals(schemas.FINDINGS)
    assert run.rejects.schema.equals(schemas.REJECTS)
    assert run.manifest["money"] == checked.manifest()["money"]
    assert run.manifest["counts"] == checked.manifest()["counts"]
    assert run.episodes is None
    same_bytes(run, tmp_path, checked)


def test_several_paths_as_text_and_as_paths(checked: Checked, tmp_path: Path) -> None:
    rows = read_rows(checked.source)
    one = write_rows(tmp_path / "one.csv", rows[::2])
    two = write_rows(tmp_path / "two.csv", rows[1::2])
    same_bytes(tariff.check([one, str(two)]), tmp_path / "out", checked)


def test_a_pyarrow_table_of_text_gives_the_same_bytes(checked: Checked, tmp_path: Path) -> None:
    same_bytes(tariff.check(as_text(checked.source)), tmp_path, checked)


def test_a_reader_of_batches_gives_the_same_bytes(checked: Checked, tmp_path: Path) -> None:
    table = as_text(checked.source)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=97))
    same_bytes(tariff.check(reader), tmp_path, checked)


def test_polars_gives_the_same_bytes(checked: Checked, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.read_csv(checked.source, infer_schema=False)
    same_bytes(tariff.check(frame), tmp_path / "text", checked)
    dates = [name for name in frame.columns if name.endswith("_date") or "_date_" in name]
    numbers = ("age", "episode_order", "episode_duration", "critical_care_days")
    typed = frame.with_columns(
        *(polars.col(name).str.to_date("%Y-%m-%d") for name in dates),
        *(polars.col(name).cast(polars.Int64) for name in numbers),
        *(polars.col(name).cast(polars.Categorical) for name in ("provider", "diag_01")),
        polars.col("billed_price").cast(polars.Decimal(12, 2)),
    )
    same_bytes(tariff.check(typed), tmp_path / "typed", checked)


def test_pandas_gives_the_same_bytes(checked: Checked, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(checked.source, dtype=str)
    same_bytes(tariff.check(frame), tmp_path, checked)


def test_duckdb_gives_the_same_bytes(checked: Checked, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.read_csv(str(checked.source), all_varchar=True)
    same_bytes(tariff.check(relation), tmp_path, checked)


def test_the_options_are_those_of_the_command(checked: Checked) -> None:
    run = tariff.check(checked.source, select=["PRC01"], keep=True, threads=1)
    assert set(run.findings["rule"].to_pylist()) == {"PRC01"}
    assert run.episodes is not None and run.episodes.schema.equals(schemas.EPISODES)
    doubled = tariff.check(checked.source, mff="2", select=["PRC01"])
    assert doubled.manifest["options"]["mff"] == 2
    for spell in doubled.spells.to_pylist():
        assert spell["total_pence"] == 2 * spell["pre_mff_pence"]
    later = tariff.check(checked.source, mff_year="2026/27", select=["PRC01"])
    assert set(later.spells["mff_year"].to_pylist()) == {"2026/27"}


def test_a_run_is_opened_from_its_folder(checked: Checked) -> None:
    run = tariff.open(checked.folder)
    assert run.findings.equals(pq.read_table(checked.folder / "findings.parquet"))
    assert run.spells.equals(pq.read_table(checked.folder / "spells.parquet"))
    assert run.manifest == checked.manifest()
    assert tariff.open(str(checked.folder)).spells.num_rows == run.spells.num_rows


def test_mistakes_are_errors_that_say_what_to_do(checked: Checked, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        tariff.check(tmp_path / "none.csv")
    with pytest.raises(DataError, match="mandatory column missing: spell_id"):
        tariff.check(pa.table({"provider": ["RXX"], "age": [4]}))
    with pytest.raises(UsageError, match="is not a folder"):
        tariff.open(tmp_path / "none")
    with pytest.raises(UsageError, match="no signature is called 'PRC99'"):
        tariff.check(checked.source, select=["PRC99"])


@pytest.mark.parametrize(
    "options",
    [
        {"year": "2022"},
        {"mff": "high"},
        {"mff_year": "2022"},
        {"price_at": "gruoped"},
        {"level": "hihg"},
        {"max_bad_rows": 5},
    ],
)
def test_options_that_are_wrong_are_usage_errors(checked: Checked, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        tariff.check(checked.source, **options)
    assert caught.value.hint


def test_what_is_no_dataframe_is_refused(checked: Checked) -> None:
    for thing in (None, 7, {"provider": ["RXX"]}, [1, 2]):
        with pytest.raises(TariffError):
            tariff.check(thing)


def test_rejects_of_a_dataframe_are_bounded_like_those_of_a_file(checked: Checked) -> None:
    table = as_text(checked.source).slice(0, 40)
    spoilt = ["x", "y", "z", *table["age"].to_pylist()[3:]]
    place = table.schema.get_field_index("age")
    table = table.set_column(place, "age", pa.array(spoilt, pa.string()))
    with pytest.raises(DataError, match="3 of 40 rows"):
        tariff.check(table)
    run = tariff.check(table, max_bad_rows=0.1)
    assert run.rejects.num_rows == 3
    assert run.manifest["counts"]["rows_rejected"] == 3


def test_nothing_is_written_from_python(
    checked: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tariff.check(checked.source, select=["PRC01"])
    assert left(tmp_path) == set()


def test_importing_tariff_imports_nothing_heavy() -> None:
    code = "import sys, tariff; print(sys.modules.keys() & {'pyarrow', 'numpy', 'yaml', 'click'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert not hasattr(tariff, "chekc")
