"""Checks the golden program against closed forms and plain loops, so that a slip in it is not taken for the truth.

Run by hand. It must not use archc or anything that archc made.
"""

import copy
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from inputs import make_inputs, make_weights
from make import TRAINED
from names import archc_name, load, tensors
from network import ALIGNED, BRANCHES, FACE5, FULL, Dhaa, Size, aligned_region, expectations, losses, mirrored, source_map, targets
from runs import SGD, run

SEED = 7
DOUBLE = {"dtype": torch.float64}


def report(what: str, error: float, limit: float) -> None:
    print(f"{what}: {error:.2e} (at most {limit:.0e})")
    if not error <= limit:
        raise SystemExit(f"{what} is wrong")


def largest(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return ((got - wanted).abs().max() / wanted.abs().max()).item()


def small() -> tuple[Dhaa, dict[str, torch.Tensor], torch.Tensor, torch.Tensor, torch.Tensor]:
    size = Size()
    model = Dhaa(size).double()
    weights = make_weights(model, SEED)
    load(model, weights, "self-made weights")
    inputs = make_inputs(size, 4, SEED)
    return model, weights, inputs["image"].double(), inputs["landmarks"].double(), inputs["age"].long()


def check_counts() -> None:
    with torch.device("meta"):
        counts = [sum(p.numel() for p in Dhaa(size).parameters()) for size in (Size(), FULL)]
    print(f"trained parameters: {counts[0]} and {counts[1]}")
    if counts != [TRAINED, 100_028_082]:
        raise SystemExit("the counts are wrong")


def check_flops() -> None:
    """Against the counts known for the full size (21.69 GFLOP forward, 64.76 a step, an image); only shapes are computed."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True):
        model = Dhaa(FULL)
        image, points = torch.zeros(2, 3, FULL.side, FULL.side), torch.tensor([FACE5, FACE5])
        with FlopCounterMode(display=False) as counter:
            out = model(image, points)
        forward = counter.get_total_flops() / 2
        with FlopCounterMode(display=False) as counter:
            sum(losses(out, torch.zeros(2, dtype=torch.long)).values()).backward()
        step = forward + counter.get_total_flops() / 2
    print(f"full size, an image: {forward / 1e9:.3f} GFLOP forward, {step / 1e9:.3f} a training step")
    report("forward FLOP against 21.69e9", abs(forward / 21.69e9 - 1.0), 5e-3)
    report("training FLOP against 64.76e9", abs(step / 64.76e9 - 1.0), 5e-3)


def check_alignment() -> None:
    """A known affine map of the targets is recovered, and eq. 1 is at its minimum where the fit is not exact."""
    rng = torch.Generator().manual_seed(SEED)
    for name, (_, _, weights) in ALIGNED.items():
        goal = torch.tensor(targets(name), **DOUBLE)
        theta = torch.eye(2, 3, **DOUBLE) + 0.3 * torch.randn(6, 2, 3, generator=rng, **DOUBLE)
        points = goal @ theta[:, :, :2].mT + theta[:, None, :, 2]
        report(f"{name}: affine map recovered", largest(source_map(points, targets(name), weights), theta), 1e-11)

        noisy = points + 0.05 * torch.randn(points.shape, generator=rng, **DOUBLE)
        back = source_map(noisy, targets(name), weights)
        # Into the region is the inverse of back: q = A p + t. The residual must be orthogonal to p and to 1 (normal equations).
        forward = torch.linalg.inv(back[:, :, :2])
        residual = (noisy - back[:, None, :, 2]) @ forward.mT - goal
        weighted = residual * torch.tensor(weights, **DOUBLE)[:, None]
        slope = torch.cat([weighted.mT @ noisy, weighted.sum(dim=1)[:, :, None]], dim=2)
        report(f"{name}: least squares at its minimum", slope.abs().max().item(), 1e-11)


def bilinear(plane: np.ndarray, x: float, y: float, clamp: bool) -> float:
    """One sample at (x, y) in pixels, pixel centres at whole numbers; outside is zero, or the border's value."""
    high, wide = plane.shape
    if clamp:
        x, y = min(max(x, 0.0), wide - 1.0), min(max(y, 0.0), high - 1.0)
    left, top = math.floor(x), math.floor(y)
    total = 0.0
    for j in (top, top + 1):
        for i in (left, left + 1):
            if 0 <= i < wide and 0 <= j < high:
                total += (1.0 - abs(x - i)) * (1.0 - abs(y - j)) * plane[j, i]
    return total


def check_sampling(model: Dhaa, points: torch.Tensor) -> None:
    """All six regions against loops over pixels, with the map solved by Cramer's rule from the 3 x 3 normal equations."""
    rng = np.random.default_rng(SEED)
    side, size = 16, model.size.size
    low = rng.normal(size=(points.shape[0], 2, side, side))
    face = model.regions(torch.from_numpy(low), points)
    outside = 0
    for name, got in face.items():
        wanted = np.zeros(got.shape)
        for b in range(low.shape[0]):
            if name == "whole":
                back = np.eye(2, 3)
            else:
                rows = np.column_stack([points[b].numpy(), np.ones(5)])
                scaled = rows * np.array(ALIGNED[name][2], dtype=float)[:, None]
                left, right = scaled.T @ rows, scaled.T @ np.array(targets(name))
                fit = np.empty((3, 2))
                for row in range(3):
                    for column in range(2):
                        swapped = left.copy()
                        swapped[:, row] = right[:, column]
                        fit[row, column] = np.linalg.det(swapped) / np.linalg.det(left)
                (a, c), (b2, d), shift = fit
                inverse = np.array([[d, -b2], [-c, a]]) / (a * d - b2 * c)
                back = np.column_stack([inverse, -inverse @ shift])
            for j in range(size):
                for i in range(size):
                    place = np.array([(2 * i + 1) / size - 1, (2 * j + 1) / size - 1, 1.0])
                    x, y = ((back @ place + 1) * side - 1) / 2
                    outside += name != "whole" and not (0 <= x <= side - 1 and 0 <= y <= side - 1)
                    for channel in range(2):
                        wanted[b, channel, j, i] = bilinear(low[b, channel], x, y, clamp=name == "whole")
        report(f"{name}: region against loops", largest(got, torch.from_numpy(wanted)), 1e-12)
    print(f"{outside} samples of these regions lie outside the map")
    same = torch.randn(1, 2, size, size, **DOUBLE)
    canonical = torch.tensor([FACE5], **DOUBLE)
    report("near at the canonical face is the identity", largest(aligned_region(same, canonical, "near", size), same), 1e-13)


def batch_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The normalised map, and the statistics that are kept: the mean and the unbiased variance."""
    count = x.numel() // x.shape[1]
    mean = x.sum(dim=(0, 2, 3)) / count
    away = x - mean[:, None, None]
    biased = (away * away).sum(dim=(0, 2, 3)) / count
    y = away / (biased + 1e-5).sqrt()[:, None, None] * weight[:, None, None] + bias[:, None, None]
    return y, mean, biased * count / (count - 1)


def check_formulas(model: Dhaa, image: torch.Tensor, points: torch.Tensor, age: torch.Tensor) -> None:
    """Stem, LSTM, losses and expectation from their written formulas and archc's names."""
    model = copy.deepcopy(model).train()
    w = {path: tensor.detach().clone() for path, tensor in tensors(model).items()}
    with torch.no_grad():
        out = model(image, points)
        after = tensors(model)

        patches = F.unfold(image, 7, padding=3, stride=2).reshape(4, 3 * 49, 32, 32)
        mixed = torch.einsum("oc,bchw->bohw", w["stem.conv1.weight"].flatten(1), patches)
        y, mean, variance = batch_norm(mixed, w["stem.bn1.weight"], w["stem.bn1.bias"])
        report("stem: running mean", largest(after["stem.bn1.running_mean"], 0.1 * mean), 1e-12)
        report("stem: running variance", largest(after["stem.bn1.running_var"], 0.9 + 0.1 * variance), 1e-12)
        padded = F.pad(y.clamp(min=0.0), (1, 1, 1, 1))
        pooled = torch.stack([padded[:, :, j : j + 31 : 2, i : i + 31 : 2] for j in range(3) for i in range(3)]).amax(dim=0)
        report("stem: output", largest(model.stem(image), pooled), 1e-12)

        for branch, keys in BRANCHES.items():
            hidden = cell = total = torch.zeros(4, model.size.width, **DOUBLE)
            at = f"{branch}.fuse.lstm.cell"
            for key in keys:
                code = out.values[f"{branch}.{key}.code"]
                gates = code @ w[f"{at}.weight_ih"].T + w[f"{at}.bias_ih"] + hidden @ w[f"{at}.weight_hh"].T + w[f"{at}.bias_hh"]
                i, f, g, o = gates.split(model.size.width, dim=1)
                cell = cell / (1 + (-f).exp()) + g.tanh() / (1 + (-i).exp())
                hidden = cell.tanh() / (1 + (-o).exp())
                total = total + hidden
                logits = code @ w[f"region.{branch}.{key}.logits.weight"].T + w[f"region.{branch}.{key}.logits.bias"]
                report(f"region.{branch}.{key}: logits", largest(out.logits[f"region.{branch}.{key}"], logits), 1e-12)
            report(f"{branch}: fusion", largest(out.values[branch], total), 1e-12)

        each, years = losses(out, age), expectations(out)
        for head, logits in out.logits.items():
            odds = [[math.exp(v) for v in row] for row in logits.tolist()]
            wanted = -sum(math.log(row[a] / sum(row)) for row, a in zip(odds, age.tolist())) / len(odds)
            report(f"{head}: loss", abs(each[head].item() / wanted - 1.0), 1e-12)
            mean_age = torch.tensor([sum(j * p for j, p in enumerate(row)) / sum(row) for row in odds], **DOUBLE)
            report(f"{head}: expectation", largest(years[head], mean_age), 1e-12)

    twice = mirrored(*mirrored(image, points))
    report("mirrored twice is the same", max(largest(twice[0], image), largest(twice[1], points)), 0.0)


def check_gradients(model: Dhaa, image: torch.Tensor, points: torch.Tensor, age: torch.Tensor) -> None:
    """Every tensor along a random direction, against central differences.

    A step that carries a ReLU or a maximum over its kink gives a wrong difference, a ten times smaller one then a right one.
    """
    model = copy.deepcopy(model).train()

    def total() -> torch.Tensor:
        return sum(losses(model(image, points), age).values())

    total().backward()
    rng = torch.Generator().manual_seed(SEED)
    worst, kinks = 0.0, 0
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            direction = torch.randn(parameter.shape, generator=rng, **DOUBLE)
            direction /= direction.norm()
            exact = (parameter.grad * direction).sum().item()
            start = parameter.clone()
            for step in (1e-6, 1e-7):
                ends = []
                for sign in (1.0, -1.0):
                    parameter.copy_(start + sign * step * direction)
                    ends.append(total().item())
                parameter.copy_(start)
                error = abs((ends[0] - ends[1]) / (2 * step) - exact) / max(parameter.grad.norm().item(), 1e-2)
                if error <= 1e-5:
                    break
                kinks += step == 1e-6
            else:
                print(f"  {archc_name(name)} is off by {error}")
            worst = max(worst, error)
    print(f"{kinks} tensors took the smaller step, for a kink")
    report("gradients of all tensors against central differences", worst, 1e-5)


def check_steps(weights: dict[str, torch.Tensor]) -> None:
    """Three steps as the formula has them, from the gradients that autograd gives at each point; names and states by the way."""
    size, inputs = Size(), make_inputs(Size(), 4, SEED)
    made = run(size, weights, inputs, "self-made weights", torch.float64)
    model = Dhaa(size).double()
    load(model, weights, "self-made weights")
    parameters = {archc_name(name): parameter for name, parameter in model.named_parameters()}
    velocity = {path: torch.zeros_like(parameter) for path, parameter in parameters.items()}
    for step in (1, 2, 3):
        model.train()
        out = model(inputs["image"].double(), inputs["landmarks"].double())
        gradients = torch.autograd.grad(sum(losses(out, inputs["age"].long()).values()), list(parameters.values()))
        with torch.no_grad():
            for (path, parameter), gradient in zip(parameters.items(), gradients):
                decayed = gradient + 5e-4 * parameter
                velocity[path] = 0.9 * velocity[path] + decayed
                parameter -= 0.01 * (decayed + 0.9 * velocity[path])
        if step in made.after:
            kept = {**tensors(model), **{f"optimizer.{path}.velocity": v for path, v in velocity.items()}}
            if kept.keys() != made.after[step].keys():
                raise SystemExit("the kept names are wrong")
            worst = max(largest(made.after[step][path], tensor.detach()) for path, tensor in kept.items())
            report(f"weights, statistics and velocities after step {step} against the formula", worst, 1e-10)
    if SGD != {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}:
        raise SystemExit("the formula above is not for these settings")


def main() -> None:
    torch.set_num_threads(1)
    check_counts()
    check_flops()
    check_alignment()
    model, weights, image, points, age = small()
    check_sampling(model, points)
    check_formulas(model, image, points, age)
    check_steps(weights)
    check_gradients(model, image, points, age)
    print("ok")


if __name__ == "__main__":
    main()
