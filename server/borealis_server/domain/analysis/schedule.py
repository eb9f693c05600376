"""When an analysis asks, and which time it asks about."""

from datetime import datetime, timedelta

from borealis_server.domain.analysis.evidence import Window
from borealis_server.domain.analysis.plan import AnalysisPlan


def first_start(plan: AnalysisPlan, started_at: datetime) -> datetime:
    """Where the first window begins: the start of the step and its delay, on the next full second."""
    start = started_at + timedelta(seconds=plan.initial_delay_s)
    return start if start.microsecond == 0 else start.replace(microsecond=0) + timedelta(seconds=1)


def window(plan: AnalysisPlan, started_at: datetime, number: int) -> Window:
    """The time that judgement `number`, from 1, looks at."""
    start, interval = first_start(plan, started_at), timedelta(seconds=plan.interval_s)
    end = start + number * interval
    return Window(start=start if plan.is_growing else end - interval, end=end)


def asks_at(plan: AnalysisPlan, started_at: datetime, number: int) -> datetime:
    """When judgement `number`, from 1, is made: behind its window by as much as the provider needs to collect."""
    return window(plan, started_at, number).end + timedelta(seconds=plan.scrape_delay_s)
