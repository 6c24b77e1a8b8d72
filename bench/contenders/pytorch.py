"""PyTorch as a contender of a bench: one training step after another, told by lines of standard input.

    python bench/contenders/pytorch.py MODEL INPUTS.safetensors MODE [--classes N]

MODEL is dhaa (scripts/goldens/network.py at full size) or resnet18 (torchvision's layers, written there). MODE is eager, channels_last,
compile, or bf16 (autocast, channels last). A line N makes N steps and is answered by {wall: [ms a step], cpu: ms, peak: MB, loss}.
The optimizer is SGD with Nesterov momentum and weight decay in its fused form, where PyTorch has one.
"""

import json
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import network

SGD = {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4, "fused": True}


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
    started = time.perf_counter()
    torch.manual_seed(0)
    torch.set_num_threads(2)
    batch = load_file(inputs)
    form = torch.contiguous_format if mode in ("eager", "compile") else torch.channels_last
    image, label = batch["image"].contiguous(memory_format=form), batch["age"].long()
    if name == "dhaa":
        model = network.Dhaa(network.FULL)
    elif name == "resnet18":
        model = ResNet18()
    else:
        sys.exit(f"no model {name}")
    model = model.to(memory_format=form).train()
    optimizer = torch.optim.SGD(model.parameters(), **SGD)

    def loss_of() -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mode == "bf16"):
            if name == "dhaa":
                return sum(network.losses(model(image, batch["landmarks"]), label).values())
            return F.cross_entropy(model(image), label)

    if mode == "compile":
        loss_of = torch.compile(loss_of)
    elif mode not in ("eager", "channels_last", "bf16"):
        sys.exit(f"no mode {mode}")
    answer({"ready": 1000 * (time.perf_counter() - started)})

    for line in sys.stdin:
        wall = []
        before = cpu()
        loss = torch.zeros(())
        for _ in range(int(line)):
            start = time.perf_counter()
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            optimizer.step()
            loss = loss.item()
            wall.append(1000 * (time.perf_counter() - start))
        answer({"wall": wall, "cpu": cpu() - before, "peak": peak(), "loss": loss})


def answer(value: dict) -> None:
    print(json.dumps(value), flush=True)


def cpu() -> float:
    use = resource.getrusage(resource.RUSAGE_SELF)
    return 1000 * (use.ru_utime + use.ru_stime)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


main()
