"""PyTorch as a contender of a bench: one training step after another.

    python bench/contenders/pytorch.py MODEL INPUTS.safetensors MODE

MODEL is dhaa (scripts/goldens/network.py at full size) or resnet18 (from its units). MODE joins words by `+`: eager, channels_last,
compile (torch.compile), tuned (torch.compile with max-autotune), bf16 (autocast, channels last), cuda.
The optimizer is SGD with Nesterov momentum and weight decay in its fused form.
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import network
from steps import serve

SGD = {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4, "fused": True}
WORDS = {"eager", "channels_last", "compile", "tuned", "bf16", "cuda"}


class ResNet18(nn.Module):
    """ResNet-18 (He et al. 2016) for 101 classes, from the units of scripts/goldens/network.py."""

    def __init__(self):
        super().__init__()
        self.stem = network.Stem(64)
        self.stages = nn.Sequential(
            network.stage(64, 64, 1, 2), network.stage(64, 128, 2, 2), network.stage(128, 256, 2, 2), network.stage(256, 512, 2, 2)
        )
        self.fc = nn.Linear(512, 101)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.fc(self.stages(self.stem(image)).mean(dim=(2, 3)))


def main() -> None:
    name, inputs, mode = sys.argv[1:4]
    words = set(mode.split("+"))
    if words - WORDS:
        sys.exit(f"no mode {mode}")
    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    device = "cuda" if "cuda" in words else "cpu"
    form = torch.channels_last if words & {"channels_last", "bf16"} else torch.contiguous_format
    batch = {key: value.to(device) for key, value in load_file(inputs).items()}
    image, label = batch["image"].contiguous(memory_format=form), batch["age"].long()
    model = network.Dhaa(network.FULL) if name == "dhaa" else ResNet18()
    model = model.to(device, memory_format=form).train()
    optimizer = torch.optim.SGD(model.parameters(), **SGD)

    def loss_of() -> torch.Tensor:
        with torch.autocast(device, dtype=torch.bfloat16, enabled="bf16" in words):
            if name == "dhaa":
                return sum(network.losses(model(image, batch["landmarks"]), label).values())
            return F.cross_entropy(model(image), label)

    if words & {"compile", "tuned"}:
        loss_of = torch.compile(loss_of, mode="max-autotune" if "tuned" in words else None)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss.item()

    serve(step)


main()
