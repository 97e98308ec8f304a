"""Rules-driven tariff checks for NHS commissioning.

`tariff.check(...)` and `tariff.open(...)` are the main job from Python, `tariff.compare(...)` says
what another tariff would pay; see tariff.api.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tariff.api import check, compare, open

__version__ = "0.1.0"
__all__ = ["__version__", "check", "compare", "open"]


def __getattr__(name: str) -> Any:
    """Import the Python interface when it is first asked for: `tariff --help` stays quick."""
    if name not in ("check", "compare", "open"):
        raise AttributeError(f"module 'tariff' has no attribute '{name}'")
    from tariff import api

    return getattr(api, name)
