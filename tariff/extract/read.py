"""Open an extract and read it in batches: the one way into the engine.

extract = open_extract(["april.csv", "may.parquet"])
for batch in extract.batches():      # pyarrow.RecordBatch, canonical columns
    ...
extract.rejects, extract.inputs      # complete now
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from tariff.errors import DataError, UsageError
from tariff.extract.columnar import ArrowSource
from tariff.extract.fields import DATASETS, datasets_of, in_order
from tariff.extract.join import open_tables
from tariff.extract.layout import Layout, find_layout, plain, shipped_layouts
from tariff.extract.plan import Converted, Plan, batch_schema
from tariff.extract.rejects import Rejects
from tariff.extract.resolve import (
    CANONICAL,
    Candidate,
    OpenFile,
    canonical_columns,
    look,
    open_file,
    recognise,
)
from tariff.extract.source import InputFile, Task, shown
from tariff.extract.values import Reading

StrPath = str | os.PathLike[str]
Keep = Callable[[pa.RecordBatch], pa.RecordBatch]
Progress = Callable[[int, int], None]  # bytes read so far, bytes in all

MAX_BAD_ROWS = 0.05
MAX_WORKERS = 4
SUFFIXES = {".csv", ".tsv", ".txt", ".gz", ".parquet", ".pq", ".xlsx"}


class Extract:
    """Records in canonical columns, from files of one layout or from a dataframe.

    `fields` are the canonical columns the files carry, even where all blank. `inputs`, `rejects`,
    `rows_read` (rejects included) and `rows_rejected` are complete once `batches()` is exhausted.
    """

    def __init__(
        self,
        files: list[OpenFile],
        *,
        max_bad_rows: float = MAX_BAD_ROWS,
        progress: Progress | None = None,
        total_bytes: int = 0,
    ) -> None:
        self._files = files
        self._max_bad_rows = max_bad_rows
        self._progress = progress
        self._total = total_bytes
        self._rejects = Rejects()
        self._later: list[str] = []
        self.dataset = files[0].dataset
        names = {column.name for file in files for column in file.columns}
        self._names = in_order(names, self.dataset)
        self.fields = frozenset(names)
        self.layout_id = files[0].layout_id
        self.inputs: list[InputFile] = []
        self.rows_read = 0
        self.keep: Keep | None = None  # leaves rows out that were read, such as those held already
        for file in files:
            absent = names - {column.name for column in file.columns}
            if absent:
                listed = ", ".join(in_order(absent, self.dataset))
                file.notices.append(f"{file.source.name}: has no {listed}")

    @property
    def schema(self) -> pa.Schema:
        """The schema of every batch."""
        return batch_schema(self._names, self.dataset)

    @property
    def rejects(self) -> pa.Table:
        """Rejected rows (tariff.schemas.REJECTS), by file and line."""
        return self._rejects.table()

    @property
    def rows_rejected(self) -> int:
        """How many rows were rejected so far."""
        return self._rejects.rows

    @property
    def notices(self) -> list[str]:
        """Sentences for the report: what was assumed and what was passed over."""
        return [notice for file in self._files for notice in file.notices] + self._later

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in the order of the files. DataError for a broken file, for no rows at all,
        and at the end for more rejects than allowed.
        """
        self._rejects = Rejects()
        self._later = []
        self.inputs = []
        self.rows_read = 0
        index = 0
        for file in self._files:
            rows = blank = 0
            self._rejects.start(file.source.name)
            plan = Plan(
                file.columns, file.reading, self._names, file.source.name, index, self.dataset
            )
            for converted in self._converted(file, plan):
                kept = converted.batch.num_rows
                rows += kept + converted.rows_bad
                self.rows_read += kept + converted.rows_bad
                blank += converted.rows_blank
                self._rejects.add(converted.bad, converted.rows_bad)
                if kept:
                    yield converted.batch if self.keep is None else self.keep(converted.batch)
            inputs = file.source.inputs(rows)
            self.inputs += inputs
            index += len(inputs)
            self._later += file.source.finish()
            if blank:
                self._later.append(f"{file.source.name}: {blank:,} blank lines passed over")
            if not rows and len(self._files) > 1:
                self._later.append(f"{file.source.name}: has no rows")
        if not self.rows_read:
            names = ", ".join(file.source.name for file in self._files)
            raise DataError(
                f"{names}: there are no rows below the header", hint="is it the right extract?"
            )
        self._rejects.check(self.rows_read, self._max_bad_rows)

    def _converted(self, file: OpenFile, plan: Plan) -> Iterator[Converted]:
        """The batches of one file, converted in threads, in order."""
        workers = max(1, min(MAX_WORKERS, pa.cpu_count()))

        def run(task: Task) -> list[Converted]:
            return [plan.convert(raw) for raw in task()]

        pending: deque[Future[list[Converted]]] = deque()
        tasks = file.source.tasks(plan.sources, self._advance())
        executor = ThreadPoolExecutor(workers, thread_name_prefix="tariff-read")
        try:
            for task in tasks:
                pending.append(executor.submit(run, task))
                if len(pending) > workers + 1:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def _advance(self) -> Callable[[int], None]:
        if self._progress is None:
            return lambda count: None
        progress, total = self._progress, self._total
        done = sum(source.bytes for source in self.inputs)

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress(done, total)

        return advance


def open_extract(
    paths: StrPath | Sequence[StrPath],
    layout: StrPath | Layout | None = None,
    max_bad_rows: float = MAX_BAD_ROWS,
    progress: Progress | None = None,
    dataset: str = "episodes",
) -> Extract:
    """Files of one layout and dataset, read one after another as given.

    `layout` is an id, a YAML file, an RDF file of the national grouper or None: then each header
    is recognised. A layout of several tables takes its files in any order, or their folder.
    UsageError for an unknown layout, PackError for an invalid one, DataError for the files.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise UsageError("no files are given", hint="name at least one extract file")
    if not 0 <= max_bad_rows <= 1:
        raise UsageError("--max-bad-rows is a share from 0 to 1", hint="0.05 is five in a hundred")
    chosen = None if layout is None else find_layout(layout)
    if chosen is not None and chosen.dataset != dataset:
        raise UsageError(
            f"layout {chosen.id} is of {chosen.dataset}, not of {dataset}",
            hint="`tariff check`, `tariff group` and `tariff price` read other datasets too",
        )
    named = [(Path(path), shown(path)) for path in given]
    tables = _table_files(named, chosen) if dataset == "episodes" else None
    if tables is not None:
        several, candidates = tables
        files = [open_tables(several, candidates)]
    else:
        candidates = [look(path, name, chosen) for path, name in named]
        files = [
            open_file(
                candidate, chosen if chosen is not None else recognise(candidate, dataset), dataset
            )
            for candidate in candidates
        ]
        _same_layout(files)
    return Extract(
        files,
        max_bad_rows=max_bad_rows,
        progress=progress,
        total_bytes=sum(candidate.path.stat().st_size for candidate in candidates),
    )


def dataset_of(path: StrPath, layout: StrPath | Layout | None = None) -> str:
    """Say of which dataset a file is: what its layout says, else what its columns are.

    UsageError where its columns fit several; a header in other names is taken as episodes, whose
    reader says what is wrong with it.
    """
    if layout is not None:
        return find_layout(layout).dataset
    if Path(path).is_dir():
        return "episodes"
    header = look(Path(path), shown(path)).header
    fitting = datasets_of({plain(name) for name in header}) or ["episodes"]
    if len(fitting) > 1:
        raise UsageError(
            f"{shown(path)}: its columns are those of {' and of '.join(fitting)}",
            hint=f"say with --dataset which it is; datasets: {', '.join(DATASETS)}",
        )
    return fitting[0]


def from_arrow(
    data: Any,
    max_bad_rows: float = MAX_BAD_ROWS,
    progress: Progress | None = None,
    dataset: str = "episodes",
) -> Extract:
    """A dataframe with canonical column names: anything with `__arrow_c_stream__`.

    UsageError for anything else; DataError where a mandatory column is missing.
    """
    source = ArrowSource(data)
    columns = canonical_columns(source.name, source.header, dataset)
    file = OpenFile(source, CANONICAL, columns, Reading(), dataset=dataset)
    return Extract([file], max_bad_rows=max_bad_rows, progress=progress)


def _table_files(
    named: list[tuple[Path, str]], layout: Layout | None
) -> tuple[Layout, list[Candidate]] | None:
    """The files of a layout of several tables, a folder unfolded; None for any other."""
    if layout is not None and not layout.tables:
        return None
    folder = any(path.is_dir() for path, _ in named)
    if layout is None and not folder and len(named) == 1:
        return None
    files: list[tuple[Path, str]] = []
    for path, name in named:
        if path.is_dir():
            inside = sorted(path.iterdir())
            files += [(one, shown(one)) for one in inside if one.suffix.lower() in SUFFIXES]
        else:
            files.append((path, name))
    candidates = []
    for path, name in files:
        try:
            candidates.append(look(path, name, layout))
        except DataError:
            if layout is not None:
                raise
    for known in [layout] if layout else shipped_layouts().values():
        if known.tables and any(known.table_of(candidate.header) for candidate in candidates):
            return known, candidates
    if layout is None:
        return None
    raise DataError(
        f"none of the files is a table of layout {layout.id}",
        hint=f"it has the tables {', '.join(layout.tables)}; {layout.title}",
    )


def _same_layout(files: list[OpenFile]) -> None:
    first = files[0]
    for file in files[1:]:
        if file.layout_id != first.layout_id:
            raise DataError(
                f"{first.source.name} has layout {first.layout_id}, "
                f"{file.source.name} has layout {file.layout_id}",
                hint="read files of different layouts in separate runs",
            )
