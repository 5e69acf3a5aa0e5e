"""Starts a system on made-up images, measures, prints the figures and stops everything."""

import argparse
import shutil
import signal
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import catalogue, consolidation, cubes, data, process, report, tiles
from .client import Client
from .measure import Figure
from .system import System, api_server_life


@dataclass
class Scale:
    """How much is measured."""

    dates: int
    runs: int
    lives: int
    bulk_calls: int
    singles_each: int
    files: int
    tiles_each: int


FULL = Scale(dates=100, runs=7, lives=5, bulk_calls=10, singles_each=250, files=400, tiles_each=300)
QUICK = Scale(dates=8, runs=2, lives=2, bulk_calls=2, singles_each=30, files=40, tiles_each=40)
CLIENTS = 8


class Bench:
    """The measurements, in an order where none disturbs the next."""

    def __init__(self, scale: Scale, system: System, folder: Path):
        self.scale = scale
        self.system = system
        self.folder = folder
        self.client = Client(system.address)
        self.figures: list[Figure] = []

    def add(self, figure: Figure) -> None:
        """Keeps a figure and shows that it is there."""
        self.figures.append(figure)
        say(f"  {figure.name}: {report.number(figure.value)} {figure.unit}")

    def all(self) -> None:
        """Every measurement."""
        self.process_life()
        self.catalogue()
        self.tiles()
        self.series()
        self.add(consolidation.pair(self.client, self.system, self.scale.runs, self.folder))
        self.add(Figure("API server after all this", "MB", process.memory_mb(self.system.api_pid, "VmRSS")))
        self.client.close()

    def process_life(self) -> None:
        """Start, idle memory and stop of an API server."""
        lives = [api_server_life(self.system) for _ in range(self.scale.lives)]
        started, idle_mb, stopped = (statistics.median(column) for column in zip(*lives))
        self.add(Figure("API server, start to first answer", "ms", 1000 * started))
        self.add(Figure("API server, idle memory", "MB", idle_mb))
        self.add(Figure("API server, stop when idle", "ms", 1000 * stopped))

    def catalogue(self) -> None:
        """Records and indexing."""
        scale, client, system = self.scale, self.client, self.system
        say("making small files")
        scenes = data.crowd(self.folder / "crowd", scale.files * 3)
        aoi_id = client.create_aoi(scenes[0].bounds)
        self.add(catalogue.create_in_bulk(client, system, aoi_id, "bench-bulk", scale.bulk_calls))
        self.add(catalogue.create_singly(system, aoi_id, "bench-single", CLIENTS, scale.singles_each))
        listed = scale.bulk_calls * catalogue.RECORDS_PER_CALL
        for with_aoi in (False, True):
            self.add(catalogue.list_records(system, "bench-bulk", listed, scale.runs, with_aoi))
        _, instance_id = client.create_instance("bench-crowd")
        alone, together = scenes[: scale.files], scenes[scale.files :]
        self.add(catalogue.index(client, system, "bench-alone", instance_id, alone, 1))
        self.add(catalogue.index(client, system, "bench-together", instance_id, together, CLIENTS))

    def tiles(self) -> None:
        """Map tiles of four scenes."""
        scenes = data.neighbours(self.folder / "neighbours")
        _, instance_id = self.client.create_instance("bench-tiles")
        self.client.index_scenes("bench-tiles", instance_id, scenes)
        for clients in (1, CLIENTS):
            self.add(tiles.measure(self.system, "bench-tiles", instance_id, scenes, clients, self.scale.tiles_each))

    def series(self) -> None:
        """Cubes of a time series before and after its consolidation, and the consolidation."""
        scale, client, system = self.scale, self.client, self.system
        say(f"making {scale.dates} images of {data.SCENE_PX}²")
        scenes = data.time_series(self.folder / "series", scale.dates)
        variable_id, instance_id = client.create_instance("bench-series")
        record_ids = client.index_scenes("bench-series", instance_id, scenes)
        cube = cubes.at(client, instance_id, record_ids)
        aligned, crossing = cubes.windows(0, scale.runs + 1), cubes.windows(128, scale.runs + 1)
        plain_files = "rasterio, the same files one by one"
        self.add(cubes.measure("plain files", crossing, cube, scenes, plain_files, system, scale.runs))

        managed = self.folder / "up" / "data"
        figure = consolidation.series(client, system, "bench-series", variable_id, instance_id, record_ids, managed)
        say("making COGs")
        cost, cogs = consolidation.cogs(scenes, self.folder / "cogs")
        figure.plain, figure.plain_cpu_ms = cost.wall, 1000 * cost.cpu
        figure.plain_way = "gdalwarp + gdal_translate, one COG a date, zstd 1"
        self.add(figure)

        way = "rasterio, a COG a date one by one"
        self.add(cubes.measure("consolidated, on one block", aligned, cube, cogs, way, system, scale.runs))
        self.add(cubes.measure("consolidated, across 4 blocks", crossing, cube, cogs, way, system, scale.runs))


def say(text: str) -> None:
    """Progress; the figures alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="folder of the built programs")
    parser.add_argument("--scratch", type=Path, help="where the images go for the run (default: the system's)")
    parser.add_argument("--quick", action="store_true", help="few dates and runs: does it work?")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    # so that `with` and `finally` stop what was started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    folder = Path(tempfile.mkdtemp(prefix="geocube-bench-", dir=arguments.scratch))
    folder.chmod(0o755)  # the database runs as another user when this is root
    try:
        say("starting geocube up")
        with System(arguments.programs.resolve(), folder) as system:
            bench = Bench(QUICK if arguments.quick else FULL, system, folder)
            bench.add(Figure("geocube up, to ready (new database)", "s", system.start_s))
            bench.all()
        bench.add(Figure("geocube up, stop", "s", system.stop_s))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.as_json(bench.figures, arguments.quick) if arguments.json else report.table(bench.figures))


if __name__ == "__main__":
    main()
