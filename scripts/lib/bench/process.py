"""What the kernel tells of a process."""

import os
import time
from pathlib import Path

SCHEDULER_CLOCK = 2


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads; /proc counts in ticks of 10 ms, too coarse for one request."""
    # the clock of another process, as clock_getcpuclockid(3) makes it
    return time.clock_gettime((~pid << 3) | SCHEDULER_CLOCK)


def memory_mb(pid: int, line: str) -> float:
    """A memory line of the status: VmRSS now, VmHWM at most since the last `forget_peak`."""
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith(line + ":"):
            return int(text.split()[1]) / 1024
    raise ValueError(f"process {pid} has no {line}")


def forget_peak(pid: int) -> None:
    """Makes VmHWM start again from the memory in use."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def child_running(parent: int, program: str) -> int:
    """The child of `parent` that runs `program`."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # the name in brackets may hold spaces
            ppid = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            name = os.path.basename(os.readlink(entry / "exe"))
        except OSError:
            continue
        if ppid == parent and name == program:
            return int(entry.name)
    raise LookupError(f"no {program} below process {parent}")
