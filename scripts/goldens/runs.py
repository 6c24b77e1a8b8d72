"""Runs the network as the goldens need it: prediction, one training pass and three SGD steps, in a chosen precision.

It must keep every number in that precision: constants are cast from f64, weights and inputs from their f32 values.
"""

import contextlib
import copy
from dataclasses import dataclass, field

import torch

from names import archc_name, load, tensors, velocity_name
from network import Dhaa, Size, expectations, losses, mirrored

STEPS = 3
KEPT = (1, 3)  # after which steps weights are kept
SGD = {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}

Tensors = dict[str, torch.Tensor]


@dataclass
class Run:
    """What one run gives, by name, each already on its own memory."""

    values: Tensors = field(default_factory=dict)
    predictions: Tensors = field(default_factory=dict)
    losses: Tensors = field(default_factory=dict)
    gradients: Tensors = field(default_factory=dict)
    after: dict[int, Tensors] = field(default_factory=dict)


def predict(model: Dhaa, image: torch.Tensor, points: torch.Tensor) -> Tensors:
    """`years` (one pass) and, a classifier, `tested.HEAD`: the mean over the image and its flip. Batch norm as in evaluation."""
    model.eval()
    with torch.no_grad():
        once = expectations(model(image, points))
        flip = expectations(model(*mirrored(image, points)))
    return {"years": once["final"], **{f"tested.{head}": (once[head] + flip[head]) / 2.0 for head in once}}


def snapshot(model: Dhaa, optimizer: torch.optim.SGD) -> Tensors:
    """Weights, running statistics and velocities by archc's paths."""
    kept = {path: tensor.detach().clone().contiguous() for path, tensor in tensors(model).items()}
    for name, parameter in model.named_parameters():
        kept[velocity_name(archc_name(name))] = optimizer.state[parameter]["momentum_buffer"].clone().contiguous()
    return kept


@contextlib.contextmanager
def convolutions(onednn: bool):
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = onednn
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


def run(
    size: Size,
    weights: Tensors,
    inputs: Tensors,
    source: str,
    dtype: torch.dtype,
    layout: str = "nchw",
    onednn: bool = True,
    backwards: bool = False,
) -> Run:
    """Everything from the start to three steps on one batch. `backwards` takes the samples in reverse and gives them back in order."""
    form = torch.channels_last if layout == "nhwc" else torch.contiguous_format
    model = Dhaa(size).to(dtype)
    load(model, weights, source)
    model = model.to(memory_format=form)

    def ordered(batch: torch.Tensor) -> torch.Tensor:
        return (batch.flip(0) if backwards else batch).detach().clone(memory_format=torch.contiguous_format)

    image = ordered(inputs["image"].to(dtype)).contiguous(memory_format=form)
    points, age = ordered(inputs["landmarks"].to(dtype)), ordered(inputs["age"].long())
    optimizer = torch.optim.SGD(model.parameters(), **SGD)
    result = Run()

    def keep_predictions(step: int) -> None:
        # On a copy, so that nothing of a prediction can reach the training.
        for name, years in predict(copy.deepcopy(model), image, points).items():
            result.predictions[f"{name}.{step}"] = ordered(years)

    with convolutions(onednn):
        keep_predictions(0)
        history: dict[str, list[torch.Tensor]] = {}
        for step in range(1, STEPS + 1):
            model.train()
            optimizer.zero_grad()
            out = model(image, points)
            each = losses(out, age)
            sum(each.values()).backward()
            for head, loss in each.items():
                history.setdefault(f"loss.{head}", []).append(loss.detach())
            if step == 1:
                result.values = {name: ordered(value) for name, value in out.values.items()}
                result.gradients = {archc_name(n): p.grad.clone().contiguous() for n, p in model.named_parameters()}
            optimizer.step()
            if step in KEPT:
                result.after[step] = snapshot(model, optimizer)
                keep_predictions(step)
        result.losses = {name: torch.stack(values) for name, values in history.items()}
        result.losses["loss"] = sum(result.losses.values())
    return result
