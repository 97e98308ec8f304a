"""Extract files to canonical episode batches: layouts, reading, rejects, profiling.

`open_extract` and `from_arrow` are loaded when they are first asked for: the field dictionary is
used by modules that the reader itself uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tariff.extract.read import Extract, from_arrow, open_extract
    from tariff.extract.source import InputFile

__all__ = ["Extract", "InputFile", "from_arrow", "open_extract"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tariff.extract import read

    return getattr(read, name)
