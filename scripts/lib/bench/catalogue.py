"""Creating, listing and indexing."""

import time

import rasterio

from pb import geocube_pb2_grpc, records_pb2, version_pb2

from . import load
from .client import channel, index_request, new_records
from .measure import Figure, medians

RECORDS_PER_CALL = 1000


def create_in_bulk(client, system, aoi_id: str, name: str, calls: int) -> Figure:
    """Records a second, a thousand in each call."""
    requests = [
        new_records([(name, call * RECORDS_PER_CALL + day, aoi_id) for day in range(RECORDS_PER_CALL)])
        for call in range(calls)
    ]
    cpu, began = system.api_cpu(), time.perf_counter()
    for request in requests:
        client.create_records(request)
    wall, cpu, count = time.perf_counter() - began, system.api_cpu() - cpu, calls * RECORDS_PER_CALL
    return Figure(f"CreateRecords, {RECORDS_PER_CALL} per call", "records/s", count / wall, cpu_ms=1000 * cpu / count)


def create_singly(system, aoi_id: str, name: str, clients: int, records_each: int) -> Figure:
    """Records a second, one in each call, by several clients."""
    shares = [(system.address, f"{name}-{number}", aoi_id, records_each) for number in range(clients)]
    cpu = system.api_cpu()
    result = load.run(record_calls, shares)
    cpu = system.api_cpu() - cpu
    return Figure(
        f"CreateRecords, 1 per call, {clients} clients",
        "records/s",
        result.per_second,
        cpu_ms=1000 * cpu / (clients * records_each),
        notes=[f"median {result.median_ms:.1f} ms, p99 {result.p99_ms:.1f} ms"],
    )


def record_calls(share):
    """One CreateRecords after the other."""
    address, name, aoi_id, count = share
    stub = geocube_pb2_grpc.GeocubeStub(channel(address))
    requests = [new_records([(name, day, aoi_id)]) for day in range(count + 1)]
    stub.CreateRecords(requests.pop())
    return (stub.CreateRecords(request) for request in requests)


def list_records(client, system, name: str, count: int, runs: int, with_aoi: bool) -> Figure:
    """Records a second of one listing."""
    request = records_pb2.ListRecordsRequest(tags={"bench": name}, limit=count, with_aoi=with_aoi)

    def list_all(_run: int) -> None:
        found = sum(1 for _ in client.stub.ListRecords(request))
        if found != count:
            raise RuntimeError(f"{found} records listed instead of {count}")

    cost = medians(runs, list_all, system.api_cpu)
    suffix = " with areas" if with_aoi else ""
    return Figure(f"ListRecords, {count}{suffix}", "records/s", count / cost.wall, cpu_ms=1000 * cost.cpu)


def index(client, system, name: str, instance_id: str, scenes, clients: int) -> Figure:
    """Files indexed a second, beside opening each by rasterio in as many processes."""
    aoi_id = client.create_aoi(scenes[0].bounds)
    ids = []
    for start in range(0, len(scenes), RECORDS_PER_CALL):
        days = range(start, min(start + RECORDS_PER_CALL, len(scenes)))
        ids += client.create_records(new_records([(name, day, aoi_id) for day in days]))
    work = [(str(scene.path), record_id) for scene, record_id in zip(scenes, ids)]
    parts = [work[number::clients] for number in range(clients)]
    cpu = system.api_cpu()
    ours = load.run(index_calls, [(system.address, instance_id, part) for part in parts])
    cpu = system.api_cpu() - cpu
    plain = load.run(open_calls, [[path for path, _ in part] for part in parts])
    return Figure(
        f"IndexDatasets, {clients} client{'s' if clients > 1 else ''}",
        "files/s",
        ours.per_second,
        plain.per_second,
        "rasterio.open of the same files",
        cpu_ms=1000 * cpu / len(work),
        notes=[f"median {ours.median_ms:.1f} ms, p99 {ours.p99_ms:.1f} ms"],
    )


def index_calls(share):
    """One IndexDatasets after the other."""
    address, instance_id, work = share
    stub = geocube_pb2_grpc.GeocubeStub(channel(address))
    stub.Version(version_pb2.GetVersionRequest())
    requests = [index_request(path, record_id, instance_id) for path, record_id in work]
    return (stub.IndexDatasets(request) for request in requests)


def open_calls(paths):
    """Opens one file after the other and reads what it says of itself."""

    def describe(path: str):
        with rasterio.open(path) as file:
            return file.profile

    describe(paths[0])
    return (describe(path) for path in paths)
