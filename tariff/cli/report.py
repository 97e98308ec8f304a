"""`tariff report DIR`: render the page and the workbook again from a run's folder."""

from __future__ import annotations

from pathlib import Path

import click

from tariff.cli.triage import limit_options, limits_of


@click.command("report", short_help="Render the page and workbook of a run again.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--html/--no-html", default=True, help="Render report.html.  [default: html]")
@click.option(
    "--workbook/--no-workbook", default=True, help="Render workbook.xlsx.  [default: workbook]"
)
@limit_options
def report(folder: Path, html: bool, workbook: bool, min_value: str, rows: int | None) -> None:
    """Render report.html and workbook.xlsx again from the findings in DIR.

    Nothing is checked again and no other file is touched. Answers typed into workbook.xlsx are
    overwritten: keep a copy under another name.
    """
    from tariff.report.write import read_run, render_run

    limits = limits_of(min_value, rows)
    run = read_run(folder)
    for path in render_run(folder, run, html=html, workbook=workbook, limits=limits):
        click.echo(path)
