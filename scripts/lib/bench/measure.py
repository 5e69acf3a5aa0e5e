"""What a measurement gives, and how it is taken."""

import resource
import statistics
import time
from dataclasses import dataclass, field


@dataclass
class Cost:
    """Wall-clock and CPU seconds of one thing done."""

    wall: float
    cpu: float


@dataclass
class Figure:
    """One line of the report. `value` and `plain` share the unit; times are better small, rates large."""

    name: str
    unit: str
    value: float
    plain: float | None = None
    plain_way: str = ""
    cpu_ms: float | None = None
    plain_cpu_ms: float | None = None
    # what the project wants of a machine with two cores for all of it, clients included, where rasterio reads the window
    # of 100 plain files in 110 ms
    goal: float | None = None
    notes: list[str] = field(default_factory=list)
    more: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times better than the plain way; above 1 is better."""
        if not self.plain or not self.value:
            return None
        return self.value / self.plain if self.unit.endswith("/s") else self.plain / self.value


def medians(runs: int, action, cpu_clock) -> Cost:
    """Median cost of `action(run)`, after one run that does not count."""
    action(0)
    walls, cpus = [], []
    for run in range(1, runs + 1):
        cpu, wall = cpu_clock(), time.perf_counter()
        action(run)
        walls.append(time.perf_counter() - wall)
        cpus.append(cpu_clock() - cpu)
    return Cost(statistics.median(walls), statistics.median(cpus))


def own_cpu() -> float:
    """CPU seconds of this process."""
    return time.process_time()


def children_cpu() -> float:
    """CPU seconds of the finished children of this process."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def children_peak_mb() -> float:
    """Largest memory that a finished child of this process ever had."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
