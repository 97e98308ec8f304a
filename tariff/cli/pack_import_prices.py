"""`tariff pack import prices`: a national price workbook as a pack."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("prices")
@click.argument("workbook", type=click.Path(path_type=Path, readable=False), metavar="WORKBOOK")
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="The pack folder to write; its name becomes the id.",
)
@click.option("--year", default="", metavar="2022/23", help="The year, of a workbook with several.")
@click.option(
    "--edition",
    default="imported",
    show_default=True,
    help="What the pack calls this edition of the year's prices.",
)
@click.option("--publisher", default="", help="Named as the publisher of the source.")
@click.option(
    "--licence",
    default="Open Government Licence v3.0",
    show_default=True,
    help="Named as the licence of the source.",
)
def prices(
    workbook: Path, folder: Path, year: str, edition: str, publisher: str, licence: str
) -> None:
    """Import a national price workbook: an XLSX file, or a folder with one CSV file a sheet.

    Sheets, headings and columns are found by their names, not by their numbers. Every problem is
    named with file, sheet, row and column; with one, nothing is written (exit 4). The pack is
    linted (exit 3 when it is invalid).
    """
    from tariff.errors import UsageError
    from tariff.packs.columns import CELLS
    from tariff.packs.importing_prices import Options, import_prices

    if year and not CELLS["year"][0].fullmatch(year):
        raise UsageError(f"--year {year} is no year", hint="for example --year 2022/23")
    options = Options(edition, publisher, licence)
    book, warnings = import_prices(workbook, folder, year=year, options=options)
    for name, rows in book.tables.items():
        click.echo(f"{name:<24}{len(rows):>7,} rows")
    for row in book.tables["sheets"]:
        if row["note"]:
            click.echo(f"note: sheet '{row['sheet']}': {row['note']}", err=True)
    for problem in warnings:
        click.echo(str(problem), err=True)
    click.echo(f"wrote {folder}: {book.year}, {edition}", err=True)
