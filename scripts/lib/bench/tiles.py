"""Map tiles over HTTP."""

import http.client
import random
import urllib.parse
import warnings

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from . import data, load
from .measure import Figure

TILE_PX = 256
HALF_WORLD_M = 20037508.342789244


def measure(system, name: str, instance_id: str, scenes, clients: int, tiles_each: int) -> Figure:
    """Tiles a second for a number of clients, beside warping each by rasterio in as many processes."""
    addresses = pick_tiles(scenes, clients * tiles_each)
    parts = [addresses[number::clients] for number in range(clients)]
    cpu = system.api_cpu()
    ours = load.run(fetch, [(system.address, name, instance_id, part) for part in parts])
    cpu = system.api_cpu() - cpu
    plain = load.run(warp, [(scenes, part) for part in parts])
    return Figure(
        f"tiles, {clients} client{'s' if clients > 1 else ''}",
        "tiles/s",
        ours.per_second,
        plain.per_second,
        "rasterio WarpedVRT + PNG",
        cpu_ms=1000 * cpu / len(addresses),
        notes=[f"median {ours.median_ms:.1f} ms, p99 {ours.p99_ms:.1f} ms"],
    )


def fetch(share):
    """Asks the server for the tiles, over one connection."""
    address, name, instance_id, tiles = share
    connection = http.client.HTTPConnection(address)
    query = urllib.parse.urlencode({"filters.tags[bench]": name})

    def get(x: int, y: int, z: int) -> int:
        connection.request("GET", f"/v1/catalog/mosaic/{instance_id}/{x}/{y}/{z}/png?{query}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or not body.startswith(b"\x89PNG"):
            raise RuntimeError(f"tile {z}/{x}/{y}: {answer.status} {body[:200]!r}")
        return len(body)

    get(*tiles[0])
    return (get(*tile) for tile in tiles)


def warp(share):
    """Warps the tiles as a small tile server would: the scenes that meet the tile, on top of each other."""
    scenes, tiles = share
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    boxes = [(scene.path, transform_bounds(data.CRS, "EPSG:3857", *scene.bounds)) for scene in scenes]

    def make(x: int, y: int, z: int) -> int:
        box = tile_bounds(x, y, z)
        mosaic = np.zeros((TILE_PX, TILE_PX), np.uint16)
        for path, (left, bottom, right, top) in boxes:
            if left < box[2] and right > box[0] and bottom < box[3] and top > box[1]:
                values = warped(path, box)
                np.copyto(mosaic, values, where=values != data.NODATA)
        grey = (mosaic.clip(0, 10000) // 40).astype(np.uint8)
        with MemoryFile() as memory:
            with memory.open(driver="PNG", dtype="uint8", count=1, width=TILE_PX, height=TILE_PX) as png:
                png.write(grey, 1)
            return len(memory.getbuffer())

    make(*tiles[0])
    return (make(*tile) for tile in tiles)


def warped(path, box) -> np.ndarray:
    """One scene on the grid of a tile."""
    with (
        rasterio.open(path) as file,
        WarpedVRT(
            file,
            crs="EPSG:3857",
            transform=from_bounds(*box, TILE_PX, TILE_PX),
            width=TILE_PX,
            height=TILE_PX,
            resampling=Resampling.nearest,
        ) as tile,
    ):
        return tile.read(1)


def tile_bounds(x: int, y: int, z: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile in metres of Web Mercator."""
    size = 2 * HALF_WORLD_M / 2**z
    west, north = x * size - HALF_WORLD_M, HALF_WORLD_M - y * size
    return west, north - size, west + size, north


def pick_tiles(scenes, count: int) -> list[tuple[int, int, int]]:
    """Tiles of three zooms around the resolution of the scenes, wholly inside them, in a fixed random order."""
    west, south = min(scene.bounds[0] for scene in scenes), min(scene.bounds[1] for scene in scenes)
    east, north = max(scene.bounds[2] for scene in scenes), max(scene.bounds[3] for scene in scenes)
    west, south, east, north = transform_bounds(data.CRS, "EPSG:3857", west, south, east, north)
    inside = []
    for z in (12, 13, 14):
        size = 2 * HALF_WORLD_M / 2**z
        columns = range(int((west + HALF_WORLD_M) / size) + 1, int((east + HALF_WORLD_M) / size))
        rows = range(int((HALF_WORLD_M - north) / size) + 1, int((HALF_WORLD_M - south) / size))
        inside += [(x, y, z) for x in columns for y in rows]
    return random.Random(3).choices(inside, k=count)
