"""Images made for the run: smooth landscapes with a season, noise of a sensor, and places without data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

CRS = "EPSG:32632"
RESOLUTION_M = 10
SCENE_PX = 2048
# the corner of a cell of the regular grid of 2048 pixels of 10 m, which starts at the origin of the zone
ORIGIN = (25 * SCENE_PX * RESOLUTION_M, 303 * SCENE_PX * RESOLUTION_M)
NODATA = 0


@dataclass
class Scene:
    """One file and where it lies."""

    path: Path
    left: float
    top: float
    size: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top in metres."""
        extent = self.size * RESOLUTION_M
        return self.left, self.top - extent, self.left + extent, self.top


def _smooth(rng, size: int, cells: int) -> np.ndarray:
    """A random surface of [0, 1] that changes over `size / cells` pixels, made of linear ramps."""
    grid = rng.random((cells + 1, cells + 1), dtype=np.float32)
    position = np.linspace(0, cells, size, endpoint=False, dtype=np.float32)
    low = position.astype(int)
    part = position - low
    rows = grid[low] * (1 - part[:, None]) + grid[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part


class Painter:
    """Paints dates of one place; the expensive surfaces are made once."""

    def __init__(self, size: int, seed: int):
        self._rng = np.random.default_rng(seed)
        self._size = size
        self._land = 2500 * _smooth(self._rng, size, 12) + 900 * _smooth(self._rng, size, max(size // 8, 2))
        self._noise = [self._rng.normal(0, 25, (size, size)).astype(np.float32) for _ in range(3)]

    def date(self, day: int) -> np.ndarray:
        """Values of UInt16 for one day of the year; a corner is without data on some days."""
        season = 1 + 0.35 * np.sin(day / 58)
        noise = np.roll(self._noise[day % 3], (day * 37, day * 101), (0, 1))
        haze = 600 * _smooth(self._rng, self._size, 3) * self._rng.random()
        values = np.clip(self._land * season + haze + noise + 400, 1, 10000).astype(np.uint16)
        if day % 5 == 0:
            values[: self._size // 8, : self._size // 6] = NODATA
        return values


def write(path: Path, values: np.ndarray, left: float, top: float, **options) -> Scene:
    """Writes a GeoTIFF, uncompressed and in strips unless the options say otherwise."""
    height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=values.dtype,
        count=1,
        width=width,
        height=height,
        crs=CRS,
        transform=from_origin(left, top, RESOLUTION_M, RESOLUTION_M),
        nodata=NODATA,
        **options,
    ) as file:
        file.write(values, 1)
    return Scene(path, left, top, width)


def time_series(folder: Path, dates: int, size: int = SCENE_PX) -> list[Scene]:
    """Dates of one place, one file each."""
    folder.mkdir(parents=True)
    painter = Painter(size, seed=1)
    return [write(folder / f"date{day:03}.tif", painter.date(day), *ORIGIN) for day in range(dates)]


def neighbours(folder: Path) -> list[Scene]:
    """Four scenes side by side."""
    folder.mkdir(parents=True)
    extent = SCENE_PX * RESOLUTION_M
    scenes = []
    for number in range(4):
        left, top = ORIGIN[0] + number % 2 * extent, ORIGIN[1] - number // 2 * extent
        values = Painter(SCENE_PX, seed=10 + number).date(7)
        scenes.append(write(folder / f"scene{number}.tif", values, left, top))
    return scenes


def crowd(folder: Path, count: int) -> list[Scene]:
    """Many small files with the same pixels."""
    folder.mkdir(parents=True)
    values = Painter(64, seed=2).date(1)
    return [write(folder / f"small{number:05}.tif", values, *ORIGIN) for number in range(count)]
