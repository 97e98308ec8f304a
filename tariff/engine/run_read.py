"""The reading of a run: every file grouped, priced and put under one numbering."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tariff.engine.columns import SpellColumns
from tariff.engine.other_columns import OtherColumns, other_block
from tariff.engine.other_outcome import PriceOptions
from tariff.engine.pipeline import Priced, Stages, empty_frame, read_frame, run_stages
from tariff.engine.record_keys import Newer
from tariff.engine.record_set import Block, RecordSet
from tariff.engine.register_columns import RegisterColumns
from tariff.engine.run_inputs import Given, check_months
from tariff.errors import DataError
from tariff.extract import Extract
from tariff.packs.compile import Rulebook


@dataclass
class Read:
    """What was read. The spells of the extract are the first block, and may be none."""

    priced: Priced
    records: RecordSet
    past: SpellColumns | None = None  # of the history
    blank: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @property
    def columns(self) -> SpellColumns:
        """The spells of the extract."""
        return self.priced.columns

    def others(self, source: str = "extract") -> dict[str, OtherColumns]:
        """Give the other care of a source by kind."""
        return {
            block.kind: block
            for block in self.records.blocks
            if isinstance(block, OtherColumns) and block.source == source
        }


class Reader:
    """Reads what a run was given, source by source."""

    def __init__(self, rulebook: Rulebook, stages: Stages) -> None:
        self._rulebook = rulebook
        self._stages = stages
        self._options = PriceOptions(stages.year, stages.mff)
        self._blank: dict[tuple[str, str], frozenset[str]] = {}
        self._past: SpellColumns | None = None

    def read(self, given: Given) -> Read:
        """Read everything. DataError and UsageError for what is wrong with the files."""
        blocks: list[Block] = []
        notices: list[str] = []
        extracts = given.of("extract")
        spells = extracts.pop("spells", None)
        priced = self._spells("extract", spells, self._stages)
        blocks.append(priced.columns)
        blocks += [self._other("extract", kind, extract) for kind, extract in extracts.items()]
        ours = {block.kind: block for block in blocks}
        # the national grouper's answer and dated periods are of the extract alone
        plain = replace(self._stages, answer=None, keys=None, periods=None)
        for source in ("history", "national", "earlier"):
            for kind, extract in given.of(source).items():
                newer = Newer(ours[kind]) if source == "history" and kind in ours else None
                block = self._beside(source, kind, extract, plain, newer)
                if block is not None:
                    blocks.append(block)
                if newer is not None and newer.left_out:
                    notices.append(
                        f"Rows of the history that the {kind.replace('_', ' ')} hold too, of the "
                        f"same month, and that were left out: {newer.left_out:,}."
                    )
        blocks += [RegisterColumns(item.name, item.table) for item in given.registers]
        given.refuse_same_files()
        records = RecordSet(blocks)
        check_months(given, records)
        return Read(priced, records, self._past, self._blank, notices)

    def _beside(
        self, source: str, kind: str, extract: Extract, stages: Stages, newer: Newer | None
    ) -> Block | None:
        """Read records that are matched against; None where the extract holds all of them."""
        if newer is not None:
            extract.keep = newer.keep
        if kind != "spells":
            try:
                return self._other(source, kind, extract)
            except DataError:
                if newer is None or newer.kept or not newer.left_out:
                    raise
                return None
        columns = self._spells(source, extract, stages, may_be_empty=newer is not None).columns
        if source == "history":
            self._past = columns
        return columns if len(columns) else None

    def _spells(
        self, source: str, extract: Extract | None, stages: Stages, *, may_be_empty: bool = False
    ) -> Priced:
        if extract is None:
            frame = empty_frame()
        else:
            frame = read_frame(extract.batches(), extract.fields, may_be_empty=may_be_empty)
            self._blank[source, "spells"] = frame.blank_fields()
        return run_stages(self._rulebook, frame, stages, source)

    def _other(self, source: str, kind: str, extract: Extract) -> OtherColumns:
        block = other_block(extract, self._rulebook, self._options, source)
        self._blank[source, kind] = block.blank_fields()
        return block
