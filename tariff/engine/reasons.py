"""Names of what the kernel returns as numbers."""

from __future__ import annotations

# order of bits in the `reasons` of _core/price.pyx
PRICE_REASONS = (
    "no_year",
    "tariff_not_held",
    "no_hrg",
    "hrg_not_in_tariff",
    "no_point_of_delivery",
    "no_national_price",
    "stay_unknown",
    "trim_unknown",
    "rate_unknown",
    "short_stay_not_held",
    "mff_unknown",
    "trim_of_other_edition",
    "mff_of_other_year",
    "negative_stay",
    "excluded",
    "part_excluded",
    "top_up_unknown",
    "payment_unknown",
    "mff_of_successor",  # not of the kernel: tariff.engine.price
)
# a price with one of these is not complete
_INCOMPLETE = (*PRICE_REASONS[:11], "excluded", "top_up_unknown")
INCOMPLETE = sum(1 << PRICE_REASONS.index(name) for name in _INCOMPLETE)
# the price before the factor is, without one of these
PRE_MFF_INCOMPLETE = INCOMPLETE & ~(1 << PRICE_REASONS.index("mff_unknown"))

GROUP_REASONS = (
    "",
    "diagnosis_not_mapped",
    "root_not_in_design",
    "cc_list_not_held",
    "no_split",
    "no_diagnoses",
)
# what drove: procedure, diagnosis, multiple trauma, burns, a day of one service, nothing (in error)
FLAGS = "PDMBGU"
PROCEDURE_FLAGS = "PG"  # those whose dominant code is a procedure
CATEGORIES = (
    *("", "field", "spell", "UZ01", "UZ02", "UZ03", "UZ04", "UZ05", "UZ06", "UZ15"),
    "national",  # by the national grouper alone (tariff.national.join); the core does not give it
)


def price_reason_names(bits: int) -> str:
    """Give the names of the bits that are set, space separated, in the order of the table."""
    return " ".join(name for index, name in enumerate(PRICE_REASONS) if bits >> index & 1)
