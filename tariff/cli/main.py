"""The command `tariff`: its sub-commands, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback

import click

import tariff
from tariff.errors import TariffError

COMMANDS = {
    "check": ("tariff.cli.check:check", "Group, price, match and report an extract: the main job."),
    "price": ("tariff.cli.stages:price", "Group and price an extract, and stop there."),
    "group": ("tariff.cli.stages:group", "Group an extract to HRGs, and stop there."),
    "compare": (
        "tariff.cli.compare:compare",
        "The same activity under two years, packs or editions.",
    ),
    "compare-grouping": (
        "tariff.cli.compare_grouping:compare_grouping",
        "Our groups beside those of the national grouper.",
    ),
    "explain": ("tariff.cli.explain:explain", "Explain a signature, an HRG or a spell."),
    "report": ("tariff.cli.report:report", "Render the report of a run again."),
    "pack": ("tariff.cli.pack:pack", "Check, test and describe rule packs."),
    "data": ("tariff.cli.data:data", "Profile an extract; make an artificial one."),
    "doctor": ("tariff.cli.doctor:doctor", "Show versions, the compiled core and the packs."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of the commands, the main job first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their one line, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tariff.__version__, prog_name="tariff")
def main() -> None:
    """Rules-driven tariff checks for NHS commissioning.

    tariff check EXTRACT -o FOLDER reads a month of hospital activity, prices it under the
    national tariff, checks it against signatures and writes a report the hospital can answer.
    """


def entry() -> None:
    """Run the command; every mistake ends with a message and its exit code, never a traceback."""
    signal.signal(signal.SIGTERM, _stop)  # so that what is half-written is cleared away
    sys.exit(run(sys.argv[1:]))


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def run(arguments: list[str]) -> int:
    """Run the command with arguments; give the exit code."""
    try:
        result = main.main(args=arguments, prog_name="tariff", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except TariffError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("interrupted; nothing half-written was left", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        click.echo("error: out of memory; use a smaller extract or fewer threads", err=True)
        return 2
    except Exception as error:  # our bug: say where, never what was in the data
        _bug(error)
        return 5


def _bug(error: Exception) -> None:
    place = traceback.extract_tb(error.__traceback__)[-1]
    click.echo(
        f"error: this is a mistake in tariff, not in your data: {type(error).__name__} at "
        f"{os.path.basename(place.filename)}:{place.lineno}\n"  # noqa: PTH119
        "  hint: please report it with the command and the version (tariff --version); "
        "TARIFF_DEBUG=1 prints the whole trace, which may hold patient data",
        err=True,
    )
    if os.environ.get("TARIFF_DEBUG") == "1":
        traceback.print_exception(error)
