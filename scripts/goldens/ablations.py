"""Applies each ablation's patch to a copy of network.py, and writes what it costs and what it gives: test/goldens/ablations.json.

Run by hand (see README.md). It must not be run by CI, and of archc's it reads nothing but the stored weights and inputs.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import load_file
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from make import write_json
from names import load, tensors

HERE = Path(__file__).parent
GOLDENS = HERE.parent.parent / "test" / "goldens"


def patched(patch: Path | None) -> ModuleType:
    """network.py as a module of its own, after the patch; a patch that does not fit stops the run."""
    name = "network" if patch is None else patch.stem
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "network.py"
        copy.write_bytes((HERE / "network.py").read_bytes())
        if patch is not None:
            subprocess.run(["git", "apply", patch.resolve()], cwd=folder, check=True)
        spec = importlib.util.spec_from_file_location(f"ablation_{name}", copy)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
    return module


def parameters(network: ModuleType) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in network.Dhaa(network.FULL).parameters())


def flops(network: ModuleType) -> dict[str, int]:
    """A sample at full size, two a multiply-add of convolutions and matrix products; only shapes are computed."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = network.Dhaa(network.FULL)
        side = network.FULL.side
        image, points = torch.zeros(2, 3, side, side), torch.tensor([network.FACE5, network.FACE5])
        with FlopCounterMode(display=False) as forward:
            out = model(image, points)
        with FlopCounterMode(display=False) as backward:
            sum(network.losses(out, torch.zeros(2, dtype=torch.long)).values()).backward()
    predict = forward.get_total_flops() // 2
    return {"predict": predict, "train": predict + backward.get_total_flops() // 2}


def plain(path: str, shape: torch.Size) -> torch.Tensor:
    """Weights where the stored file has none that fit, in a form that any language can make exactly."""
    steps = torch.arange(shape.numel(), dtype=torch.float64).mul(37).remainder(101)
    positive = path.endswith(".running_var") or (path.endswith(".weight") and len(shape) == 1)  # batch norm's
    return ((steps + 51) / 128 if positive else (steps - 50) / 256).float().reshape(shape)


def small(network: ModuleType) -> dict[str, object]:
    """The small network in f64: the years that it predicts, and the total loss of a training pass."""
    stored, inputs = load_file(GOLDENS / "dhaa-small" / "weights.safetensors"), load_file(GOLDENS / "dhaa-small" / "inputs.safetensors")
    model = network.Dhaa(network.Size()).double()
    weights = {
        path: stored[path] if path in stored and stored[path].shape == own.shape else plain(path, own.shape)
        for path, own in tensors(model).items()
    }
    load(model, weights, "the stored weights and plain ones")
    image, points, age = inputs["image"].double(), inputs["landmarks"].double(), inputs["age"].long()
    with torch.no_grad():
        years = network.expectations(model.eval()(image, points))["final"]
        loss = sum(network.losses(model.train()(image, points), age).values())
    return {"years": years.tolist(), "loss": loss.item()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=GOLDENS / "ablations.json")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    made = []
    for patch in [None, *sorted((HERE / "ablations").glob("*.patch"))]:
        edits = [] if patch is None else patch.read_text().splitlines()
        network = patched(patch)
        made.append(
            {
                "name": "dhaa" if patch is None else patch.stem,
                "parameters": parameters(network),
                "flops": flops(network),
                "added": sum(line.startswith("+") and not line.startswith("+++ ") for line in edits),
                "removed": sum(line.startswith("-") and not line.startswith("--- ") for line in edits),
                "small": small(network),
            }
        )
        print(made[-1])
    write_json(out, made)


if __name__ == "__main__":
    main()
