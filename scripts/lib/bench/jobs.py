"""What jobs cost beside their pixels: the rate of the embedded queue, the time of a small job, the CPU of a large one.

Ends with status 1 when a goal is missed.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from . import consolidation, data, process, report
from .client import Client
from .system import System, first_answer, free_port

# orders that the queue delivers, runs of the small job, and cells a side of the large one, whose cells are tiny
ORDERS, RUNS, CELLS = 10_000, 7, 71
QUICK_ORDERS, QUICK_RUNS, QUICK_CELLS = 1000, 2, 8
CELL_PX = 8
AT_ONCE = 8
JOB_TIMEOUT_S = 1800


@dataclass
class Judged:
    """A figure and its goal; rates are better large, everything else small."""

    name: str
    unit: str
    value: float
    goal: float
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times better than the goal; at least 1 when it is met."""
        return self.value / self.goal if self.unit.endswith("/s") else self.goal / self.value


class Sink:
    """A server that accepts every order at once, and counts them."""

    def __init__(self, wanted: int):
        self.port = free_port()
        self._wanted = wanted
        self._count = 0
        self._first = self._last = 0.0
        self._complete = threading.Event()
        self._loop = asyncio.new_event_loop()
        listening = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self._loop.run_until_complete(listening)
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def take(self) -> None:
        """Counts an order."""
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self._count += 1
        if self._count == self._wanted:
            self._complete.set()

    def rate(self, timeout_s: float) -> float:
        """Orders a second, when all of them are there."""
        if not self._complete.wait(timeout_s):
            raise RuntimeError(f"{self._count} of {self._wanted} orders were delivered in {timeout_s:.0f} s")
        return (self._count - 1) / (self._last - self._first)


class _Connection(asyncio.Protocol):
    """Requests of HTTP/1.1, each answered by 204."""

    def __init__(self, sink: Sink):
        self._sink = sink
        self._text = b""

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, received: bytes) -> None:
        self._text += received
        while b"\r\n\r\n" in self._text:
            head, _, rest = self._text.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = sum(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
            if len(rest) < length:
                return
            self._text = rest[length:]
            self._sink.take()
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Server:
    """One more program on the database of a system; stopped at the end of `with`."""

    def __init__(self, system: System, name: str, port: int, *flags, **environment):
        self._port = port
        self._log = open(system.folder / f"{name}-{port}.log", "w")
        command = [system.programs / name, "--host=127.0.0.1", f"--port={port}", *map(str, flags)]
        variables = {**os.environ, "GEOCUBE_DB_CONNECTION": system.database, **environment}
        self._process = subprocess.Popen(command, env=variables, stdout=self._log, stderr=self._log)
        self.address = f"127.0.0.1:{port}"

    def __enter__(self) -> "Server":
        try:
            first_answer(self._process, self._port)
        except RuntimeError as error:
            self._process.kill()
            raise RuntimeError(f"{error}:\n{Path(self._log.name).read_text()[-2000:]}") from None
        return self

    def __exit__(self, *_exception) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()


def queue_rate(system: System, orders: int) -> Judged:
    """Orders pushed from the embedded queue to somebody who takes them at once."""
    sink = Sink(orders)
    # that size is usual
    order = '{"v":1,"type":"consolidation","records":"' + "x" * 2000 + '"}'
    fill = f"""INSERT INTO pgq_jobs (queue_name, data, run_after, retry_waits)
               SELECT 'bench-orders', convert_to('{order}', 'UTF8'), now(), '{{}}' FROM generate_series(1, {orders})"""
    system.query(fill)
    queues = ["--eventsQueue=bench-events", "--consolidationsQueue=bench-orders", "--local"]
    queues += [f"--ingestionStorage={system.folder / 'sink'}", f"--cancelledJobs={system.folder / 'sink-cancelled'}"]
    pushing = [f"--consolidaterUrl=http://127.0.0.1:{sink.port}", f"--consolidaterTasks={AT_ONCE}"]
    api_port = free_port()
    with Server(system, "geocube-apiserver", api_port, *queues, *pushing):
        rate = sink.rate(300)
    note = f"{orders} orders of 2 kB, {AT_ONCE} at once"
    return Judged("embedded queue", "orders/s", rate, 1000, note)


def small_job(client: Client, system: System, runs: int, folder: Path, way: str) -> Judged:
    """A job of two small datasets."""
    folder.mkdir()
    figure = consolidation.pair(client, system, runs, folder)
    return Judged(f"job of two datasets, {way}", "ms", figure.value, 400, f"median of {runs}")


def over_pubsub(system: System, runs: int, folder: Path) -> Judged:
    """The same with servers of their own, which the emulator pushes to."""
    project = "geocube-emulator"
    queues = ["--eventsQueue=bench-events", "--consolidationsQueue=bench-orders"]
    api_port, worker_port = free_port(), free_port()
    cancelled = f"--cancelledJobs={folder / 'cancelled'}"
    system.query("CREATE DATABASE bench_pubsub")
    url = system.database.rsplit("/", 1)[0] + "/bench_pubsub"
    subprocess.run(
        [system.programs / "geocube", "migrate"], env={**os.environ, "GEOCUBE_DB_CONNECTION": url}, check=True, stdout=sys.stderr
    )
    database = {"GEOCUBE_DB_CONNECTION": url}
    servers = [f"--geocube-server=http://127.0.0.1:{api_port}", f"--consolidater-server=http://127.0.0.1:{worker_port}"]
    setup = [system.programs / "geocube", "pubsub-setup", *servers, *queues]
    subprocess.run(setup, check=True, stdout=sys.stderr)
    storage = f"--ingestionStorage={folder / 'files'}"
    api = ["--local", f"--project={project}", *queues, storage, cancelled]
    worker = [f"--psProject={project}", "--busy-hold=60s", queues[0], f"--workdir={folder / 'work'}", cancelled]
    with ExitStack() as running:
        server = running.enter_context(Server(system, "geocube-apiserver", api_port, *api, **database))
        running.enter_context(Server(system, "geocube-consolidater", worker_port, *worker, **database))
        client = Client(server.address)
        try:
            return small_job(client, system, runs, folder / "images", "Pub/Sub (emulator)")
        finally:
            client.close()


def bookkeeping(client: Client, system: System, cells: int, folder: Path) -> Judged:
    """A job of many tasks: CPU of the API server and of the database for each of them."""
    scenes = data.time_series(folder / "large", 1, size=cells * CELL_PX)
    variable_id, instance_id = client.create_instance("bench-large")
    client.configure_consolidation(variable_id)
    client.create_layout("bench-large", CELL_PX)
    record_ids = client.index_scenes("bench-large", instance_id, scenes)
    process.forget_peak(system.api_pid)
    idle_mb = process.memory_mb(system.api_pid, "VmRSS")
    clocks = (system.api_cpu, system.postgres_cpu, system.worker_cpu, time.perf_counter)
    before = [clock() for clock in clocks]
    client.consolidate("bench-large", instance_id, "bench-large", record_ids, JOB_TIMEOUT_S, pause_s=1)
    api, database, worker, wall = (clock() - start for clock, start in zip(clocks, before))
    tasks = cells * cells
    grown_mb = process.memory_mb(system.api_pid, "VmHWM") - idle_mb
    parts = [f"{name} {1000 * cpu / tasks:.2f}" for name, cpu in (("API server", api), ("database", database))]
    note = f"{', '.join(parts)}; beside it the worker {1000 * worker / tasks:.2f}; {wall:.0f} s in all"
    note += f"; the API server grew by {grown_mb:.0f} MB at most"
    return Judged(f"bookkeeping of {tasks} tasks", "ms CPU a task", 1000 * (api + database) / tasks, 5, note)


def table(figures: list[Judged]) -> str:
    """One line a figure; a ratio above 1 means better than the goal."""
    rows = [("figure", "value", "goal", "ratio", "")]
    for figure in figures:
        value, goal = (f"{report.number(number)} {figure.unit}" for number in (figure.value, figure.goal))
        rows.append((figure.name, value, goal, f"{figure.ratio:.2f}", figure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[4]]).rstrip() for row in rows)


def as_json(figures: list[Judged], quick: bool) -> str:
    """Everything, for a machine."""
    machine = {"system": platform.platform(), "processors": os.cpu_count()}
    entries = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return json.dumps({"machine": machine, "quick": quick, "figures": entries}, indent=2)


def measure(system: System, quick: bool, folder: Path) -> list[Judged]:
    """Every figure, shown as soon as it is there."""
    orders, runs, cells = (QUICK_ORDERS, QUICK_RUNS, QUICK_CELLS) if quick else (ORDERS, RUNS, CELLS)
    figures: list[Judged] = []

    def add(figure: Judged) -> None:
        figures.append(figure)
        print(f"  {figure.name}: {report.number(figure.value)} {figure.unit}", file=sys.stderr, flush=True)

    client = Client(system.address)
    add(small_job(client, system, runs, folder / "pair", "embedded queue"))
    if os.environ.get("PUBSUB_EMULATOR_HOST"):
        (folder / "pubsub").mkdir()
        add(over_pubsub(system, runs, folder / "pubsub"))
    else:
        print("  not measured: a job over Pub/Sub, whose emulator is absent", file=sys.stderr, flush=True)
    add(queue_rate(system, orders))
    add(bookkeeping(client, system, cells, folder))
    client.close()
    return figures


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench jobs", description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="folder of the built programs")
    parser.add_argument("--scratch", type=Path, help="where images and database go for the run (default: the system's)")
    parser.add_argument("--quick", action="store_true", help="few orders, runs and tasks: does it work?")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    if arguments.programs.resolve().name == "debug":
        print("a debug build is measured: the goals are those of a release build", file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="geocube-jobs-", dir=arguments.scratch))
    folder.chmod(0o755)  # the database runs as another user when this is root
    try:
        with System(arguments.programs.resolve(), folder) as system:
            figures = measure(system, arguments.quick, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(as_json(figures, arguments.quick) if arguments.json else table(figures))
    missed = [figure.name for figure in figures if figure.ratio < 1]
    if missed and not arguments.quick:
        sys.exit("\n".join(["goals are missed:", *missed]))


if __name__ == "__main__":
    main()
