"""torch.onnx.export of DHAA's prediction, as a contender of a bench: a step is an export; the file is left there.

    python bench/contenders/export.py WEIGHTS.safetensors OUT.onnx torchscript|dynamo [once]

The network is scripts/goldens/network.py at full size with archc's weights, in evaluation, its age alone. Neither exporter knows a least-squares
solver, so the fit of the alignment is written out by hand in closed form. The batch is left open, as in archc's file; opset 20 is the first
with AffineGrid. `once` exports and ends. Needs bench/requirements.txt.
"""

import pathlib
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))

import torch
from safetensors.torch import load_file
from torch import nn

import names
import network
from steps import serve


def closed_source_map(points: torch.Tensor, wanted: list[list[float]], weights: tuple[int, ...]) -> torch.Tensor:
    """network.source_map from the points' moments: a 2x2 matrix and its inverse, by hand."""
    share = torch.tensor(weights, dtype=points.dtype)[:, None] / sum(weights)
    goal = torch.tensor(wanted, dtype=points.dtype)
    centre, goal_centre = (points * share).sum(1, keepdim=True), (goal * share).sum(0)
    p, q = points - centre, goal - goal_centre
    x, y = p[:, :, 0], p[:, :, 1]
    u, v, s = q[:, 0], q[:, 1], share[:, 0]
    xx, xy, yy = (s * x * x).sum(1), (s * x * y).sum(1), (s * y * y).sum(1)
    ux, uy, vx, vy = (s * u * x).sum(1), (s * u * y).sum(1), (s * v * x).sum(1), (s * v * y).sum(1)
    # the fit q = A p, where A times the points' moments are the mixed ones; its determinant without that of the moments
    a, b, c, d = ux * yy - uy * xy, uy * xx - ux * xy, vx * yy - vy * xy, vy * xx - vx * xy
    scale = (xx * yy - xy * xy) / (a * d - b * c)
    back = torch.stack([torch.stack([d, -b], 1), torch.stack([-c, a], 1)], 1) * scale[:, None, None]
    return torch.cat([back, centre.transpose(1, 2) - (back * goal_centre).sum(2, keepdim=True)], dim=2)


class Age(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
        return network.expectations(self.model(image, landmarks))["final"]


class Flat(nn.Module):
    """The module with its tensors under plain names: the dynamo exporter writes Python that accesses them, and `global` is a keyword."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = [module]  # in a list, so that its own names are not registered
        self.paths = [*dict(module.named_parameters()), *dict(module.named_buffers())]
        for number, tensor in enumerate([*module.parameters(), *module.buffers()]):
            self.register_buffer(f"tensor{number}", tensor.detach())

    def forward(self, image: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
        tensors = {path: getattr(self, f"tensor{number}") for number, path in enumerate(self.paths)}
        return torch.func.functional_call(self.module[0], tensors, (image, landmarks))


def main() -> None:
    weights, out, exporter = sys.argv[1:4]
    model = network.Dhaa(network.FULL)
    names.load(model, load_file(weights), weights)
    model = Age(model).eval()
    points = torch.tensor(network.FACE5).expand(2, 5, 2) + torch.linspace(-0.03, 0.03, 20).reshape(2, 5, 2)
    for region, (_, _, used) in network.ALIGNED.items():
        wanted = network.targets(region)
        torch.testing.assert_close(closed_source_map(points, wanted, used), network.source_map(points, wanted, used), rtol=1e-4, atol=1e-4)
    network.source_map = closed_source_map
    example = (torch.zeros(2, 3, 256, 256), points)
    settings = {"input_names": ["image", "landmarks"], "output_names": ["years"], "opset_version": 20}
    if exporter == "dynamo":
        model = Flat(model).eval()
        batch = torch.export.Dim("B")
        settings |= {"dynamo": True, "dynamic_shapes": {"image": {0: batch}, "landmarks": {0: batch}}, "external_data": False, "verbose": False}
    else:
        settings |= {"dynamo": False, "dynamic_axes": {name: {0: "B"} for name in ("image", "landmarks", "years")}}
    warnings.simplefilter("ignore")

    def step() -> float:
        with torch.no_grad():
            torch.onnx.export(model, example, out, **settings)
        return 0.0

    if "once" in sys.argv:
        step()
    else:
        serve(step)


main()
