"""DHAA in PyTorch, written from the paper and the list of choices that the paper leaves open: an independent source of numbers.

It must not follow archc's own code: where a thing can be done in two ways, this one takes the other
(QR least squares for the alignment, PyTorch's own grid, LSTM cell, batch norm and optimizer).
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

# A canonical face in [-1, 1], x to the image's right: left eye, right eye, nose tip, left and right mouth corner.
FACE5 = [(-0.36, -0.28), (0.36, -0.28), (0.0, 0.10), (-0.30, 0.46), (0.30, 0.46)]

# Region -> (centre, scale, the points that the fit uses). The whole face is not in this table: it is only resized.
ALIGNED = {
    "near": ((0.0, 0.0), 1.0, (1, 1, 1, 1, 1)),
    "close": ((0.0, 0.0), 1.2, (1, 1, 1, 1, 1)),
    "eye": ((-0.36, -0.28), 2.4, (1, 1, 1, 0, 0)),
    "nose": ((0.0, 0.10), 2.4, (1, 1, 1, 0, 0)),
    "mouth": ((0.0, 0.46), 2.4, (0, 0, 1, 1, 1)),
}
GLOBAL = ("whole", "near", "close")
LOCAL = ("eye", "nose", "mouth")
# Branch -> the names of its sub-networks. The mixed ones are called after the global region that they read.
BRANCHES = {"global": GLOBAL, "local": LOCAL, "mixed": GLOBAL}


@dataclass(frozen=True)
class Size:
    """The size of the network; the defaults are the small one that the goldens are made for."""

    side: int = 64
    size: int = 14
    base: int = 2
    width: int = 4
    classes: int = 11
    units: int = 2


FULL = Size(side=256, size=56, base=64, width=128, classes=101, units=2)


def targets(region: str) -> list[list[float]]:
    """Where the five points should lie in a region, in the precision of Python's floats (f64)."""
    (cx, cy), scale, _ = ALIGNED[region]
    return [[(x - cx) * scale, (y - cy) * scale] for x, y in FACE5]


def source_map(points: torch.Tensor, wanted: list[list[float]], weights: tuple[int, ...]) -> torch.Tensor:
    """[B, 2, 3]: from a place in the region to the place in the source.

    Fits q = A p + t by least squares with a weight a point (eq. 1), by QR over rows scaled with the weights' roots, then inverts it.
    """
    root = torch.tensor(weights, dtype=points.dtype, device=points.device).sqrt()[:, None]
    goal = torch.tensor(wanted, dtype=points.dtype, device=points.device)
    rows = torch.cat([points, torch.ones_like(points[:, :, :1])], dim=2) * root
    q, r = torch.linalg.qr(rows)
    fit = torch.linalg.solve_triangular(r, q.mT @ (goal * root), upper=True)  # [B, 3, 2]: [p 1] @ fit = q
    back = torch.linalg.inv(fit[:, :2].mT)
    return torch.cat([back, -(back @ fit[:, 2, :, None])], dim=2)


def aligned_region(x: torch.Tensor, points: torch.Tensor, region: str, size: int) -> torch.Tensor:
    """Aligned Region Pooling: the region of `x`, bilinear, zero outside the source, pixel centres at (2 i + 1) / n - 1."""
    theta = source_map(points, targets(region), ALIGNED[region][2])
    grid = F.affine_grid(theta, [x.shape[0], x.shape[1], size, size], align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def mirrored(image: torch.Tensor, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The image and its points flipped left to right; left and right points change places."""
    flipped = points * torch.tensor([-1.0, 1.0], dtype=points.dtype, device=points.device)
    return image.flip(3), flipped[:, [1, 0, 2, 4, 3]]


def conv(inputs: int, out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, out, kernel, stride=stride, padding=kernel // 2, bias=False)


class Unit(nn.Module):
    """ResNet-18's residual unit."""

    def __init__(self, inputs: int, out: int, stride: int):
        super().__init__()
        self.conv1 = conv(inputs, out, 3, stride)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = conv(out, out, 3)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inputs != out:
            self.downsample = nn.ModuleDict({"conv": conv(inputs, out, 1, stride), "bn": nn.BatchNorm2d(out)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.downsample is not None:
            x = self.downsample["bn"](self.downsample["conv"](x))
        return F.relu(y + x)


def stage(inputs: int, out: int, stride: int, units: int) -> nn.Sequential:
    return nn.Sequential(*(Unit(inputs if i == 0 else out, out, stride if i == 0 else 1) for i in range(units)))


class Stem(nn.Module):
    def __init__(self, base: int):
        super().__init__()
        self.conv1 = conv(3, base, 7, 2)
        self.bn1 = nn.BatchNorm2d(base)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(F.relu(self.bn1(self.conv1(x))), kernel_size=3, stride=2, padding=1)


class Embed(nn.Module):
    """The end of a sub-network: 1x1 convolution, batch norm, ReLU, global average, fully connected."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.conv = conv(inputs, width, 1)
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(F.relu(self.bn(self.conv(x))).mean(dim=(2, 3)))


class SubNetwork(nn.Module):
    """One region's sub-network; a mixed one has no second stage, since it reads the others' outputs of it."""

    def __init__(self, size: Size, mixed: bool):
        super().__init__()
        base, units = size.base, size.units
        self.b2 = None if mixed else stage(base, 2 * base, 2, units)
        self.b3 = stage(4 * base if mixed else 2 * base, 4 * base, 2, units)
        self.b4 = stage(4 * base, 8 * base, 2, units)
        self.embed = Embed(8 * base, size.width)

    def code(self, y: torch.Tensor) -> torch.Tensor:
        return self.embed(self.b4(self.b3(y)))


@dataclass
class Outputs:
    """Logits by classifier ("final", "region.global.whole", ...) and every value on the way that has a name."""

    logits: dict[str, torch.Tensor] = field(default_factory=dict)
    values: dict[str, torch.Tensor] = field(default_factory=dict)


class Dhaa(nn.Module):
    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        self.stem = Stem(size.base)
        self.b1 = stage(size.base, size.base, 1, size.units)
        self.sub = nn.ModuleDict()
        self.fuse = nn.ModuleDict()
        region = nn.ModuleDict()
        for branch, keys in BRANCHES.items():
            self.sub[branch] = nn.ModuleDict({key: SubNetwork(size, branch == "mixed") for key in keys})
            self.fuse[branch] = nn.LSTMCell(size.width, size.width)
            region[branch] = nn.ModuleDict({key: nn.Linear(size.width, size.classes) for key in keys})
        self.heads = nn.ModuleDict({"region": region, "final": nn.Linear(3 * size.width, size.classes)})

    def regions(self, low: torch.Tensor, points: torch.Tensor) -> dict[str, torch.Tensor]:
        size = self.size.size
        face = {"whole": F.interpolate(low, size=(size, size), mode="bilinear", align_corners=False, antialias=False)}
        for name in ALIGNED:
            face[name] = aligned_region(low, points, name, size)
        return face

    def recurrent(self, branch: str, codes: list[torch.Tensor]) -> torch.Tensor:
        """The sum of the LSTM's hidden states over the sub-networks, from a zero start (eq. 2 and 3)."""
        hidden = cell = torch.zeros_like(codes[0])
        states = []
        for code in codes:
            hidden, cell = self.fuse[branch](code, (hidden, cell))
            states.append(hidden)
        return torch.stack(states).sum(dim=0)

    def forward(self, image: torch.Tensor, points: torch.Tensor) -> Outputs:
        out = Outputs()
        named = out.values
        named["low"] = self.b1(self.stem(image))
        face = self.regions(named["low"], points)
        named.update({f"face.{name}": region for name, region in face.items()})

        for branch, keys in BRANCHES.items():
            codes = []
            for k, key in enumerate(keys):
                net = self.sub[branch][key]
                at = f"{branch}.{key}"
                if branch == "mixed":
                    y = torch.cat([named[f"global.{GLOBAL[k]}.b2"], named[f"local.{LOCAL[k]}.b2"]], dim=1)
                else:
                    y = named[f"{at}.b2"] = net.b2(face[key])
                codes.append(net.code(y))
                named[f"{at}.code"] = codes[-1]
                out.logits[f"region.{at}"] = self.heads["region"][branch][key](codes[-1])
            named[branch] = self.recurrent(branch, codes)

        named["joined"] = torch.cat([named[branch] for branch in BRANCHES], dim=1)
        out.logits["final"] = self.heads["final"](named["joined"])
        named.update({f"{head}.logits": logits for head, logits in out.logits.items()})
        return out


def losses(out: Outputs, age: torch.Tensor) -> dict[str, torch.Tensor]:
    """The ten cross entropies, means over the batch; the training loss is their plain sum (eq. 4)."""
    return {head: F.cross_entropy(logits, age) for head, logits in out.logits.items()}


def expectations(out: Outputs) -> dict[str, torch.Tensor]:
    """The expected age under each classifier's softmax: sum of j p_j."""
    years = {}
    for head, logits in out.logits.items():
        ages = torch.arange(logits.shape[1], dtype=logits.dtype, device=logits.device)
        years[head] = (logits.softmax(dim=1) * ages).sum(dim=1)
    return years
