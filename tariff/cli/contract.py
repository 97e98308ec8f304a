"""The options of a contract, and `tariff price` under one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariff.errors import UsageError

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    import pyarrow as pa

    from tariff.engine.policies import Policies
    from tariff.engine.price import Terms
    from tariff.packs.editions import Editions


TEXT = "contract.csv"


contract_option = click.option(
    "--contract", metavar="ID|DIR", help="A contract pack: what is payable under it."
)

ledger_option = click.option(
    "--ledger",
    "ledgers",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="contract.parquet",
    help="What another dataset left under the same contract; it is added.",
)


class PricedUnder:
    """Prices under a contract: opened before anything is read, so that a mistake costs no time."""

    def __init__(
        self,
        contract: str,
        packs: Sequence[Path],
        editions: Editions,
        history: Sequence[Path],
        ledgers: Sequence[Path],
    ) -> None:
        from tariff.engine.contract import load_contract
        from tariff.engine.contract_table import ledger_from
        from tariff.packs.compile import rulebook_of

        self.contract, held = load_contract(contract, packs)
        self._ledgers = [(path, ledger_from(path, self.contract)) for path in ledgers]
        self.rulebook = rulebook_of(held, editions)
        self.history = tuple(history)
        self.section: dict[str, Any] = {}

    def terms(self, asked: Terms) -> Terms:
        """Give the terms that spells are priced on; what was asked for must agree."""
        from tariff.engine.contract import terms_under

        return terms_under(self.contract, asked)

    def put(
        self,
        run: Any,
        dataset: str,
        table: pa.Table,
        earlier: pa.Table | None,
        policies: Policies | None = None,
    ) -> dict[str, Callable[[Path], None]]:
        """Put priced records under the contract, into the manifest; give the files to write.

        What `policies` withhold for readmissions is taken off.
        """
        from tariff.engine.contract_elsewhere import add_elsewhere
        from tariff.engine.contract_ledger import merged
        from tariff.engine.contract_table import add_ledgers, contract_section, contract_table
        from tariff.engine.contract_units import (
            ledger_of,
            money_only,
            top_ups_also_on,
            without,
        )
        from tariff.report.write import contract_files

        told = []
        parts = [table]
        if earlier is not None:
            kept = without(earlier, dataset, table)
            parts.append(kept)
            told.append(f"Records of earlier months that count: {kept.num_rows:,}.")
            if left_out := earlier.num_rows - kept.num_rows:
                told.append(f"Left out of them, because they are in the files too: {left_out:,}.")
        packs = self.rulebook.packs
        ledger = merged(
            ledger_of(
                self.contract,
                part,
                dataset,
                no_activity=money_only(packs),
                deductions=policies.withheld(part) if policies else None,
                also_on=top_ups_also_on(packs),
            )
            for part in parts
        )
        if policies is not None:
            told += add_elsewhere(self.contract, ledger, policies.charged_elsewhere())
            if policies.rated(self.contract.manifest.provider):
                told.append(
                    "What the marginal rate of --policies withholds is not in what is payable "
                    "here: a line of the form marginal_rate says so in the contract."
                )
        add_ledgers(ledger, self._ledgers)
        self.section = contract_section(self.contract, ledger)
        self.section["notices"] = [*told, *self.section["notices"]]
        run.manifest["contract"] = self.section
        return contract_files(contract_table(self.contract, ledger))

    def tell(self) -> None:
        """Print what is payable."""
        from rich.console import Console

        from tariff.report.contract import contract_summary

        contract_summary(self.section, Console(highlight=False))


def priced_under(given: dict[str, Any]) -> PricedUnder | None:
    """Take the options of a contract out of those given; None where there is no contract."""
    contract, ledgers = given.pop("contract", None), given.pop("ledgers", ())
    if contract is None:
        for name, value in (("--history", given["history"]), ("--ledger", ledgers)):
            if value and not (name == "--history" and given["policies"]):
                also = " or for policies between spells" if name == "--history" else ""
                raise UsageError(
                    f"{name} is for a contract's year to date{also}, and none is given",
                    hint="give --contract" + (" or --policies" if also else ""),
                )
        return None
    from tariff.packs.editions import parsed

    editions = parsed(given["editions"], given["tariffs"])
    return PricedUnder(contract, given["packs"], editions, given["history"], ledgers)
