"""The part of a spell's page that tells what validated, what did not, and what would mend it."""

from __future__ import annotations

from tariff.explain.page import Page
from tariff.explain.trace import Trace
from tariff.explain.validity import MENDS, Validity
from tariff.explain.words import field_name
from tariff.report.text import ERROR_CATEGORY, sentence_list


def tell(page: Page, trace: Trace) -> None:
    """Add the validation of each episode."""
    page.heading("Validation")
    valid = sum(not told.category for told in trace.validity)
    if valid == len(trace.validity):
        page.say(f"All {valid} episodes are valid." if valid > 1 else "The episode is valid.")
    lines = [line for i, told in enumerate(trace.validity, 1) for line in _episode(i, told)]
    if lines:
        page.bullets(lines)
    if valid < len(trace.validity):
        page.say(
            f"Tests in order: {', '.join(MENDS)}. The first that an episode fails is its category."
        )
    absent = [name for name in trace.tables.fields.mandatory if name not in trace.fields]
    if absent:
        page.say(
            "Not validated, because the extract does not carry it: "
            f"{sentence_list([field_name(name) for name in absent])}."
        )


def _episode(number: int, told: Validity) -> list[tuple[int, str]]:
    left_out = ", ".join(told.left_out)
    if not told.category:
        said = f"episode {number}: valid; left out, not valid codes: {left_out}"
        return [(0, said)] if left_out else []
    words = ERROR_CATEGORY[told.category]
    said = f"episode {number}: in error, category {told.category}: {words[0].lower()}{words[1:]}"
    return [
        (0, said),
        *((1, f"{name}: {why}") for name, why in told.fields.items()),
        *((1, why) for why in told.why),
        (1, f"what would mend it: {MENDS[told.category]}"),
        *([(1, f"not valid codes beside: {left_out}")] if left_out else []),
    ]
