"""Creating, listing and indexing."""

import subprocess
import time
import uuid

import rasterio

from pb import records_pb2

from . import load
from .client import index_request, new_records
from .fast import Stream
from .measure import Figure, medians
from .unary import Connection

RECORDS_PER_CALL = 1000


class Cpu:
    """CPU of the API server and of the database since it was made."""

    def __init__(self, system):
        self._system = system
        self._api, self._database = system.api_cpu(), system.postgres_cpu()

    def api_ms(self, count: int) -> float:
        """Of the API server, for each of `count` things."""
        return 1000 * (self._system.api_cpu() - self._api) / count

    def database_note(self, count: int) -> str:
        """Of the database, for each of `count` things."""
        return f"database {1000 * (self._system.postgres_cpu() - self._database) / count:.3g} ms CPU each"


def create_in_bulk(client, system, aoi_id: str, name: str, calls: int) -> Figure:
    """Records a second, a thousand in each call, beside COPY of the same rows."""
    requests = [
        new_records([(name, call * RECORDS_PER_CALL + day, aoi_id) for day in range(RECORDS_PER_CALL)])
        for call in range(calls)
    ]
    cpu, count = Cpu(system), calls * RECORDS_PER_CALL
    began = time.perf_counter()
    for request in requests:
        client.create_records(request)
    wall = time.perf_counter() - began
    api_ms, database = cpu.api_ms(count), cpu.database_note(count)
    return Figure(
        f"CreateRecords, {RECORDS_PER_CALL} per call",
        "records/s",
        count / wall,
        count / copy_in(system, aoi_id, f"{name}-copied", requests),
        "psql COPY of the same rows",
        cpu_ms=api_ms,
        goal=60_000,
        notes=[database],
    )


def copy_in(system, aoi_id: str, name: str, requests) -> float:
    """Seconds that psql takes to store the records of the requests, a transaction for each request."""
    script = []
    for request in requests:
        script.append("COPY geocube.records (id, name, datetime, tags, aoi_id) FROM STDIN;")
        for record in request.records:
            script.append(f'{uuid.uuid4()}\t{name}\t{record.time.ToDatetime()}\t"bench"=>"{name}"\t{aoi_id}')
        script.append("\\.")
    text = "\n".join(script) + "\n"
    began = time.perf_counter()
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", system.database], input=text, text=True, check=True)
    return time.perf_counter() - began


def create_singly(system, aoi_id: str, name: str, clients: int, records_each: int) -> Figure:
    """Records a second, one in each call, by several clients."""
    shares = [(system.address, f"{name}-{number}", aoi_id, records_each) for number in range(clients)]
    cpu, count = Cpu(system), clients * records_each
    result = load.run(record_calls, shares)
    return Figure(
        f"CreateRecords, 1 per call, {clients} clients",
        "records/s",
        result.per_second,
        cpu_ms=cpu.api_ms(count),
        goal=1_500,
        notes=[f"median {result.median_ms:.1f} ms, p99 {result.p99_ms:.1f} ms", cpu.database_note(count)],
    )


def record_calls(share):
    """One CreateRecords after the other."""
    address, name, aoi_id, count = share
    requests = [new_records([(name, day, aoi_id)]) for day in range(count + 1)]
    return unary_calls(address, "CreateRecords", requests)


def unary_calls(address: str, method: str, requests):
    """One call of a method after the other, once the first has been answered: a new connection to the database loads
    PostGIS, which takes longer than dozens of calls."""
    connection = Connection(address, f"/geocube.Geocube/{method}")
    first, *others = [request.SerializeToString() for request in requests]
    connection.call(first)
    return (connection.call(request) for request in others)


def list_records(system, name: str, count: int, runs: int, with_aoi: bool) -> Figure:
    """Records a second of one listing, beside a SELECT of the same columns."""
    request = records_pb2.ListRecordsRequest(tags={"bench": name}, limit=count, with_aoi=with_aoi)
    stream = Stream(system.address, "/geocube.Geocube/ListRecords", request.SerializeToString(), system.folder)
    database_cpu = system.postgres_cpu()
    cost = medians(runs, lambda _run: stream.receive(), system.api_cpu)
    database_cpu = (system.postgres_cpu() - database_cpu) / (runs + 1)
    if stream.count() != count:
        raise RuntimeError(f"{stream.count()} records listed instead of {count}")
    geometry = ", ST_AsEWKB(a.geom)" if with_aoi else ""
    select = (
        f"COPY (SELECT r.*{geometry} FROM geocube.records r JOIN geocube.aoi a ON a.id = r.aoi_id"
        f" WHERE r.tags @> hstore('bench', '{name}') ORDER BY datetime, r.id LIMIT {count}) TO STDOUT"
    )
    plain = medians(runs, lambda _run: psql_discarded(system, select), system.postgres_cpu)
    suffix = " with areas" if with_aoi else ""
    return Figure(
        f"ListRecords, {count}{suffix}",
        "records/s",
        count / cost.wall,
        count / plain.wall,
        "psql COPY (SELECT ...) TO STDOUT",
        cpu_ms=1000 * cost.cpu,
        goal=None if with_aoi else 150_000,
        notes=[f"database {1000 * database_cpu:.3g} ms CPU", f"plain: database {1000 * plain.cpu:.3g} ms CPU"],
    )


def psql_discarded(system, statement: str) -> None:
    """Runs a statement whose answer is read and dropped."""
    command = ["psql", "-q", "-v", "ON_ERROR_STOP=1", system.database, "-c", statement]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def index(client, system, name: str, instance_id: str, scenes, clients: int) -> Figure:
    """Files indexed a second, beside opening each by rasterio in as many processes."""
    aoi_id = client.create_aoi(scenes[0].bounds)
    ids = []
    for start in range(0, len(scenes), RECORDS_PER_CALL):
        days = range(start, min(start + RECORDS_PER_CALL, len(scenes)))
        ids += client.create_records(new_records([(name, day, aoi_id) for day in days]))
    work = [(str(scene.path), record_id) for scene, record_id in zip(scenes, ids)]
    parts = [work[number::clients] for number in range(clients)]
    cpu = Cpu(system)
    ours = load.run(index_calls, [(system.address, instance_id, part) for part in parts])
    api_ms, database = cpu.api_ms(len(work)), cpu.database_note(len(work))
    plain = load.run(open_calls, [[path for path, _ in part] for part in parts])
    return Figure(
        f"IndexDatasets, {clients} client{'s' if clients > 1 else ''}",
        "files/s",
        ours.per_second,
        plain.per_second,
        "rasterio.open of the same files",
        cpu_ms=api_ms,
        goal=3_000 if clients > 1 else None,
        notes=[f"median {ours.median_ms:.1f} ms, p99 {ours.p99_ms:.1f} ms", database],
    )


def index_calls(share):
    """One IndexDatasets after the other."""
    address, instance_id, work = share
    return unary_calls(address, "IndexDatasets", [index_request(path, record_id, instance_id) for path, record_id in work])


def open_calls(paths):
    """Opens one file after the other and reads what it says of itself."""

    def describe(path: str):
        with rasterio.open(path) as file:
            return file.profile

    describe(paths[0])
    return (describe(path) for path in paths)
