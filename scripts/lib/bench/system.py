"""A whole system, started by `geocube up` and stopped whatever happens."""

import http.client
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from . import process

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30


class System:
    """`geocube up` on a folder of its own; use it with `with`."""

    def __init__(self, programs: Path, folder: Path):
        self.programs = programs
        self.folder = folder
        self.database = ""
        self.address = ""
        self.api_pid = 0
        self.worker_pid = 0
        self.postgres_pid = 0
        self.start_s = 0.0
        self.stop_s = 0.0

    def __enter__(self) -> "System":
        began = time.perf_counter()
        self._log = open(self.folder / "up.log", "w")
        self._up = subprocess.Popen(
            [self.programs / "geocube", "up", "--data", self.folder / "up", "--port", "0", "--local"],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        try:
            self._wait_ready()
        except BaseException:
            self._stop()
            raise
        self.start_s = time.perf_counter() - began
        self.api_pid = process.child_running(self._up.pid, "geocube-apiserver")
        self.worker_pid = process.child_running(self._up.pid, "geocube-consolidater")
        self.postgres_pid = process.child_running(self._up.pid, "postgres")
        return self

    def __exit__(self, *_exception) -> None:
        self._stop()

    def api_cpu(self) -> float:
        """CPU seconds of the API server so far."""
        return process.cpu_seconds(self.api_pid)

    def postgres_cpu(self) -> float:
        """CPU seconds of the database server so far."""
        return process.family_cpu_seconds(self.postgres_pid)

    def query(self, statement: str) -> list[list[str]]:
        """The rows of a query."""
        command = ["psql", "-qAt", "-v", "ON_ERROR_STOP=1", self.database, "-c", statement]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        return [line.split("|") for line in answer.stdout.splitlines()]

    def worker_cpu(self) -> float:
        """CPU seconds of the consolidater so far."""
        return process.cpu_seconds(self.worker_pid)

    def _wait_ready(self) -> None:
        lines: queue.Queue = queue.Queue()

        def read() -> None:
            for line in self._up.stdout:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.address:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise RuntimeError("geocube up did not start:\n" + (self.folder / "up.log").read_text()[-2000:])
            if found := re.match(r"database=(\S+)", line):
                self.database = found[1]
            if found := re.match(r"ready grpc=(\S+)", line):
                self.address = found[1]

    def _stop(self) -> None:
        began = time.perf_counter()
        if self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
            try:
                self._up.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._up.pid, signal.SIGKILL)
                self._up.wait()
        self.stop_s = time.perf_counter() - began
        self._log.close()


def api_server_life(system: System) -> tuple[float, float, float]:
    """Starts one more API server on the same database: seconds to the first answer, idle MB, seconds to stop."""
    port = free_port()
    began = time.perf_counter()
    with open(system.folder / "life.log", "w") as log:
        server = subprocess.Popen(
            [system.programs / "geocube-apiserver", "--host=127.0.0.1", f"--port={port}", "--local"],
            env={**os.environ, "GEOCUBE_DB_CONNECTION": system.database},
            stdout=log,
            stderr=log,
        )
    try:
        first_answer(server, port)
        started = time.perf_counter() - began
        time.sleep(1)
        idle_mb = process.memory_mb(server.pid, "VmRSS")
        began = time.perf_counter()
        server.terminate()
        server.wait(STOP_TIMEOUT_S)
        return started, idle_mb, time.perf_counter() - began
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def first_answer(server: subprocess.Popen, port: int) -> None:
    """Waits until a server is there."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.001)
        finally:
            connection.close()
    raise RuntimeError("the server did not start")
