"""Several clients at once, each a process of its own, so that none waits for another's interpreter."""

import multiprocessing
import statistics
import time
from dataclasses import dataclass

TIMEOUT_S = 600


@dataclass
class Load:
    """What a load gave."""

    per_second: float
    median_ms: float
    p95_ms: float
    p99_ms: float


def run(prepare, shares: list) -> Load:
    """Starts one process for each share of the work.

    `prepare(share)` runs in the process and gives an iterator of calls to make; it must be importable.
    Processes begin together, once all are prepared.
    """
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(len(shares)), context.Queue()
    clients = [context.Process(target=_client, args=(prepare, share, barrier, results)) for share in shares]
    for client in clients:
        client.start()
    try:
        outcomes = [results.get(timeout=TIMEOUT_S) for _ in clients]
    finally:
        # all have given their result, unless the run is being broken off
        for client in clients:
            client.terminate()
            client.join()
    for outcome in outcomes:
        if isinstance(outcome, str):
            raise RuntimeError(outcome)
    began = min(outcome[0] for outcome in outcomes)
    ended = max(outcome[1] for outcome in outcomes)
    times = sorted(seconds for outcome in outcomes for seconds in outcome[2])
    return Load(
        per_second=len(times) / (ended - began),
        median_ms=1000 * statistics.median(times),
        p95_ms=1000 * times[min(len(times) - 1, int(0.95 * len(times)))],
        p99_ms=1000 * times[min(len(times) - 1, int(0.99 * len(times)))],
    )


def _client(prepare, share, barrier, results) -> None:
    try:
        calls = iter(prepare(share))
        barrier.wait(TIMEOUT_S)
        times, began = [], time.monotonic()
        while True:
            start = time.monotonic()
            if next(calls, None) is None:
                break
            times.append(time.monotonic() - start)
        results.put((began, time.monotonic(), times))
    except BaseException as error:  # every failure has to reach the parent
        barrier.abort()
        results.put(f"a client failed: {error!r}")
