"""`tariff report DIR`: render the page and the workbook again from a run's folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report", short_help="Render the page and workbook of a run again.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--html/--no-html", default=True, help="Render report.html.  [default: html]")
@click.option(
    "--workbook/--no-workbook", default=True, help="Render workbook.xlsx.  [default: workbook]"
)
def report(folder: Path, html: bool, workbook: bool) -> None:
    """Render report.html and workbook.xlsx again from the findings in DIR.

    Nothing is checked again and no other file is touched. Answers typed into workbook.xlsx are
    overwritten: keep a copy under another name.
    """
    from tariff.report.write import read_run, render_run

    for path in render_run(folder, read_run(folder), html=html, workbook=workbook):
        click.echo(path)
