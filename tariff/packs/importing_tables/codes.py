"""Checks the codes of contract files: organisations, functions, points of delivery, tariffs."""

from __future__ import annotations

import re
from decimal import Decimal

from tariff.packs.importing_tables.sheet import Found
from tariff.packs.load import PackSet
from tariff.packs.market_forces import MarketForces
from tariff.packs.problems import did_you_mean
from tariff.schemas import MFF_UNIT

MONEY_ONLY = ("money", "passed_through")  # settings of points of delivery without activity
ANY_CODE = "OTHER"
_PROVIDER = re.compile(r"[A-Z0-9]{3,6}")
_COMMISSIONER = re.compile(r"[A-Z0-9]{3,5}")
_FUNCTION = re.compile(r"[0-9]{3}")
_HRG = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z]")


class Codes:
    """The national codes that packs hold, and what was noted of those in a file."""

    def __init__(self, packs: PackSet) -> None:
        tables = packs.by_kind("pod_codes")[0].tables
        points, aliases = tables["codes"].columns, tables["aliases"].columns
        self.titles = dict(zip(points["code"], points["title"], strict=True))
        self._settings = dict(zip(points["code"], points["setting"], strict=True))
        self._aliases = dict(zip(aliases["alias"], aliases["code"], strict=True))
        self._categories = (
            set(tables["service_categories"].columns["code"])
            if "service_categories" in tables
            else set()
        )
        self.hrgs = {
            hrg for pack in packs.by_kind("labels") for hrg in pack.tables["labels"].columns["hrg"]
        }
        self._factors = MarketForces(packs.by_kind("mff"))
        self.notes: list[str] = []

    def factor(self, provider: str, year: str) -> Decimal | None:
        """The factor of a provider in a year, where one is held."""
        held = self._factors.factors.get(provider, {}).get(year)
        return None if held is None else Decimal(held) / MFF_UNIT

    def note(self, text: str) -> None:
        """Note what is worth knowing, each thing once."""
        if text not in self.notes:
            self.notes.append(text)

    def is_money_only(self, point_of_delivery: str) -> bool:
        """Whether a point of delivery carries money and no activity."""
        return self._settings.get(point_of_delivery) in MONEY_ONLY

    def provider(self, found: Found, row: int, code: str) -> None:
        """A provider has 3 to 6 characters and is no whole organisation written with 00."""
        if not _PROVIDER.fullmatch(code):
            found.problem(row, "provider", f"'{code[:20]}' is no provider code")
        elif len(code) > 3 and code.endswith("00"):
            found.problem(
                row, "provider", f"provider {code} ends in 00", f"write {code.removesuffix('00')}"
            )

    def commissioner(self, found: Found, row: int, code: str) -> None:
        """A commissioner has 3 to 5 characters."""
        if not _COMMISSIONER.fullmatch(code):
            found.problem(row, "commissioner", f"'{code[:20]}' is no commissioner code")

    def function(self, found: Found, row: int, code: str) -> None:
        """A treatment function has three digits; a blank is none."""
        if code and not _FUNCTION.fullmatch(code):
            found.problem(row, "treatment_function", f"'{code[:20]}' is no treatment function code")

    def category(self, found: Found, row: int, code: str) -> None:
        """The category of a commissioned service is one of the list."""
        if code not in self._categories:
            found.problem(
                row,
                "service_category",
                f"'{code[:20]}' is no commissioned service category code",
                did_you_mean(code, self._categories, "categories"),
            )

    def point_of_delivery(self, found: Found, row: int, code: str, *, blank: bool = False) -> str:
        """Give the national code of a point of delivery; another spelling of one is noted."""
        if code in self.titles or (blank and not code):
            return code
        if code in self._aliases:
            self.note(f"point of delivery {code} was read as {self._aliases[code]}")
            return self._aliases[code]
        found.problem(
            row,
            "point_of_delivery",
            f"'{code[:20]}' is no point of delivery" if code else "there is no point of delivery",
            did_you_mean(code, set(self.titles), "points of delivery"),
        )
        return ""

    def tariff_code(self, found: Found, row: int, code: str, point_of_delivery: str) -> None:
        """A tariff code begins with an HRG, but for money-only points of delivery and OTHER."""
        if self.is_money_only(point_of_delivery) or point_of_delivery in ("", ANY_CODE):
            return
        if not _HRG.match(code):
            found.problem(
                row,
                "tariff_code",
                f"tariff code '{code[:20]}' of {point_of_delivery} does not begin with an HRG",
            )
        elif code[:5] not in self.hrgs:
            self.note(f"{code[:5]} is in no list of HRGs that is held")
