"""Writes the goldens of the small DHAA: f64 numbers by PyTorch, and how far PyTorch's own f32 is from them.

Run by hand (see README.md). It must not be run by CI, and it reads nothing of archc's but the weights file.
"""

import argparse
import dataclasses
import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from inputs import make_inputs, make_weights
from names import load
from network import Dhaa, Size
from runs import KEPT, SGD, STEPS, Run, Tensors, run

NOISE = 1e-11  # largest difference over largest value of a tensor, between two f64 runs that sum in different orders
LIMIT = 2 * 1000 * 1000
TRAINED = 100_996  # of the small network, counted from the paper's choices by hand

# PyTorch's own f32 in several forms: with oneDNN's kernels or the plain ones, channels first or last, samples in order or in
# reverse. Any two differ in nothing but the order of sums, so the spread says how much of an error is luck.
F32_RUNS = {
    f"{kernels}, {layout}, {order}": {"onednn": kernels == "onednn", "layout": layout, "backwards": order == "backwards"}
    for kernels in ("onednn", "plain")
    for layout in ("nchw", "nhwc")
    for order in ("forwards", "backwards")
}
DEFAULT = "onednn, nchw, forwards"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, help="safetensors file made by archc weights init")
    parser.add_argument("--make-weights", type=int, metavar="SEED", help="for a trial run without archc: make weights here instead")
    parser.add_argument("--inputs", type=Path, help="use this inputs file instead of making one")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1, help="of the inputs")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    for each in dataclasses.fields(Size):
        parser.add_argument(f"--{each.name}", type=int, default=each.default)
    given = parser.parse_args()
    if (given.weights is None) == (given.make_weights is None):
        parser.error("give either --weights or --make-weights")
    return given


def write(path: Path, content: bytes | Tensors) -> None:
    """Written beside and renamed, so that a stopped run leaves no half file."""
    beside = path.with_name(path.name + ".part")
    if isinstance(content, bytes):
        beside.write_bytes(content)
    else:
        save_file({name: tensor.contiguous() for name, tensor in sorted(content.items())}, beside)
    if beside.stat().st_size > LIMIT:
        raise SystemExit(f"{path.name} would have {beside.stat().st_size} bytes, more than {LIMIT}")
    beside.chmod(0o644)
    os.replace(beside, path)


def write_json(path: Path, content: object) -> None:
    write(path, (json.dumps(content, indent=2, sort_keys=True) + "\n").encode())


def distance(got: torch.Tensor, wanted: torch.Tensor) -> float:
    """Relative L2; where the wanted tensor is zero, the plain norm."""
    norm = wanted.norm().item()
    error = (got.double() - wanted).norm().item()
    return float(f"{error / norm if norm > 0.0 else error:.4g}")


def distances(got: Run, wanted: Run) -> dict[str, dict[str, float]]:
    """By group and tensor, of the first step only: later ones can differ by a ReLU that f32 puts on the other side of zero."""

    def first(of: Run) -> dict[str, Tensors]:
        return {
            "values": of.values,
            "predictions": {name: years for name, years in of.predictions.items() if name.endswith((".0", ".1"))},
            "losses": {name: each[:1] for name, each in of.losses.items()},
            "gradients": of.gradients,
            "after1": of.after[1],
        }

    pairs = {group: (first(got)[group], each) for group, each in first(wanted).items()}
    return {group: {name: distance(g[name], w[name]) for name in w} for group, (g, w) in pairs.items()}


def f64_noise(got: Run, wanted: Run) -> float:
    """The largest difference over the largest value, over all tensors of all three steps."""
    pairs = [(got.values, wanted.values), (got.predictions, wanted.predictions), (got.losses, wanted.losses)]
    pairs += [(got.gradients, wanted.gradients), *((got.after[step], wanted.after[step]) for step in KEPT)]
    return max(((g[name] - w[name]).abs().max() / w[name].abs().max().clamp(min=1e-300)).item() for g, w in pairs for name in w)


def greatest(errors: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {group: {name: max(each[group][name] for each in errors) for name in errors[0][group]} for group in errors[0]}


def over(errors: dict[str, dict[str, float]], yardstick: dict[str, dict[str, float]]) -> list[str]:
    """The tensors that would fail the test an engine has to pass: 4 times the yardstick, at least 1e-6."""
    return [
        f"{group} {name}: {error:.2e}, yardstick {yardstick[group][name]:.2e}"
        for group, each in errors.items()
        for name, error in each.items()
        if error > max(4.0 * yardstick[group][name], 1e-6)
    ]


def summary(errors: dict[str, dict[str, float]]) -> str:
    return ", ".join(f"{group} {max(each.values()):.2e}" for group, each in errors.items())


def main() -> None:
    given = arguments()
    torch.set_num_threads(1)  # the order of sums, and so the last bits, do not depend on the machine's cores
    torch.use_deterministic_algorithms(True)
    size = Size(**{each.name: getattr(given, each.name) for each in dataclasses.fields(Size)})
    network = Dhaa(size)
    trained = sum(p.numel() for p in network.parameters())
    if size == Size() and trained != TRAINED:
        raise SystemExit(f"the small network has {trained} trained parameters, expected {TRAINED}")

    if given.weights is not None:
        load(network, load_file(given.weights), str(given.weights))  # refused here, before anything is written
    given.out.mkdir(parents=True, exist_ok=True)
    kept_weights, kept_inputs = given.out / "weights.safetensors", given.out / "inputs.safetensors"
    if given.weights is None:
        write(kept_weights, make_weights(network, given.make_weights))
    elif given.weights.resolve() != kept_weights.resolve():
        write(kept_weights, given.weights.read_bytes())
    if given.inputs is None:
        write(kept_inputs, make_inputs(size, given.batch, given.seed))
    elif given.inputs.resolve() != kept_inputs.resolve():
        write(kept_inputs, given.inputs.read_bytes())
    # Both are read back from the files: what a test will read is what was run.
    weights, inputs = load_file(kept_weights), load_file(kept_inputs)

    exact = run(size, weights, inputs, str(given.weights), torch.float64)
    again = run(size, weights, inputs, str(given.weights), torch.float64, layout="nhwc", onednn=False, backwards=True)
    noise = f64_noise(again, exact)
    if noise > NOISE:
        raise SystemExit(f"two f64 runs differ by {noise:.1e}, more than {NOISE}: these inputs are too near a kink, take another --seed")
    files: dict[str, Tensors] = {
        "values": exact.values,
        "outputs": {**{f"predict.{n}": t for n, t in exact.predictions.items()}, **exact.losses},
        "gradients": exact.gradients,
        **{f"after{step}": exact.after[step] for step in KEPT},
    }
    for name, content in files.items():
        write(given.out / f"{name}.safetensors", content)

    errors = {}
    for name, how in F32_RUNS.items():
        errors[name] = distances(run(size, weights, inputs, str(given.weights), torch.float32, **how), exact)
    default, largest = errors[DEFAULT], greatest(list(errors.values()))
    write_json(
        given.out / "f32-errors.json",
        {
            "measure": "relative L2 against f64; the plain norm where f64 is zero",
            "default": default,
            "largest": largest,
            "largestOf": list(F32_RUNS),
        },
    )

    made = ["inputs", "weights", *files]
    about = {
        "model": "dhaa",
        "set": dataclasses.asdict(size),
        "trained": trained,
        "batch": int(inputs["image"].shape[0]),
        "steps": STEPS,
        "sgd": SGD,
        "precision": "f64",
        "torch": torch.__version__.split("+")[0],
        "sha256": {f"{n}.safetensors": hashlib.sha256((given.out / f"{n}.safetensors").read_bytes()).hexdigest() for n in made},
    }
    if given.inputs is None:
        about["inputs"] = {"seed": given.seed}
    write_json(given.out / "about.json", about)

    print(f"{trained} trained parameters in {sum(1 for _ in network.parameters())} tensors")
    for name, tensor in sorted(files["outputs"].items()):
        print(f"{name}: {[round(v, 6) for v in tensor.tolist()]}")
    print(f"two f64 runs that sum in different orders differ by {noise:.1e}")
    for name, each in errors.items():
        others = greatest([other for key, other in errors.items() if key != name])
        print(f"largest f32 error, {name}: {summary(each)}")
        for yardstick, label in ((default, "the default run"), (others, "the largest of the others")):
            if failed := over(each, yardstick):
                print(f"  over 4 times {label}: {'; '.join(failed)}")
    for path in sorted(given.out.iterdir()):
        print(f"{path.stat().st_size:>9} {path}")


if __name__ == "__main__":
    main()
