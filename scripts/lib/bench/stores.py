"""Cubes of remote files behind a slow network, beside GDAL's own handlers: `scripts/bench stores`.

Emulators of Google Cloud Storage and S3 stand behind a proxy whose answers come late. Every run is cold: a new
downloader, a new process for GDAL. Ends with status 1 when a cube takes more requests than planned or the cube of COGs is
not three times as fast as by GDAL's handler, one file after the other; the second is not judged with --quick."""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from rasterio import open as open_raster

from pb import catalog_pb2, datasetMeta_pb2, geocubeDownloader_pb2_grpc, layouts_pb2, records_pb2

from . import consolidation, data, latency, report
from .client import FIRST_DAY, FORMAT, NEAREST, Client, channel
from .measure import Figure
from .system import START_TIMEOUT_S, STOP_TIMEOUT_S, System

SIZE_PX = 256
BUCKET = "bench-bucket"
THREADS = 16
# of the block cache of remote reads: bytes of a block, blocks that one request asks for at most
BLOCK = 1 << 20
BLOCKS_PER_REQUEST = 8
FASTER = 3
SEND_TIMEOUT_S = 60
KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@dataclass
class Files:
    """What lies in the bucket: a file a date, and all dates in one file."""

    cogs: list[Path]
    mucog: Path


@dataclass
class Store:
    """A store behind the slow network."""

    name: str
    scheme: str
    near: str
    far: str
    handler: str
    server_flags: list[str]
    environment: dict[str, str]

    def take_counts(self) -> dict[str, int]:
        """Requests and bytes since the last call."""
        with urllib.request.urlopen(f"http://{self.far}{latency.COUNTS}") as answer:
            return json.load(answer)


@dataclass
class Cube:
    """Images to read, given as URI and sub-dataset, their checksums, and the files that hold them."""

    sources: list[tuple[str, str]]
    sums: list[int]
    files: list[Path]


class Far:
    """The slow network before an emulator; use it with `with`."""

    def __init__(self, near: str, latency_ms: float):
        self._near, self._latency_ms = near, latency_ms

    def __enter__(self) -> str:
        command = [sys.executable, "-m", "bench.latency", "--upstream", self._near]
        command += ["--latency-ms", str(self._latency_ms)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return f"127.0.0.1:{self._process.stdout.readline().strip()}"

    def __exit__(self, *_exception) -> None:
        self._process.terminate()
        self._process.wait()


class Downloader:
    """A downloader that has read nothing yet; use it with `with`."""

    def __init__(self, programs: Path, folder: Path, store: Store):
        self._program, self._folder, self._store = programs / "geocube-downloader", folder, store

    def __enter__(self) -> geocubeDownloader_pb2_grpc.GeocubeDownloaderStub:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._log = open(self._folder / "downloader.log", "a")
        command = [self._program, "--host=127.0.0.1", f"--port={port}", f"--workdir={self._folder}", *self._store.server_flags]
        self._process = subprocess.Popen(command, env={**os.environ, **self._store.environment}, stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._folder / "downloader.log").read_text()[-2000:])
            time.sleep(0.01)
        self._channel = channel(f"127.0.0.1:{port}")
        grpc.channel_ready_future(self._channel).result(START_TIMEOUT_S)
        return geocubeDownloader_pb2_grpc.GeocubeDownloaderStub(self._channel)

    def __exit__(self, *_exception) -> None:
        self._channel.close()
        self._process.terminate()
        self._process.wait(STOP_TIMEOUT_S)
        self._log.close()


def answers(port: int) -> bool:
    """Whether somebody speaks HTTP there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def request(sources: list[tuple[str, str]]) -> catalog_pb2.GetCubeMetadataRequest:
    """The request of a cube with one image of each source, given as URI and sub-dataset."""
    metas, records = [], []
    for uri, subdir in sources:
        meta = datasetMeta_pb2.InternalMeta(
            container_uri=uri, container_subdir=subdir, bands=[1], dformat=FORMAT,
            range_min=FORMAT.min_value, range_max=FORMAT.max_value, exponent=1,
        )
        metas.append(datasetMeta_pb2.DatasetMeta(internalsMeta=[meta]))
        record = records_pb2.Record(id=str(uuid.uuid4()), aoi_id=str(uuid.uuid4()), name=uri + subdir)
        record.time.FromDatetime(FIRST_DAY)
        records.append(records_pb2.GroupedRecords(records=[record]))
    left, top = data.ORIGIN
    return catalog_pb2.GetCubeMetadataRequest(
        datasets_meta=metas, grouped_records=records, ref_dformat=FORMAT, resampling_alg=NEAREST, crs=data.CRS,
        pix_to_crs=layouts_pb2.GeoTransform(a=left, b=data.RESOLUTION_M, d=top, f=-data.RESOLUTION_M),
        size=layouts_pb2.Size(width=SIZE_PX, height=SIZE_PX),
    )


def cube_sums(stub, sources) -> list[int]:
    """The checksum of each image."""
    images: list[list[bytes]] = []
    for response in stub.DownloadCube(request(sources)):
        kind = response.WhichOneof("response")
        if kind == "header":
            if response.header.error:
                raise RuntimeError(response.header.error)
            images.append([response.header.data])
        elif kind == "chunk":
            images[-1].append(response.chunk.data)
    return [int(np.frombuffer(b"".join(parts), np.uint16).sum()) for parts in images]


def ours(programs: Path, folder: Path, store: Store, sources, expected) -> dict[str, float]:
    """A cube of the sources by a downloader that knows none of them."""
    with Downloader(programs, folder, store) as stub:
        store.take_counts()
        began = time.perf_counter()
        sums = cube_sums(stub, sources)
        wall = time.perf_counter() - began
    if sums != expected:
        raise RuntimeError(f"{store.name}: a cube has other pixels than its files")
    return {"wall": wall, **store.take_counts()}


def plain(store: Store, sources, threads: int, expected) -> dict[str, float]:
    """The same windows by GDAL's own handler."""
    prefix = f"{store.scheme}://"
    paths = [uri.replace(prefix, f"/{store.handler}/", 1) for uri, _ in sources]
    names = [f"{subdir}:{path}" if subdir else path for path, (_, subdir) in zip(paths, sources)]
    options = json.dumps({"names": names, "threads": threads, "size": SIZE_PX})
    store.take_counts()
    done = subprocess.run(
        [sys.executable, "-m", "bench.plain_remote", options],
        env={**os.environ, **store.environment}, stdout=subprocess.PIPE, text=True, check=True,
    )
    found = json.loads(done.stdout)
    if found["sums"] != expected:
        raise RuntimeError(f"{store.name}: GDAL reads other pixels")
    return {"wall": found["wall"], **store.take_counts()}


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    """The medians of what was measured."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def planned(store: Store, files: list[Path]) -> int:
    """Requests for all bytes of some files: one for the first block of each, and one for each run of the others."""
    requests = 0
    for path in files:
        more = (path.stat().st_size - 1) // BLOCK
        requests += 1 + -(-more // BLOCKS_PER_REQUEST)
        # with the first bytes the emulator of Google tells no size, which the service does
        requests += 1 if more and store.scheme == "gs" else 0
    return requests


def figure(name: str, cube: Cube, programs: Path, folder: Path, store: Store, runs: int, latency_ms: float) -> Figure:
    """A cube, by us, by GDAL one after the other, and by GDAL on many threads."""
    sources, expected = cube.sources, cube.sums
    own = median([ours(programs, folder, store, sources, expected) for _ in range(runs)])
    single = median([plain(store, sources, 1, expected) for _ in range(runs)])
    plan = planned(store, cube.files)
    notes = [f"{latency_ms:.0f} ms", f"{tell('geocube', own)}, {plan} planned", tell("GDAL", single)]
    more = {"latency_ms": latency_ms, "requests": own["requests"], "planned_requests": plan, "plain_requests": single["requests"]}
    if len(sources) > 1:
        many = median([plain(store, sources, THREADS, expected) for _ in range(runs)])
        more |= {"threads": THREADS, "threaded_ms": 1000 * many["wall"], "threaded_ratio": many["wall"] / own["wall"]}
        notes.append(f"{tell(f'GDAL on {THREADS} threads', many)}, {more['threaded_ms']:.0f} ms, ratio {more['threaded_ratio']:.2f}")
    way = f"rasterio, /{store.handler}/"
    return Figure(f"{store.name}: {name}", "ms", 1000 * own["wall"], 1000 * single["wall"], way, notes=notes, more=more)


def missed(figures: list[Figure], quick: bool) -> list[str]:
    """What falls short of the goals."""
    texts = []
    for found in figures:
        requests, plan = found.more["requests"], found.more["planned_requests"]
        if requests > plan:
            texts.append(f"{found.name}: {requests:.0f} requests, {plan} planned")
        if not quick and found.name.endswith("COGs") and found.ratio < FASTER:
            texts.append(f"{found.name}: {found.ratio:.2f} times as fast as GDAL, {FASTER} wanted")
    return texts


def tell(who: str, cost: dict[str, float]) -> str:
    """Requests and bytes of a way."""
    return f"{who}: {cost['requests']:.0f} requests, {cost['bytes'] / 1e6:.1f} MB"


def make(programs: Path, folder: Path, dates: int) -> Files:
    """The same dates as a COG each and, consolidated by a system of its own, in one file."""
    scenes = data.time_series(folder / "series", dates, SIZE_PX)
    with System(programs, folder) as system:
        client = Client(system.address)
        variable_id, instance_id = client.create_instance("bench-stores")
        record_ids = client.index_scenes("bench-stores", instance_id, scenes)
        client.configure_consolidation(variable_id)
        client.create_layout("bench-stores", SIZE_PX)
        client.consolidate("bench-stores", instance_id, "bench-stores", record_ids, consolidation.TIMEOUT_S)
        client.close()
        written = [path for path in (folder / "up" / "data").rglob("*") if path.is_file()]
        if len(written) != 1:
            raise RuntimeError(f"{len(written)} consolidated files instead of one")
        mucog = folder / "mucog.tif"
        shutil.copy(written[0], mucog)
    _, cogs = consolidation.cogs(scenes, folder / "cogs")
    return Files([scene.path for scene in cogs], mucog)


def upload(store: Store, files: Files) -> None:
    """Everything into a new bucket, past the slow network."""
    if store.scheme == "gs":
        post = {"data": json.dumps({"name": BUCKET}).encode(), "headers": {"Content-Type": "application/json"}}
        send(f"http://{store.near}/storage/v1/b", "POST", **post)
    else:
        send(f"http://{store.near}/{BUCKET}", "PUT")
    for path in [*files.cogs, files.mucog]:
        if store.scheme == "gs":
            target = f"http://{store.near}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={path.name}"
            send(target, "POST", path.read_bytes())
        else:
            send(f"http://{store.near}/{BUCKET}/{path.name}", "PUT", path.read_bytes())


def send(url: str, method: str, data: bytes = b"", headers: dict | None = None) -> None:
    """A request that must succeed."""
    # without a type the content would be sent as that of a form, which an emulator reads before it looks at it
    headers = {"Content-Type": "image/tiff"} | (headers or {})
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=SEND_TIMEOUT_S):
        pass


def sums_of(files: Files) -> list[int]:
    """The checksums of the dates."""
    sums = []
    for path in files.cogs:
        with open_raster(path) as file:
            sums.append(int(file.read(1).sum()))
    return sums


def stores(far_gcs: str, far_s3: str) -> list[Store]:
    """Both emulators, behind the slow network."""
    near_gcs = os.environ["GEOCUBE_TEST_GCS"]
    near_s3 = os.environ["GEOCUBE_TEST_S3"].removeprefix("http://")
    gcs = {"STORAGE_EMULATOR_HOST": far_gcs, "CPL_GS_ENDPOINT": f"http://{far_gcs}/", "GS_NO_SIGN_REQUEST": "YES"}
    s3 = {**KEYS, "AWS_S3_ENDPOINT": far_s3, "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE"}
    return [
        Store("gs", "gs", near_gcs, far_gcs, "vsigs", ["--with-gcs"], gcs),
        Store("s3", "s3", near_s3, far_s3, "vsis3", ["--with-s3", f"--aws-endpoint=http://{far_s3}"], s3),
    ]


def measure(arguments, folder: Path) -> list[Figure]:
    """Every figure."""
    programs, quick = arguments.programs.resolve(), arguments.quick
    dates, runs = (10, 1) if quick else (100, 5)
    files = make(programs, folder, dates)
    expected = sums_of(files)
    near_s3 = os.environ["GEOCUBE_TEST_S3"].removeprefix("http://")
    figures: list[Figure] = []
    uploaded = False
    for latency_ms in arguments.latency_ms:
        with Far(os.environ["GEOCUBE_TEST_GCS"], latency_ms) as gcs, Far(near_s3, latency_ms) as s3:
            for store in stores(gcs, s3):
                if not uploaded:
                    upload(store, files)
                cogs = [(f"{store.scheme}://{BUCKET}/{path.name}", "") for path in files.cogs]
                mucog = f"{store.scheme}://{BUCKET}/{files.mucog.name}"
                records = [(mucog, f"GTIFF_DIR:{number}") for number in range(1, dates + 1)]
                for name, cube in [
                    ("one COG", Cube(cogs[:1], expected[:1], files.cogs[:1])),
                    (f"cube of {dates} COGs", Cube(cogs, expected, files.cogs)),
                    (f"cube of a MuCOG of {dates} records", Cube(records, expected, [files.mucog])),
                ]:
                    found = figure(name, cube, programs, folder, store, runs, latency_ms)
                    print(f"  {found.name}: {report.number(found.value)} ms, {found.notes}", file=sys.stderr, flush=True)
                    figures.append(found)
            uploaded = True
    return figures


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench stores", description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="folder of the built programs")
    parser.add_argument("--scratch", type=Path, help="where the images go for the run (default: the system's)")
    parser.add_argument("--quick", action="store_true", help="few dates and runs: does it work?")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[20, 50], help="how late answers come")
    arguments = parser.parse_args()
    if not os.environ.get("GEOCUBE_TEST_GCS"):
        sys.exit("the emulators of object stores cannot be had here")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="geocube-bench-", dir=arguments.scratch))
    folder.chmod(0o755)
    try:
        figures = measure(arguments, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.as_json(figures, arguments.quick) if arguments.json else report.table(figures))
    if texts := missed(figures, arguments.quick):
        sys.exit("\n".join(["goals are missed:", *texts]))


if __name__ == "__main__":
    main()
