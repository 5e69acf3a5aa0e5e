"""Rewriting a time series into one file, beside one COG a date by the GDAL programs."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import data, measure, process
from .data import Scene
from .measure import Figure

TIMEOUT_S = 1800


def series(client, system, name: str, variable_id: str, instance_id: str, record_ids, folder: Path) -> Figure:
    """Consolidates a whole time series; `folder` is where the managed files appear."""
    client.configure_consolidation(variable_id)
    client.create_layout(name)
    process.forget_peak(system.worker_pid)
    api_cpu, worker_cpu, began = system.api_cpu(), system.worker_cpu(), time.perf_counter()
    client.consolidate(name, instance_id, name, record_ids, TIMEOUT_S)
    wall = time.perf_counter() - began
    worker_cpu, api_cpu = system.worker_cpu() - worker_cpu, system.api_cpu() - api_cpu
    files = [path for path in folder.rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    return Figure(
        f"consolidation of {len(record_ids)} × {data.SCENE_PX}²",
        "s",
        wall,
        cpu_ms=1000 * worker_cpu,
        notes=[
            f"worker's peak {process.memory_mb(system.worker_pid, 'VmHWM'):.0f} MB",
            f"API server {1000 * api_cpu:.0f} ms CPU",
            f"{len(files)} file{'s' if len(files) != 1 else ''} of {megabytes:.0f} MB",
        ],
    )


def pair(client, system, runs: int, folder: Path) -> Figure:
    """A job of two small datasets: what a job costs beside its pixels."""
    scenes = data.time_series(folder / "pair", 2, size=256)
    variable_id, instance_id = client.create_instance("bench-pair")
    client.configure_consolidation(variable_id)
    client.create_layout("bench-pair")
    walls = []
    for run in range(runs + 1):
        record_ids = copies(client, f"bench-pair-{run}", instance_id, scenes, folder)
        began = time.perf_counter()
        client.consolidate(f"bench-pair-{run}", instance_id, "bench-pair", record_ids, 60)
        walls.append(time.perf_counter() - began)
    wall = sorted(walls[1:])[runs // 2]
    plain, _ = cogs(scenes, folder / "pair-cogs")
    return Figure("job of two datasets", "ms", 1000 * wall, 1000 * plain.wall, "gdalwarp + gdal_translate, COG")


def copies(client, name: str, instance_id: str, scenes, folder: Path) -> list[str]:
    """The scenes again under other names, indexed."""
    linked = []
    for number, scene in enumerate(scenes):
        path = folder / f"{name}-{number}.tif"
        os.link(scene.path, path)
        linked.append(Scene(path, scene.left, scene.top, scene.size))
    return client.index_scenes(name, instance_id, linked)


def cogs(scenes, folder: Path) -> tuple[measure.Cost, list[Scene]]:
    """One COG a date, as many at a time as there are processors."""
    folder.mkdir()
    cpu, began = measure.children_cpu(), time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(lambda scene: cog(scene, folder), scenes))
    return measure.Cost(time.perf_counter() - began, measure.children_cpu() - cpu), made


def cog(scene: Scene, folder: Path) -> Scene:
    """One scene on the grid of the layout, with blocks and overviews like a consolidated file."""
    warped, path = folder / f"{scene.path.stem}.warped.tif", folder / f"{scene.path.stem}.tif"
    bounds = [str(value) for value in scene.bounds]
    resolution = str(data.RESOLUTION_M)
    run("gdalwarp", "-t_srs", data.CRS, "-te", *bounds, "-tr", resolution, resolution, "-r", "near", scene.path, warped)
    options = ("COMPRESS=ZSTD", "LEVEL=1", "PREDICTOR=STANDARD", "BLOCKSIZE=256", "OVERVIEW_RESAMPLING=NEAREST")
    run("gdal_translate", "-of", "COG", *(word for option in options for word in ("-co", option)), warped, path)
    warped.unlink()
    return Scene(path, scene.left, scene.top, scene.size)


def run(program: str, *arguments) -> None:
    """Runs a program of GDAL; what it says is shown when it fails."""
    command = [program, "-q", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
