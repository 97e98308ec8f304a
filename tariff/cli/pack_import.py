"""`tariff pack import`: make packs from the workbooks of national tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariff.cli.pack_import_prices import prices
from tariff.cli.pack_import_tables import local_prices, mff, plan

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.packs.importing.code_to_group import CodeToGroup, RootRow
    from tariff.packs.importing.design import CodeList, Design


@click.group("import")
def import_packs() -> None:
    """Make packs from national tables, and from the files of a contract."""


for _command in (prices, mff, plan, local_prices):
    import_packs.add_command(_command)


def _print_mapping(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    from tariff.packs.importing.mapping import default_mapping

    if wanted:
        click.echo(default_mapping().read_text(encoding="utf-8"), nl=False)
        ctx.exit()


@import_packs.command("code-to-group")
@click.argument("file", type=click.Path(path_type=Path, readable=False), metavar="FILE.xlsx")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder for the packs; it must not be there yet.",
)
@click.option(
    "--mapping",
    "mapping_path",
    type=click.Path(path_type=Path),
    metavar="MAPPING.yaml",
    help="Which sheets and columns to read, where they are not those of the mapping that ships.",
)
@click.option(
    "--year", metavar="2024/25", help="The year that the tables are of.  [default: the newest held]"
)
@click.option(
    "--title", help="What the workbook is called, as reports name it.  [default: its file name]"
)
@click.option(
    "--pack", "packs", multiple=True, type=click.Path(path_type=Path), help="More packs, first."
)
@click.option("--force", is_flag=True, help="Replace an earlier import in FOLDER.")
@click.option(
    "--print-mapping",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_mapping,
    help="Print the mapping that ships, to copy and change, and exit.",
)
def code_to_group(
    file: Path,
    output: Path,
    mapping_path: Path | None,
    year: str | None,
    title: str | None,
    packs: tuple[Path, ...],
    force: bool,
) -> None:
    """Import a workbook of the national "code to group" kind as official grouping tables.

    Reads the roots and ranks of procedures and diagnoses, and the complication scores by
    subchapter. Every problem of the workbook is told at once, with its sheet, row and column (exit
    4), and nothing is written then. Afterwards `tariff group EXTRACT -o OUT --pack FOLDER` groups
    with the tables. docs/importing.md has the whole of it.
    """
    from tariff.packs.importing.code_to_group import read_code_to_group
    from tariff.packs.importing.design import design_of
    from tariff.packs.importing.mapping import read_mapping
    from tariff.packs.importing.mistakes import Mistakes
    from tariff.packs.importing.workbook import Workbook
    from tariff.packs.importing.write import Origin, check_folder, write_packs
    from tariff.packs.load import load_packs

    check_folder(output, force=force)
    mapping = read_mapping(mapping_path)
    design = design_of(load_packs(packs), year)
    book = Workbook(file, Mistakes())
    tables = read_code_to_group(book, mapping, design)
    origin = Origin(title or file.name, book.sha256, f"mapping {mapping.id}")
    write_packs(output, tables, design, origin, force=force)
    _summary(tables, design)
    click.echo(f"Packs: {output}  (--pack {output} uses them)")


def _summary(tables: CodeToGroup, design: Design) -> None:
    from tariff.packs.importing.design import years_of

    click.echo(f"Design      {design.grouper.id}, {years_of(design.grouper)}")
    drive = sum(row.rank > 0 for row in tables.procedures.values())
    click.echo(
        f"Procedures  {_counted(tables.procedures, design.opcs4)}, {drive:,} of them can drive"
    )
    lead = sum(bool(row.root) for row in tables.diagnoses.values())
    click.echo(
        f"Diagnoses   {_counted(tables.diagnoses, design.icd10)}, {lead:,} of them lead to a root"
    )
    held = {name for row in tables.scores.values() for name in row}
    count = sum(map(len, tables.scores.values()))
    click.echo(f"CC scores   {count:,}, of {len(tables.scores):,} codes in {len(held)} subchapters")
    if missing := sorted(design.cc_subchapters - held):
        click.echo(f"note: no CC list of {' '.join(missing)}: roots split by CC there get no HRG")
    if not design.price_lists:
        click.echo("note: no price list of these years is held: prices of roots were not looked at")


def _counted(rows: dict[str, RootRow], codes: CodeList) -> str:
    """How many rows there are, and how many codes they say nothing about."""
    lengths = range(1, 6)
    silent = sum(not any(code[:length] in rows for length in lengths) for code in codes.codes)
    return f"{len(rows):,} rows ({silent:,} of {len(codes.codes):,} valid codes are in none)"
