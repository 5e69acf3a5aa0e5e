"""Searches in catalogues of several sizes: how the time of an answer grows with the number of datasets.

Ends with status 1 when a selective search is slow in the largest catalogue, grows with it, or reads a table as a whole.
"""

import argparse
import hashlib
import json
import math
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import rasterio
from rasterio.transform import from_origin

from pb import catalog_pb2, geocube_pb2_grpc, layouts_pb2, operations_pb2, records_pb2, version_pb2

from . import load
from .client import Client, channel
from .system import System

SIZES = (10_000, 100_000, 1_000_000)
CLIENTS = 8
HOT = 1
DATES = 128
DAYS = 3650
FIRST_DATE = datetime(2015, 1, 1, tzinfo=timezone.utc)
ZOOM = 12
PAGE = 1000
# the goals: of a selective search in the largest catalogue, for one client, and against the smallest
SLOWEST_P95_MS = 50
MOST_GROWTH = 3
# tables that grow with the archive, and the seconds after which PostgreSQL has counted what an idle connection read
LARGE_TABLES = ("aoi", "containers", "datasets", "records")
COUNTED_AFTER_S = 12
FIRST_JANUARY = {year: datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2019, 2020)}


class Archive:
    """What `search.sql` made."""

    def __init__(self, instance_id: str, counts: str):
        self.instance_id = instance_id
        self.datasets, self.records, self.last_place = (int(count) for count in counts.split("|"))


def fill(system: System, size: int) -> Archive:
    """Fills the catalogue of a new system on the server's side."""
    client = Client(system.address)
    _, instance_id = client.create_instance("search")
    client.close()
    image = system.folder / "world.tif"
    area = from_origin(-180, 90, 360 / 256, 180 / 256)
    profile = {"driver": "GTiff", "dtype": "uint16", "width": 256, "height": 256, "count": 1, "crs": "EPSG:4326"}
    with rasterio.open(image, "w", transform=area, **profile) as file:
        file.write(np.full((1, 256, 256), 7, "uint16"))
    script = Path(__file__).with_name("search.sql")
    given = [f"n={size}", f"instance={instance_id}", f"image={image}"]
    command = ["psql", "-q", system.database, *(word for text in given for word in ("-v", text)), "-f", script]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return Archive(instance_id, answer.stdout.splitlines()[-1])


def corner(place: int) -> tuple[int, int]:
    """West and south of a place, as in `search.sql`."""
    return place * 7919 % 360 - 180, place * 7919 // 360 * 53 % 140 - 70


def tile_of(longitude: float, latitude: float) -> tuple[int, int]:
    """Column and row of the map tile at a position."""
    north = math.asinh(math.tan(math.radians(latitude)))
    return int((longitude + 180) / 360 * 2**ZOOM), int((1 - north / math.pi) / 2 * 2**ZOOM)


def record_id(place: int, date: int) -> str:
    """The id of a record, as in `search.sql`."""
    return str(uuid.UUID(hashlib.md5(f"r{place}/{date}".encode()).hexdigest()))


def a_year(message, tags: dict[str, str]):
    """Filters on the year 2019 and on tags, within a message that has them."""
    message.from_time.FromDatetime(FIRST_JANUARY[2019])
    message.to_time.FromDatetime(FIRST_JANUARY[2020])
    message.tags.update(tags)
    return message


def area(place: int) -> records_pb2.AOI:
    """A part of a place."""
    x, y = corner(place)
    corners = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.2)]
    ring = records_pb2.LinearRing(points=[records_pb2.Coord(lon=x + dx, lat=y + dy) for dx, dy in corners])
    return records_pb2.AOI(polygons=[records_pb2.Polygon(linearrings=[ring])])


def cube(archive: Archive, place: int, **selection) -> catalog_pb2.GetCubeRequest:
    """The headers of a window of a tenth of a degree."""
    x, y = corner(place)
    return catalog_pb2.GetCubeRequest(
        instances_id=[archive.instance_id],
        crs="EPSG:4326",
        pix_to_crs=layouts_pb2.GeoTransform(a=x + 0.2, b=0.001, d=y + 0.3, f=-0.001),
        size=layouts_pb2.Size(width=100, height=100),
        headers_only=True,
        **selection,
    )


def tile(place: int) -> str:
    """What the names of the records of a place hold."""
    return f"T{place:05}"


def year_of_window(archive: Archive, place: int) -> catalog_pb2.GetCubeRequest:
    """The headers of one satellite and one year."""
    return cube(archive, place, filters=a_year(records_pb2.RecordFilters(), {"sat": "S2A"}))


def named(pattern: str):
    """A listing of the records of some names."""
    return lambda place: listing(name=pattern.format(tile=tile(place)))


def listing(**query) -> records_pb2.ListRecordsRequest:
    """One page of records."""
    return records_pb2.ListRecordsRequest(limit=PAGE, **query)


def selective(archive: Archive) -> dict:
    """Searches that find little: of each name the method, how a request for a place is made, and what it must find at
    least."""
    filters = records_pb2.RecordFilters

    def ten_seconds(place: int):
        request, time = listing(), FIRST_DATE + timedelta(days=DATES // 2 * DAYS / DATES, seconds=place)
        request.from_time.FromDatetime(time - timedelta(seconds=5))
        request.to_time.FromDatetime(time + timedelta(seconds=5))
        return request

    def ids(place: int):
        return records_pb2.RecordIdList(ids=[record_id(place, date) for date in range(50)])

    def year_of_tile(place: int):
        return catalog_pb2.ListDatasetsRequest(
            instance_id=archive.instance_id, filters=a_year(filters(), {"tile": tile(place)})
        )

    def map_tile(latitude: float, place: int):
        x, y = tile_of(corner(place)[0] + 0.5, latitude)
        found = a_year(filters(), {"sat": "S2A"})
        return catalog_pb2.GetTileRequest(
            instance_id=archive.instance_id, x=x, y=y, z=ZOOM, min=0, max=1, filters=found
        )

    def containers(place: int):
        return operations_pb2.GetContainersRequest(uris=[f"/data/{place}/{date}_0.tif" for date in range(10)])

    return {
        "GetCube headers, window, year + tag": ("GetCube", partial(year_of_window, archive), 2),
        "GetCube headers, window, all dates": ("GetCube", lambda p: cube(archive, p, filters=filters()), DATES),
        "GetCube headers, 50 record ids": ("GetCube", lambda p: cube(archive, p, records=ids(p)), 50),
        "GetXYZTile, year + tag": ("GetXYZTile", lambda p: map_tile(corner(p)[1] + 0.25, p), 1),
        "GetXYZTile, empty place": ("GetXYZTile", lambda p: map_tile(82.9, p), 0),
        "ListDatasets, tile tag + year": ("ListDatasets", year_of_tile, 1),
        "ListRecords, tile tag": ("ListRecords", lambda p: listing(tags={"tile": tile(p)}), DATES),
        "ListRecords, tag + year + area": ("ListRecords", lambda p: a_year(listing(aoi=area(p)), {"sat": "S2A"}), 1),
        "ListRecords, area": ("ListRecords", lambda p: listing(aoi=area(p)), DATES),
        "ListRecords, ten seconds": ("ListRecords", ten_seconds, 1),
        "ListRecords, name": ("ListRecords", named("S2A_20150101_{tile}_0000"), 1),
        "ListRecords, name*": ("ListRecords", named("S2A_20150101_{tile}_*"), 1),
        "ListRecords, *name": ("ListRecords", named("*_{tile}_0000"), 1),
        "GetContainers, 10 files": ("GetContainers", containers, 10),
    }


def wide(archive: Archive) -> dict:
    """Searches that find much, or must look at much."""
    last_page = (archive.records - 1) // PAGE
    return {
        "GetCube headers, place of many dates, year + tag": ("GetCube", lambda _: year_of_window(archive, HOT), 2),
        "ListRecords, *name*": ("ListRecords", named("*_{tile}_*"), DATES),
        f"ListRecords, first page of {PAGE}": ("ListRecords", lambda _: listing(), PAGE),
        f"ListRecords, last page of {PAGE}": ("ListRecords", lambda _: listing(page=last_page), 1),
    }


def things(answer) -> int:
    """Things in an answer, whatever it is."""
    match answer:
        case operations_pb2.GetContainersResponse():
            return len(answer.containers)
        case catalog_pb2.ListDatasetsResponse():
            return len(answer.records)
        case catalog_pb2.GetTileResponse():
            return 1
        case _:
            return sum(1 for _ in answer)


def search_calls(share):
    """The searches of one client, one after the other."""
    address, archive, name, seed, count = share
    method, request, least = (selective(archive) | wide(archive))[name]
    stub = geocube_pb2_grpc.GeocubeStub(channel(address))
    stub.Version(version_pb2.GetVersionRequest())
    places = random.Random(seed)
    requests = [request(places.randint(2, archive.last_place)) for _ in range(count + 1)]

    def call(request):
        try:
            answer = getattr(stub, method)(request)
        except grpc.RpcError as error:
            # an empty tile is none
            if error.code() != grpc.StatusCode.NOT_FOUND or least > 0:
                raise
            return True
        found = things(answer)
        if found < least:
            raise RuntimeError(f"{name}: {found} answers, expected {least} or more: {request}")
        return True

    call(requests.pop())
    return map(call, requests)


def scans(system: System) -> dict[str, int]:
    """How often each large table was read as a whole so far."""
    time.sleep(COUNTED_AFTER_S)
    rows = system.query("SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'geocube'")
    return {name: int(count) for name, count in rows if name in LARGE_TABLES}


def measure(system: System, archive: Archive, names, calls: int) -> dict:
    """Times and costs of some searches, for one client and for several."""
    results = {}
    for name in names:
        results[name] = {}
        for clients in (1, CLIENTS):
            shares = [(system.address, archive, name, seed, max(calls // clients, 5)) for seed in range(clients)]
            done = sum(share[-1] + 1 for share in shares)
            api, postgres = system.api_cpu(), system.postgres_cpu()
            outcome = load.run(search_calls, shares)
            results[name][clients] = {
                "p50_ms": outcome.median_ms,
                "p95_ms": outcome.p95_ms,
                "per_second": outcome.per_second,
                "api_cpu_ms": 1000 * (system.api_cpu() - api) / done,
                "postgres_cpu_ms": 1000 * (system.postgres_cpu() - postgres) / done,
            }
        say(f"  {name}: " + line(results[name]))
    return results


def line(result: dict) -> str:
    """One search: p50 / p95 of each number of clients, and CPU of both servers for one client."""
    times = ", ".join(f"{one['p50_ms']:.1f} / {one['p95_ms']:.1f}" for one in result.values())
    return f"{times} ms, CPU {result[1]['api_cpu_ms']:.1f} + {result[1]['postgres_cpu_ms']:.1f} ms"


def table(sizes: dict) -> str:
    """A row for each search, p50 / p95 of each size; times for one client, then for several."""
    columns = [f"{size:,} x{clients}" for size in sizes for clients in (1, CLIENTS)]
    rows = [["search", *columns, "growth", "CPU, API + PG"]]
    for name in next(iter(sizes.values())):
        results = [results[name] for results in sizes.values()]
        times = [f"{one['p50_ms']:.1f} / {one['p95_ms']:.1f}" for result in results for one in result.values()]
        first, last = results[0][1], results[-1][1]
        growth = f"{last['p50_ms'] / first['p50_ms']:.1f}"
        rows.append([name, *times, growth, f"{last['api_cpu_ms']:.1f} + {last['postgres_cpu_ms']:.1f}"])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def missed(sizes: dict, names: list[str]) -> list[str]:
    """What falls short of the goals of some searches; there are none for a catalogue of one size."""
    texts = []
    if len(sizes) == 1:
        return texts
    smallest, *_, largest = sizes.values()
    for name in names:
        first, last = smallest[name][1], largest[name][1]
        growth = last["p50_ms"] / first["p50_ms"]
        if last["p95_ms"] > SLOWEST_P95_MS:
            texts.append(f"{name}: p95 {last['p95_ms']:.1f} ms, goal {SLOWEST_P95_MS}")
        if growth > MOST_GROWTH:
            texts.append(f"{name}: {growth:.1f} times the time of the smallest catalogue, goal {MOST_GROWTH}")
    return texts


def say(text: str) -> None:
    """Progress; the figures alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench search", description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="folder of the built programs")
    parser.add_argument("--scratch", type=Path, help="where the databases go for the run: 2 GB for the largest")
    numbers = lambda text: [int(number) for number in text.split(",")]
    parser.add_argument("--sizes", type=numbers, default=SIZES, help="datasets of each catalogue")
    parser.add_argument("--calls", type=int, default=200, help="calls of each search, shared by the clients")
    parser.add_argument("--quick", action="store_true", help="one small catalogue and few calls: does it work?")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sizes, calls = (([2_000], 16) if arguments.quick else (arguments.sizes, arguments.calls))

    results, goals = {}, []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="geocube-search-", dir=arguments.scratch) as folder:
            # the database runs as another user when this is root
            Path(folder).chmod(0o755)
            with System(arguments.programs.resolve(), Path(folder)) as system:
                say(f"filling a catalogue with {size:,} datasets")
                archive = fill(system, size)
                before = scans(system)
                found = measure(system, archive, selective(archive), calls)
                read = [name for name, count in scans(system).items() if count > before[name]]
                goals = [f"{name} is read as a whole by searches that find little" for name in read]
                results[size] = found | measure(system, archive, wide(archive), calls)
    goals += missed(results, list(found))
    print(json.dumps(results, indent=2) if arguments.json else table(results))
    if goals and not arguments.quick:
        sys.exit("\n".join(["goals are missed:", *goals]))


if __name__ == "__main__":
    main()
