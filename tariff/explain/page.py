"""A page of text: headings, sentences, bullets, facts and tables, printed at most 100 columns wide.

On a terminal it is printed by rich; anywhere else it is plain text without trailing blanks. Text
of packs and files is printed as it is, never as markup.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tariff.report import safe

WIDTH = 100
INDENT = 2


@dataclass(frozen=True)
class Heading:
    """The name of a section."""

    words: str


@dataclass(frozen=True)
class Sentence:
    """A paragraph."""

    words: str


@dataclass(frozen=True)
class Bullets:
    """Items, each with its depth (0 is the outermost)."""

    items: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Facts:
    """Labels and values, one pair a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A table. Titles that begin with `>` stand above figures, those with `*` may be folded.

    `chosen` is the row that decided, which a terminal shows in bold.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chosen: int | None = None


Block = Heading | Sentence | Bullets | Facts | Grid


@dataclass
class Page:
    """A title and what stands below it."""

    title: str
    blocks: list[Block] = field(default_factory=list)

    def heading(self, words: str) -> None:
        """Begin a section."""
        self.blocks.append(Heading(words))

    def say(self, words: str) -> None:
        """Add a paragraph."""
        self.blocks.append(Sentence(words))

    def bullets(self, items: Sequence[str | tuple[int, str]]) -> None:
        """Add items; a plain text is of the outermost depth."""
        pairs = tuple(item if isinstance(item, tuple) else (0, item) for item in items)
        self.blocks.append(Bullets(pairs))

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Add labels and values."""
        self.blocks.append(Facts(tuple(rows)))

    def grid(
        self, titles: Sequence[str], rows: Sequence[Sequence[str]], chosen: int | None = None
    ) -> None:
        """Add a table."""
        self.blocks.append(Grid(tuple(titles), tuple(tuple(row) for row in rows), chosen))


def show(page: Page) -> None:
    """Print a page on standard output."""
    if sys.stdout.isatty():
        console = Console(highlight=False)
        console.width = min(WIDTH, console.width)
        for part in _parts(page, rich=True):
            console.print(part)
    else:
        sys.stdout.write(plain(page))


def plain(page: Page) -> str:
    """Give a page as plain aligned text."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=WIDTH, highlight=False, color_system=None, force_terminal=False
    )
    for part in _parts(page, rich=False):
        console.print(part)
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())


def clean(words: str) -> Text:
    """Text without control characters and line breaks."""
    return Text(safe.printable(" ".join(words.split())))


def _parts(page: Page, *, rich: bool) -> Iterator[RenderableType]:
    title = clean(page.title)
    title.stylize("bold")
    yield title
    for block in page.blocks:
        match block:
            case Heading(words):
                yield ""
                yield Text(words.upper(), style="bold") if not rich else Text(words, "bold cyan")
            case Sentence(words):
                yield _indented(clean(words))
            case Bullets(items):
                for depth, words in items:
                    yield _indented(_bullet(words), depth)
            case Facts(rows):
                yield _indented(_facts(rows))
            case Grid():
                yield _indented(_grid(block, rich=rich))


def _indented(what: RenderableType, depth: int = 0) -> Padding:
    return Padding(what, (0, 0, 0, INDENT * (depth + 1)), expand=False)


def _bullet(words: str) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("-", clean(words))
    return table


def _facts(rows: tuple[tuple[str, str], ...]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", max_width=34)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(clean(label), clean(value))
    return table


def _grid(grid: Grid, *, rich: bool) -> Table:
    table = Table(
        box=SIMPLE_HEAD if rich else None,
        padding=(0, 1, 0, 0) if rich else (0, 2, 0, 0),
        show_edge=False,
        header_style="bold",
        pad_edge=False,
    )
    for title in grid.titles:
        folds = title.startswith("*")
        table.add_column(
            Text(title.lstrip(">*")),
            justify="right" if title.startswith(">") else "left",
            no_wrap=not folds,
            overflow="fold",
            ratio=None,
        )
    for index, row in enumerate(grid.rows):
        style = "bold" if index == grid.chosen else ""
        table.add_row(*(clean(cell) for cell in row), style=style)
    return table
