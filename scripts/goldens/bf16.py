"""Writes how far PyTorch's own bf16 is from f64 on the goldens of the small DHAA: `bf16-errors.json` beside them.

bf16 by autocast, as PyTorch's users train: weights in f32, convolutions and matrix products in bf16. Reads only what make.py wrote.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file

from make import distance, write_json
from network import Size
from runs import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--goldens", type=Path, required=True, help="folder that make.py wrote, with the sizes of the small network")
    folder = parser.parse_args().goldens
    torch.set_num_threads(1)
    files = {name: load_file(folder / f"{name}.safetensors") for name in ("weights", "inputs", "outputs", "gradients")}
    exact = {
        "losses": {name: each[:1] for name, each in files["outputs"].items() if name.startswith("loss")},
        "predictions": {name: files["outputs"][f"predict.{name}"] for name in ("years.0",)},
        "gradients": files["gradients"],
    }
    runs = []
    for layout in ("nchw", "nhwc"):
        for backwards in (False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                got = run(Size(), files["weights"], files["inputs"], str(folder), torch.float32, layout=layout, backwards=backwards)
            found = {"losses": {n: each[:1] for n, each in got.losses.items()}, "predictions": got.predictions, "gradients": got.gradients}
            runs.append({group: {name: distance(found[group][name], wanted) for name, wanted in each.items()} for group, each in exact.items()})
    largest = {group: {name: max(each[group][name] for each in runs) for name in exact[group]} for group in exact}
    write_json(folder / "bf16-errors.json", {"measure": "relative L2 against f64", "torch": torch.__version__.split("+")[0], "largest": largest})
    for group, each in largest.items():
        ordered = sorted(each.values())
        print(f"{group}: median {ordered[len(ordered) // 2]:.2e}, largest {ordered[-1]:.2e}")


if __name__ == "__main__":
    main()
