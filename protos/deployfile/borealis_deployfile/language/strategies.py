"""Strategies: how a new version takes over."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.shapes import Field, ListOf, Shape, Text
from borealis_deployfile.language.steps import CONDITION, STEP

CANARY: Final = Shape(
    what="a canary",
    summary="The new version takes over in steps.",
    fields=(
        Field(
            name="steps",
            type=ListOf(item=STEP),
            summary=(
                "Steps, one after the other. After the last one the new version takes over wholly; "
                "an empty list does so at once."
            ),
            example=[{"setWeight": {"weight": 25}}, {"pause": {"untilApproved": True}}],
            is_required=True,
        ),
    ),
)

BLUE_GREEN: Final = Shape(
    what="a blueGreen",
    summary="The new version starts beside the old one at full size; then all traffic is switched at once.",
    fields=(
        Field(
            name="redirectTrafficAfter",
            type=ListOf(item=CONDITION),
            summary="What must have succeeded before traffic is switched to the new version.",
            example=[{"pause": {"untilApproved": True}}],
            default="traffic is switched as soon as the new version is ready",
        ),
        Field(
            name="shutDownOldVersionAfter",
            type=ListOf(item=CONDITION),
            summary="What must have succeeded before the old version is deleted.",
            example=[{"pause": {"duration": 15, "unit": "minutes"}}],
            default="the old version is deleted at once",
            aliases=("shutdownOldVersionAfter",),
        ),
        Field(
            name="activeService",
            type=Text(),
            summary="An old place for `trafficManagement[].kubernetes[].activeService`.",
            example="shop",
            is_deprecated=True,
        ),
        Field(
            name="previewService",
            type=Text(),
            summary="An old place for `trafficManagement[].kubernetes[].previewService`.",
            example="shop-next",
            is_deprecated=True,
        ),
    ),
    hints={"shutDownOldVersion": "write `shutDownOldVersionAfter`"},
)

STRATEGY: Final = Shape(
    what="a strategy",
    summary="A named recipe: either `canary` or `blueGreen`.",
    fields=(
        Field(name="canary", type=CANARY, summary="The new version takes over in steps."),
        Field(
            name="blueGreen",
            type=BLUE_GREEN,
            summary="The new version starts at full size beside the old one, then takes all traffic at once.",
            example={"redirectTrafficAfter": [{"pause": {"untilApproved": True}}]},
        ),
    ),
    is_choice=True,
)
