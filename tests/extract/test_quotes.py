"""Quotes: cells of several lines are read, and a quote too many loses no row."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariff.errors import DataError
from tariff.extract import csvfile, open_extract
from tariff.extract.csvfile import LONGEST_CELL, Quotes, record_ends
from tests.extract.tables import HEADER, ROW, csv_file, rows, text_file

BLOCKS = [16, 200, 1000, 4 << 20]
LINES = [ROW.replace("S1", f"S{number}") for number in range(2, 5002)]  # named after its line


@pytest.fixture(params=BLOCKS)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The bytes that are read at a time."""
    monkeypatch.setattr(csvfile, "BLOCK", request.param)
    return int(request.param)


def refused(path: Path) -> str:
    """What is said of a stray quote. All may be rejects, and still no row may be lost."""
    with pytest.raises(DataError) as caught:
        rows(open_extract(path, max_bad_rows=1))
    assert caught.value.exit_code == 4
    assert "RXX" not in str(caught.value)
    assert "remove the quote" in str(caught.value)
    return str(caught.value)


def with_quote(at: int, cell: str = "RXX", lines: list[str] = LINES) -> list[str]:
    """The lines with a stray quote before a cell of one (line of the file)."""
    changed = lines[at - 2].replace(cell, f'"{cell}', 1)
    return [*lines[: at - 2], changed, *lines[at - 1 :]]


@pytest.mark.parametrize("cell", ["RXX", "I10X", "1234.50"])
def test_a_stray_quote_that_is_never_closed(tmp_path: Path, block: int, cell: str) -> None:
    text = refused(csv_file(tmp_path, *with_quote(4801, cell)))
    assert f"opens a cell on line 4801 is not closed within {LONGEST_CELL} lines" in text


@pytest.mark.parametrize("at", [4982, 4983, 5000, 5001])
def test_a_stray_quote_near_the_end(tmp_path: Path, block: int, at: int) -> None:
    text = refused(csv_file(tmp_path, *with_quote(at)))
    assert f"the quote that opens a cell on line {at} is" in text


def test_the_end_of_the_file_without_a_newline(tmp_path: Path, block: int) -> None:
    for tail in ("", "\x1a"):
        path = text_file(tmp_path, "\n".join([HEADER, *LINES[:9], '"RXX,S11,1']) + tail)
        assert "a cell on line 11 is never closed" in refused(path)


def test_other_line_ends_and_gzip(tmp_path: Path, block: int) -> None:
    text = "\r\n".join([HEADER, *with_quote(4801)])
    assert "on line 4801" in refused(text_file(tmp_path, text))
    assert "on line 4801" in refused(text_file(tmp_path, text.replace("\r\n", "\r")))
    packed = gzip.compress(text.encode())
    assert "on line 4801" in refused(text_file(tmp_path, packed, "a.csv.gz"))


def test_a_stray_quote_in_the_header(tmp_path: Path, block: int) -> None:
    assert "on line 1 is" in refused(csv_file(tmp_path, *LINES, header=f'"{HEADER}'))
    assert "on line 1 is never" in refused(csv_file(tmp_path, *LINES[:2], header=f'"{HEADER}'))


def test_a_stray_quote_among_quoted_cells(tmp_path: Path, block: int) -> None:
    quoted = [line.replace("I10X", '"I10X"') for line in LINES]
    text = refused(csv_file(tmp_path, *with_quote(99, "E119", quoted)))
    assert "on line 99 meets one on line 100 that does not end a cell" in text


def test_two_stray_quotes_that_would_make_one_row_of_several(tmp_path: Path, block: int) -> None:
    lines = with_quote(50)
    lines[54 - 2] = lines[54 - 2].replace("RXX", 'RXX"', 1)
    text = refused(csv_file(tmp_path, *lines))
    assert "on line 50 is closed on line 54, with as many delimiters between" in text
    lines[54 - 2] = LINES[54 - 2].replace("I10X", 'I10X"', 1)  # in another column
    text = refused(csv_file(tmp_path, *lines))
    assert "on line 50 is closed on line 54, behind the end of a whole row" in text
    lines = with_quote(50, "I10X")
    lines[54 - 2] = lines[54 - 2].replace("RXX", 'RXX"', 1)  # in an earlier column
    text = refused(csv_file(tmp_path, *lines))
    assert "the row that begins on line 50 has" in text and "columns, not 8" in text


def test_a_stray_quote_inside_a_cell_means_nothing(tmp_path: Path, block: int) -> None:
    header = f"{HEADER},ward"
    lines = [f'{line},5" PIPE' for line in LINES[:3]] + [f'{LINES[3]},"A ""B"""', f'{LINES[4]},""']
    found = rows(open_extract(csv_file(tmp_path, *lines, header=header)))
    assert [row["ward"] for row in found] == ['5" PIPE'] * 3 + ['A "B"', None]
    assert [row["_line"] for row in found] == [2, 3, 4, 5, 6]
    # one more, which the quote in the ward closes: the row is a reject, and no other
    extract = open_extract(
        csv_file(tmp_path, *with_quote(4, lines=lines), header=header), max_bad_rows=1
    )
    assert [row["_line"] for row in rows(extract)] == [2, 3, 5, 6]
    assert (extract.rejects["line"].to_pylist(), extract.rows_read) == ([4], 5)


def test_cells_of_a_few_lines_are_read(tmp_path: Path, block: int) -> None:
    header = f"{HEADER},ward"
    longest = "A" + "\n" * (LONGEST_CELL - 1) + "B"
    cells = ["A\nB", "A, B\nC, D", 'A "B"\n\n"C"', longest, "A"]
    lines = ['{},"{}"'.format(ROW, cell.replace('"', '""')) for cell in cells]
    found = rows(open_extract(csv_file(tmp_path, *lines, header=header)))
    assert [row["ward"] for row in found] == cells
    assert [row["_line"] for row in found] == [2, 4, 6, 9, 29]
    lines[3] = lines[3].replace("B", "\nB")
    assert "on line 9 is not closed" in refused(csv_file(tmp_path, *lines, header=header))


def test_lines_before_the_header_may_hold_quotes(tmp_path: Path, block: int) -> None:
    layout = text_file(
        tmp_path,
        'id: mine\nversion: "1"\ntitle: Mine\nstatus: complete\nskip_lines: 2\ncolumns:\n'
        "  provider: {column: A}\n  spell_id: {column: B}\n",
        "mine.yaml",
    )
    path = text_file(tmp_path, '"Report\n"of" "April\nA,B\nR,1\nR,"2"\n')
    assert [row["_line"] for row in rows(open_extract(path, layout))] == [4, 5]
    path = text_file(tmp_path, '"Report\n"of" "April\nA,B\nR,1\nR,"2\n')
    with pytest.raises(DataError, match="on line 5 is never closed"):
        rows(open_extract(path, layout))


TEXTS = st.text(st.sampled_from('""",\n\rA'), max_size=40)


@settings(max_examples=500)
@given(TEXTS)
def test_quoted_cells_are_those_of_a_plain_reader(text: str) -> None:
    """Letter by letter, as RFC 4180 and the reader of the standard library have it."""
    opens, closes, ends = [], [], []
    start, quoted, at = True, False, 0
    while at < len(text):
        letter = text[at]
        if quoted:
            if text[at : at + 2] == '""':
                at += 1
            elif letter == '"':
                quoted = False
                closes.append(at)
        elif start and letter == '"':
            quoted = True
            opens.append(at)
        elif letter == "\n":
            ends.append(at + 1)
        start = not quoted and letter in ",\n\r"
        at += 1
    if quoted:
        closes.append(len(text))
    found = Quotes(text.encode(), ",")
    assert (found.opens.tolist(), found.closes.tolist()) == (opens, closes)
    assert record_ends(text.encode(), ",").tolist() == ends


CELLS = st.lists(
    st.text(st.sampled_from('"A, \n'), max_size=6).map(str.strip), min_size=1, max_size=12
)


@settings(max_examples=100, deadline=None)
@given(cells=CELLS, stray=st.integers(0, 11), block=st.integers(16, 200))
def test_a_stray_quote_is_refused_or_costs_its_own_row_alone(
    cells: list[str], stray: int, block: int
) -> None:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for number, cell in enumerate(cells):
        begin = written.tell()
        writer.writerow(["R", f"S{number}", 1, 2, cell])
        if number == stray:
            text = written.getvalue()
            written.seek(begin)
            written.write('"' + text[begin:])
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(csvfile, "BLOCK", block):
        path = text_file(Path(folder), "provider,spell_id,age,sex,ward\n" + written.getvalue())
        try:
            extract = open_extract(path, max_bad_rows=1)
            found = rows(extract)
        except DataError:
            return
    lost = {f"S{number}" for number in range(len(cells))} - {row["spell_id"] for row in found}
    assert lost <= {f"S{stray}"}
    assert extract.rows_rejected >= len(lost)
