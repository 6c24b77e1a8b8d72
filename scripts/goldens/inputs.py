"""Seeded inputs for the goldens, and weights of our own for the self-check.

Nothing here is read by a test directly: what it makes is stored beside the goldens, so that tests need no Python.
"""

import math

import numpy as np
import torch
from torch import nn

from names import tensors
from network import FACE5, Size

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def face_points(rng: np.random.Generator) -> np.ndarray:
    """The canonical face, turned, stretched and moved a little, each point jittered: no region's fit is exact or axis-aligned."""
    turn = math.radians(rng.uniform(-14.0, 14.0))
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    yaw = np.diag([rng.uniform(0.8, 1.1), rng.uniform(0.92, 1.08)])
    points = np.array(FACE5) @ (rotation @ yaw).T + rng.uniform(-0.08, 0.08, size=2)
    return points + rng.normal(0.0, 0.02, size=points.shape)


def face_image(rng: np.random.Generator, points: np.ndarray, side: int) -> np.ndarray:
    """A smooth random picture with a dark spot at each landmark and a little noise: bytes [3, side, side]."""
    place = (2.0 * np.arange(side) + 1.0) / side - 1.0
    x, y = place[None, :], place[:, None]
    picture = np.empty((3, side, side))
    for channel in range(3):
        picture[channel] = rng.uniform(0.35, 0.65)
        for _ in range(8):
            fx, fy = rng.uniform(-3.0, 3.0, size=2)
            wave = np.cos(math.pi * (fx * x + fy * y) + rng.uniform(0.0, 2.0 * math.pi))
            picture[channel] += rng.uniform(0.03, 0.18) / (0.6 + math.hypot(fx, fy)) * wave
    for px, py in points:
        spot = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2.0 * rng.uniform(0.06, 0.12) ** 2))
        picture -= rng.uniform(0.2, 0.4, size=3)[:, None, None] * spot
    picture += rng.normal(0.0, 0.01, size=picture.shape)
    return np.clip(np.rint(picture * 255.0), 0, 255).astype(np.uint8)


def make_inputs(size: Size, batch: int, seed: int) -> dict[str, torch.Tensor]:
    """`image` f32, normalised as ImageNet's; `landmarks` f32; `age` i32, the first and the last class among them."""
    rng = np.random.default_rng(seed)
    points = [face_points(rng) for _ in range(batch)]
    pixels = np.stack([face_image(rng, p, size.side) for p in points])
    image = (pixels / 255.0 - MEAN[:, None, None]) / STD[:, None, None]
    age = rng.integers(0, size.classes, size=batch)
    age[0], age[-1] = 0, size.classes - 1
    return {
        "image": torch.from_numpy(image.astype(np.float32)),
        "landmarks": torch.from_numpy(np.stack(points).astype(np.float32)),
        "age": torch.from_numpy(age.astype(np.int32)),
    }


def make_weights(model: nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """Random f32 weights under archc's names: convolutions He normal by fan out, the rest uniform by fan in or hidden size."""
    rng = torch.Generator().manual_seed(seed)
    made = {}
    sizes = {path: tensor.shape for path, tensor in tensors(model).items()}
    for path, shape in sizes.items():
        start, last = path.rsplit(".", 1)
        if len(shape) == 4:
            made[path] = torch.randn(shape, generator=rng) * math.sqrt(2.0 / (shape[0] * shape[2] * shape[3]))
        elif f"{start}.running_var" in sizes:
            made[path] = torch.ones(shape) if last in ("weight", "running_var") else torch.zeros(shape)
        else:
            # A cell's rows are four gates of the hidden size; a linear layer's bias goes by its weight's columns.
            limit = shape[0] // 4 if ".lstm." in path else sizes[f"{start}.weight"][1]
            made[path] = (torch.rand(shape, generator=rng) * 2.0 - 1.0) / math.sqrt(limit)
    return made
