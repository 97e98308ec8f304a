"""The options of policies between spells (docs/policies.md), and applying them to a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # imports stay out of `tariff --help`
    from tariff.engine.policies import Policies
    from tariff.engine.run import Options, Run
    from tariff.packs.local_policies import LocalPolicies


policies_option = click.option(
    "--policies",
    type=click.Path(path_type=Path),
    metavar="LOCAL.yaml",
    help="What was agreed on emergency readmissions and the marginal rate: apply both.",
)


def check_policies(given: dict[str, Any]) -> None:
    """Raise early where the local file is not one."""
    if given["policies"] is not None:
        from tariff.packs.local_policies import read_local_policies

        read_local_policies(given["policies"])


def policies_of(run: Run, options: Options, given: dict[str, Any]) -> Policies | None:
    """Apply the policies to a run where they are asked for: spells and manifest tell of them."""
    if given["policies"] is None:
        return None
    from tariff.packs.local_policies import read_local_policies

    local, sha256 = read_local_policies(given["policies"])
    found, inputs = _applied(run, options, given, local)
    run.spells = found.spells(run.spells)
    run.manifest["policies"] = {
        "local": {"file": given["policies"].name, "sha256": sha256},
        "history": inputs,
        **found.manifest(),
    }
    return found


def policies_for_page(run: Run, options: Options, given: dict[str, Any]) -> Policies:
    """Apply the policies for a page; without a local file nothing is agreed locally."""
    from tariff.packs.local_policies import LocalPolicies, read_local_policies

    local = LocalPolicies()
    if given["policies"] is not None:
        local = read_local_policies(given["policies"])[0]
    return _applied(run, options, given, local)[0]


def _applied(
    run: Run, options: Options, given: dict[str, Any], local: LocalPolicies
) -> tuple[Policies, list[dict[str, Any]]]:
    """Apply the policies to a run and its history; give the inputs of the history too."""
    from tariff.engine.history import read_history
    from tariff.engine.pipeline import Stages
    from tariff.engine.policies import apply_policies

    columns = run.columns
    assert columns is not None
    if not given["history"]:
        return apply_policies(columns.rulebook, local, columns), []
    history = read_history(
        given["history"],
        columns.rulebook,
        Stages(
            options.year,
            options.mff,
            options.price_at,
            options.threads,
            options.parts,
            terms=options.terms,
            periods=run.periods,
        ),
        layout=given["layout"],
        max_bad_rows=given["max_bad_rows"],
        extract=run.manifest["inputs"],
    )
    return apply_policies(columns.rulebook, local, columns, history.columns), history.inputs
