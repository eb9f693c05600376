"""Durations: a number and a unit."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.shapes import Choice, Field, Shape, Whole

UNITS: Final = Choice(words=("seconds", "minutes", "hours"))
"""The units of time."""
LONGEST_S: Final = 366 * 24 * 3600
"""Longest duration that a file may ask for: a year."""

DURATION: Final = Shape(
    what="a duration",
    summary="A length of time: a number and its unit.",
    fields=(
        Field(
            name="duration",
            type=Whole(least=1),
            summary="How many of the unit.",
            example=10,
            is_required=True,
        ),
        Field(name="unit", type=UNITS, summary="The unit of time.", example="minutes", is_required=True),
    ),
    hints={"units": "write `unit`"},
)

EXPIRATION: Final = Shape(
    what="approvalExpiration",
    summary="How long to wait for an approval; after it the deployment is cancelled.",
    fields=DURATION.fields,
    hints={
        "units": "write `unit`",
        **dict.fromkeys(("requiresRoles", "requiresRole"), "move it out of approvalExpiration, beside `untilApproved`"),
    },
)
