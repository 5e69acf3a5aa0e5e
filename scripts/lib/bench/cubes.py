"""A time series of small windows, from plain files and from a consolidated one."""

import numpy as np
import rasterio
from rasterio.windows import Window

from . import data
from .measure import Figure, medians, own_cpu

WINDOW_PX = 256


def plain_read(scenes, column: int, row: int) -> list[np.ndarray]:
    """What a script would do: open every file, read the window."""
    window = Window(column, row, WINDOW_PX, WINDOW_PX)
    images = []
    for scene in scenes:
        with rasterio.open(scene.path) as file:
            images.append(file.read(1, window=window))
    return images


def measure(name: str, windows, cube, scenes, plain_way: str, system, runs: int) -> Figure:
    """Times cubes of the windows, a new one each run, beside reading the scenes.

    `cube(column, row)` gives the images of the server; the first window is also compared pixel by pixel.
    """
    compare(name, cube(*windows[0]), plain_read(scenes, *windows[0]))
    ours = medians(runs, lambda run: cube(*windows[run]), system.api_cpu)
    plain = medians(runs, lambda run: plain_read(scenes, *windows[run]), own_cpu)
    return Figure(
        f"cube {len(scenes)} × {WINDOW_PX}², {name}",
        "ms",
        1000 * ours.wall,
        1000 * plain.wall,
        plain_way,
        1000 * ours.cpu,
        1000 * plain.cpu,
    )


def compare(name: str, images: list[bytes], expected: list[np.ndarray]) -> None:
    """Fails unless the cube has exactly the pixels of the files; images without any are left out of cubes."""
    expected = [image for image in expected if (image != data.NODATA).any()]
    if len(images) != len(expected):
        raise RuntimeError(f"{name}: {len(images)} images instead of {len(expected)}")
    for number, (image, values) in enumerate(zip(images, expected)):
        if not np.array_equal(np.frombuffer(image, values.dtype).reshape(values.shape), values):
            raise RuntimeError(f"{name}: image {number} has other pixels than its file")


def windows(offset: int, count: int) -> list[tuple[int, int]]:
    """Windows at `offset` pixels from the blocks of 256², each elsewhere."""
    steps = (data.SCENE_PX - WINDOW_PX - offset) // WINDOW_PX + 1
    return [
        (offset + WINDOW_PX * (3 * number % steps), offset + WINDOW_PX * (5 * number // 2 % steps))
        for number in range(1, count + 1)
    ]


def at(client, instance_id: str, record_ids):
    """The cube of a window given by its first column and row."""
    left, top = data.ORIGIN

    def cube(column: int, row: int) -> list[bytes]:
        x, y = left + column * data.RESOLUTION_M, top - row * data.RESOLUTION_M
        return client.cube(instance_id, record_ids, x, y, WINDOW_PX)

    return cube
