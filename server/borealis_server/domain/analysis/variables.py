"""The variables of queries that follow from the window."""

from datetime import datetime

from borealis_server.domain.analysis.evidence import Window


def window_values(window: Window) -> dict[str, str]:
    """The platform's variables that a window gives to its queries, without `armory.`."""
    return {
        **_moment("startTime", window.start),
        **_moment("endTime", window.end),
        "intervalSeconds": str(window.length_s),
        "intervalMillis": str(window.length_s * 1000),
        "promQlStepInterval": f"{window.length_s}s",
    }


def _moment(name: str, moment: datetime) -> dict[str, str]:
    seconds = round(moment.timestamp())
    return {
        f"{name}Iso8601": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        f"{name}EpochSeconds": str(seconds),
        f"{name}EpochMillis": str(seconds * 1000),
    }
