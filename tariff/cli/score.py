"""`tariff data score` and `tariff data unplant`: what comes of a planted extract."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("findings", type=click.Path(path_type=Path), metavar="FINDINGS")
@click.argument("key", type=click.Path(path_type=Path, dir_okay=False), metavar="KEY")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
def score(findings: Path, key: Path, form: str) -> None:
    """Score FINDINGS against the KEY of a planted extract, rule by rule.

    FINDINGS is findings.csv, findings.parquet or the folder of a run; with manifest.json beside
    it, rules that did not run are named. docs/planted-faults.md says how to read a score.
    """
    from tariff.simulate import score as scoring

    scores = scoring.score_files(findings, key)
    if form == "table":
        click.echo(scoring.as_table(scores))
    else:
        text = scoring.as_json(scores) if form == "json" else scoring.as_csv(scores)
        click.echo(text, nl=False)


@click.command()
@click.argument("planted", type=click.Path(path_type=Path, dir_okay=False), metavar="PLANTED")
@click.argument("key", type=click.Path(path_type=Path, dir_okay=False), metavar="KEY")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The honest extract to write: .csv, .csv.gz or .parquet.",
)
def unplant(planted: Path, key: Path, output: Path) -> None:
    """Undo every fault of PLANTED, and write the honest extract.

    KEY is the .key.csv (or the .undo.jsonl) written beside the planted extract. In the same form,
    the file is the one that `tariff data synth` writes without --plant, byte for byte.
    """
    from tariff.errors import UsageError
    from tariff.simulate.faults import key as keys
    from tariff.simulate.faults import undo
    from tariff.simulate.output import write_extract

    if not planted.is_file():
        raise UsageError(f"{planted} does not exist.", hint="Give the planted extract.")
    if output.exists() and output.samefile(planted):
        raise UsageError(f"{output} is the planted extract.", hint="Name another file with -o.")
    journal = key if key.name.endswith(keys.UNDO) else keys.undo_path(key)
    honest = undo.unplant(undo.read_extract(planted), keys.read_undo(journal))
    rows = write_extract(output, honest)
    click.echo(f"{output}: {rows:,} honest rows")
