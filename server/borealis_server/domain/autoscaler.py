"""What a run remembers of an autoscaler that it takes away for a time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """A HorizontalPodAutoscaler of a workload: it is away while the run moves pods."""

    namespace: str
    name: str
    workload: str
    """Name of the workload whose pods it scales."""
    before: str = ""
    """JSON of the live object; empty when the run brings it."""
    index: int | None = None
    """Its place among the objects to apply; None when the manifests leave it as it is."""
