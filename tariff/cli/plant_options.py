"""The options of `tariff data synth` that plant faults, and what they become.

`plant_options` hands the command one argument, `planting`:

    with planting.beside(output, episodes) as plant:
        rows = write_extract(output, plant(batches))
    click.echo(planting.summary())
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariff.errors import UsageError

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    import pyarrow as pa

    from tariff.simulate.faults import Order, Planted, PlantTally
    from tariff.simulate.faults.care_chunk import CarePlanting
    from tariff.simulate.year import Batches

    Plant = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]

_OPTIONS = (
    click.option(
        "--plant",
        "plant_faults",
        multiple=True,
        metavar="RULE=AMOUNT,...",
        help="Plant faults: SPL03=0.5% of the spells that can have it, or SPL03=25.",
    ),
    click.option(
        "--plan",
        "plant_plan",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A YAML file that says what to plant.",
    ),
    click.option(
        "--near-misses",
        "plant_near_misses",
        is_flag=True,
        help="Plant as many near misses of each rule: honest rows that look like it.",
    ),
    click.option(
        "--plant-seed",
        type=click.IntRange(0),
        help="Other faults in the same extract.  [default: the seed of the extract]",
    ),
    click.option(
        "--plant-several", is_flag=True, help="A patient may have more than one fault."
    ),
    click.option(
        "--plant-deaths",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="deaths.csv",
        help="The register of deaths, which COM03 needs; --datasets registers makes its own.",
    ),
    click.option(
        "--key",
        "plant_key",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The key to write.  [default: NAME.key.csv beside the output]",
    ),
)  # fmt: skip
_NAMES = ("faults", "plan", "near_misses", "seed", "several", "deaths", "key")


def plant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command is given `planting` in their place."""

    @functools.wraps(command)
    def planted(**given: Any) -> Any:
        own = {name: given.pop(f"plant_{name}") for name in _NAMES}
        return command(planting=Planting(**own, extract_seed=given["seed"]), **given)

    decorated: Callable[..., Any] = planted
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@dataclass
class Planting:
    """What the options ask for."""

    faults: tuple[str, ...]
    plan: Path | None
    near_misses: bool
    seed: int | None
    several: bool
    deaths: Path | None
    key: Path | None
    extract_seed: int
    tally: PlantTally | None = field(default=None, init=False)
    written: Path | None = field(default=None, init=False)
    register: dict[str, date] = field(default_factory=dict, init=False)  # of deaths
    care: CarePlanting | None = field(default=None, init=False)  # of the other datasets
    lines: list[Planted] = field(default_factory=list, init=False)  # of the chunk at hand
    _write: Callable[[Planted], None] | None = field(default=None, init=False)

    def __bool__(self) -> bool:
        return bool(self.faults or self.plan)

    def order(self) -> Order | None:
        """Check the options and return the order, nothing where no fault is asked for."""
        from dataclasses import replace

        from tariff.simulate.faults import parse_order, read_plan

        if self.faults and self.plan:
            raise UsageError("--plant and --plan both say what to plant.", hint="Give one of them.")
        if not self:
            extra = self.near_misses or self.several or self.key or self.deaths
            if extra or self.seed is not None:
                raise UsageError(
                    "Nothing is planted: neither --plant nor --plan is given.",
                    hint="For example --plant SPL03=0.5%",
                )
            return None
        if self.deaths is not None:
            self.register.update(read_deaths(self.deaths))
        also = {"seed": self.extract_seed, "deaths": self.register}
        order = read_plan(self.plan, **also) if self.plan else parse_order(self.faults, **also)
        if self.seed is not None:
            order = replace(order, seed=self.seed)
        if self.several:
            order = replace(order, several=True)
        return order.with_near_misses() if self.near_misses else order

    def note_deaths(self, deaths: pa.RecordBatch) -> None:
        """Take the register of the chunk that is planted next, where none was given."""
        if self.deaths is None:
            columns = (deaths[name].to_pylist() for name in ("patient_id", "death_date"))
            self.register.clear()
            self.register.update(zip(*columns, strict=True))

    @contextlib.contextmanager
    def beside(
        self, output: Path, episodes: int, *, billed: bool = True, others: bool = False
    ) -> Iterator[Plant]:
        """Give what plants the batches of an extract; the key is there when the block ends well.

        `others`: all datasets of the year are made, and faults are planted in them too.
        """
        from tariff.simulate.faults import KeyFiles, PlantTally, plant
        from tariff.simulate.faults.care_chunk import (
            NOT_AT_HAND,
            CarePlanting,
            care_only,
            part_of_spells,
        )
        from tariff.simulate.faults.key import KEY, stem

        order = self.order()
        if order is None:
            yield lambda batches: batches
            return
        if not billed:
            raise UsageError(
                "Faults are planted in a billed extract.", hint="Leave --unbilled out."
            )
        base = stem(output)
        target = self.key or base.with_name(base.name + KEY)
        if not target.parent.is_dir():
            raise UsageError(f"The folder {target.parent} does not exist.", hint="Make it first.")
        tally = PlantTally()
        spells = part_of_spells(order, others=others)
        if others:
            self.care = CarePlanting(order, tally, episodes)
        else:
            tally.skipped.update(dict.fromkeys(care_only(order), NOT_AT_HAND))
        with KeyFiles(target) as files:
            self._write = files.write

            def note(line: Planted) -> None:
                self.lines.append(line)
                files.write(line)

            yield lambda batches: plant(batches, spells, write=note, total=episodes, tally=tally)
        self.tally, self.written = tally, target

    def in_care(self, chunk: Batches, episodes: int) -> Batches:
        """Plant in the other datasets of a chunk, whose admitted rows are planted already."""
        there, self.lines = self.lines, []
        if self.care is None or not self.care or self._write is None:
            return chunk
        batches, lines = self.care.chunk(chunk, there, episodes)
        for line in lines:
            self._write(line)
        return batches

    def summary(self) -> str:
        """Say what was planted, nothing where nothing was asked for."""
        if self.tally is None:
            return ""
        from tariff.simulate.faults import FAULT, NEAR_MISS

        planted = self.tally.planted
        count = dict.fromkeys((FAULT, NEAR_MISS), 0)
        for (kind, _), number in planted.items():
            count[kind] += number
        lines = [
            f"planted {count[FAULT]:,} faults worth £{self.tally.value_pence / 100:,.2f} and "
            f"{count[NEAR_MISS]:,} near misses: {self.written}"
        ]
        lines += [
            f"{rule} was not planted: {why}"
            for rule, why in sorted(self.tally.skipped.items())
            if not planted[FAULT, rule]
        ]
        for kind, rule in self.tally.short():
            what = "faults" if kind == FAULT else "near misses"
            done, asked = planted[kind, rule], self.tally.asked[kind, rule]
            lines.append(f"{rule}: {done:,} of {asked:,} {what}, no more records lend themselves")
        return "\n".join(lines)


def read_deaths(path: Path) -> dict[str, date]:
    """Read the register of deaths: patient_id, death_date."""
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return {
                row["patient_id"]: date.fromisoformat(row["death_date"])
                for row in csv.DictReader(stream)
            }
    except (OSError, UnicodeDecodeError, KeyError, ValueError, csv.Error) as error:
        raise UsageError(
            f"{path} cannot be read as a register of deaths: {error!r}",
            hint="It is a CSV file with the columns patient_id and death_date (YYYY-MM-DD).",
        ) from error
