"""Writes the goldens of the standard library: what PyTorch's own layers, losses, optimizers and schedules give in f64.

Run by hand (see README.md). Nothing here reads archc's code or library. A case is a name and tensors:
`NAME/x.ARG` a float argument, `NAME/i.ARG` an integer one, `NAME/w.PATH` a weight or state under archc's path, `NAME/y` what comes out
in evaluation, `NAME/c` the weights of the sum that is derived, `NAME/loss` that sum in training, `NAME/grad.ARG` and `NAME/grad.PATH`
its gradients, `NAME/after.PATH` a state after one training step.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

import stdlib_recurrent
import stdlib_training
from stdlib_case import Goldens, draw


def layers() -> Goldens:
    g = Goldens()
    image, odd, rows, series = draw(2, 4, 4, 6), draw(1, 4, 5, 7), draw(3, 5), draw(2, 4, 9)

    # convolutions
    def conv(name: str, x: torch.Tensor, module: nn.Module) -> None:
        g.module(name, module, {"x": x}, {"weight": "layer.weight", "bias": "layer.bias"})

    conv("conv", image, nn.Conv2d(4, 3, 3, padding=1, bias=False))
    conv("conv_valid", odd, nn.Conv2d(4, 3, 3, bias=True))
    conv("conv_strided", odd, nn.Conv2d(4, 6, 5, stride=2, padding=2, bias=False))
    conv("conv_grouped_dilated", image, nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2, bias=False))
    conv("conv_pairs", odd, nn.Conv2d(4, 3, (1, 5), stride=(2, 1), padding=(0, 2), bias=False))
    conv("conv_pairs_dilated", odd, nn.Conv2d(4, 2, (3, 2), stride=(1, 2), padding=(1, 1), dilation=(2, 1)))
    conv("conv_same_even", image, nn.Conv2d(4, 3, 4, padding="same", bias=False))
    conv("conv1d", series, nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2))
    conv("conv1d_dilated", series, nn.Conv1d(4, 3, 3, padding=2, dilation=2, bias=False))
    conv("conv_transpose", odd, nn.ConvTranspose2d(4, 3, 2, stride=2))
    conv("conv_transpose_extra", odd, nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, bias=False))
    conv("conv_transpose_pairs", odd, nn.ConvTranspose2d(4, 3, (2, 3), stride=(2, 1), padding=(0, 1), dilation=(1, 2)))
    conv("conv_transpose1d", series, nn.ConvTranspose1d(4, 3, 3, stride=2, padding=1, output_padding=1))
    g.module("depthwise", nn.Conv2d(4, 8, 3, padding=1, groups=4, bias=False), {"x": image}, {"weight": "layer.conv.weight"})
    g.module(
        "separable_conv",
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), nn.Conv2d(4, 6, 1, bias=False)),
        {"x": image},
        {"0.weight": "layer.depthwise.conv.weight", "1.weight": "layer.pointwise.weight"},
    )
    # linear
    g.module("linear", nn.Linear(5, 4), {"x": draw(2, 3, 5)}, {"weight": "layer.weight", "bias": "layer.bias"})
    g.module("linear_plain", nn.Linear(5, 4, bias=False), {"x": rows}, {"weight": "layer.weight"})
    g.module("bilinear", nn.Bilinear(5, 4, 3), {"x": rows, "z": draw(3, 4)}, {"weight": "layer.weight", "bias": "layer.bias"})
    g.module("embedding", nn.Embedding(7, 3), {}, {"weight": "layer.weight"}, {"ids": torch.tensor([[0, 6, 2], [2, 2, 5]])})
    # normalisation
    both = {"weight": "layer.weight", "bias": "layer.bias"}
    states = {"running_mean": "layer.running_mean", "running_var": "layer.running_var"}
    g.module("batch_norm", nn.BatchNorm2d(4), {"x": image}, both | states)
    g.module("batch_norm_rows", nn.BatchNorm1d(5, eps=1e-3, momentum=0.3), {"x": draw(6, 5)}, both | states)
    g.module("batch_norm_series", nn.BatchNorm1d(4), {"x": series}, both | states)
    g.module("layer_norm", nn.LayerNorm(5), {"x": draw(2, 3, 5)}, both)
    g.module("rms_norm", nn.RMSNorm(5, eps=1e-6), {"x": draw(2, 3, 5)}, {"weight": "layer.weight"})
    g.module("group_norm", nn.GroupNorm(2, 4), {"x": odd}, both)
    g.module("instance_norm", nn.InstanceNorm2d(4), {"x": odd}, {})
    g.module("instance_norm_affine", nn.InstanceNorm1d(4, affine=True), {"x": series}, both)
    # pooling
    g.function("max_pool", lambda x: F.max_pool2d(x, 2), {"x": odd})
    g.function("max_pool_padded", lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0)), {"x": odd})
    g.function("avg_pool", lambda x: F.avg_pool2d(x, 3, 2, 1), {"x": odd})
    g.function("avg_pool_pairs", lambda x: F.avg_pool2d(x, (1, 3), (1, 2), (0, 1)), {"x": odd})
    g.function("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), {"x": series})
    g.function("avg_pool1d", lambda x: F.avg_pool1d(x, 2), {"x": series})
    g.function("global_avg_pool", lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), {"x": odd})
    g.function("global_max_pool", lambda x: F.adaptive_max_pool2d(x, 1).flatten(1), {"x": odd})
    g.function("adaptive_avg_pool", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), {"x": odd})
    g.function("adaptive_max_pool", lambda x: F.adaptive_max_pool2d(x, (3, 4)), {"x": odd})
    # shape
    g.function("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), {"x": draw(2, 8, 3, 2)})
    g.function("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), {"x": image})
    g.function("channel_shuffle", lambda x: F.channel_shuffle(x, 2), {"x": image})
    g.function("upsample_nearest", lambda x: F.interpolate(x, scale_factor=(2, 3), mode="nearest"), {"x": odd})
    g.function("upsample_bilinear", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False), {"x": odd})
    g.function("zero_pad", lambda x: F.pad(x, (1, 0, 2, 3)), {"x": odd})
    g.function("flatten", lambda x: x.flatten(1), {"x": image})
    g.function("pairwise_distance", F.pairwise_distance, {"x": rows, "z": draw(3, 5)})
    g.function("cosine_similarity", F.cosine_similarity, {"x": rows, "z": draw(3, 5)})
    return g


def activations() -> Goldens:
    g = Goldens()
    x = 2.5 * draw(3, 8)
    plain: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "relu": F.relu,
        "relu6": lambda x: F.relu6(3.0 * x),
        "leaky_relu": F.leaky_relu,
        "leaky_relu_steep": lambda x: F.leaky_relu(x, 0.2),
        "elu": lambda x: F.elu(x, 1.5),
        "selu": F.selu,
        "sigmoid": torch.sigmoid,
        "log_sigmoid": F.logsigmoid,
        "softplus": lambda x: F.softplus(x, beta=2.0),
        "softsign": F.softsign,
        "silu": F.silu,
        "mish": F.mish,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "hardtanh": lambda x: F.hardtanh(x, -0.5, 2.0),
        "hardsigmoid": lambda x: F.relu6(x + 3.0) / 6.0,  # F.hardsigmoid derives with a sixth in single precision
        "hardswish": F.hardswish,
        "tanh": torch.tanh,
        "glu": F.glu,
        "softmax": lambda x: F.softmax(x, -1),
        "log_softmax": lambda x: F.log_softmax(x, 0),
    }
    for name, function in plain.items():
        g.function(name, function, {"x": x})
    prelu = nn.PReLU(4)
    g.module("prelu", prelu, {"x": draw(2, 4, 3)}, {"weight": "layer.weight"})
    return g


def losses() -> Goldens:
    g = Goldens()
    logits, labels = draw(6, 5), {"y": torch.tensor([0, 4, 2, 1, 2, 3])}
    weights = torch.tensor([0.5, 2.0, 1.0, 0.25, 3.0], dtype=torch.float64)
    g.function("cross_entropy", lambda x, y: F.cross_entropy(x, y), {"x": logits}, labels)
    g.function("cross_entropy_smooth", lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1), {"x": logits}, labels)
    g.function("cross_entropy_weights", lambda x, y: F.cross_entropy(x, y, weights), {"x": logits}, labels)
    g.function("cross_entropy_both", lambda x, y: F.cross_entropy(x, y, weights, label_smoothing=0.2), {"x": logits}, labels)
    target = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.25]], dtype=torch.float64)
    scores = 3.0 * draw(2, 3)
    g.function("bce_with_logits", F.binary_cross_entropy_with_logits, {"x": scores, "y": target}, constant={"y"})
    g.function(
        "bce_with_logits_positive",
        lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor(3.0, dtype=torch.float64)),
        {"x": scores, "y": target},
        constant={"y"},
    )
    g.function("bce", F.binary_cross_entropy, {"x": torch.sigmoid(scores), "y": target}, constant={"y"})
    guess, truth = 2.0 * draw(3, 4), draw(3, 4)
    g.function("mse_loss", F.mse_loss, {"x": guess, "y": truth})
    g.function("l1_loss", F.l1_loss, {"x": guess, "y": truth})
    g.function("huber_loss", lambda x, y: F.huber_loss(x, y, delta=0.7), {"x": guess, "y": truth})
    g.function("smooth_l1_loss", lambda x, y: F.smooth_l1_loss(x, y, beta=0.5), {"x": guess, "y": truth})
    g.function("gaussian_nll_loss", F.gaussian_nll_loss, {"x": guess, "y": truth, "v": draw(3, 4).abs() + 0.1})
    p = F.softmax(draw(6, 5), 1)
    g.function("kl_divergence", lambda x, p: F.kl_div(F.log_softmax(x, 1), p, reduction="batchmean"), {"x": logits, "p": p}, constant={"p"})
    a, b, n = draw(4, 5), draw(4, 5), draw(4, 5)
    g.function("triplet_margin_loss", lambda a, b, n: F.triplet_margin_loss(a, b, n, margin=1.5), {"a": a, "b": b, "n": n})
    same = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
    g.function("cosine_embedding_loss", lambda a, b, y: F.cosine_embedding_loss(a, b, y, margin=0.1), {"a": a, "b": b, "y": same}, constant={"y"})
    some = {"y": torch.tensor([0, -1, 2, 4, -1, 3])}
    g.function("masked_cross_entropy", lambda x, y: F.cross_entropy(x, y, ignore_index=-1), {"x": draw(6, 5)}, some)
    return g


class Bottleneck(nn.Module):
    """ResNeXt's unit, written out in PyTorch's layers."""

    def __init__(self, channels: int, out: int, stride: int, groups: int) -> None:
        super().__init__()
        narrow = out // 4
        self.conv1, self.bn1 = nn.Conv2d(channels, narrow, 1, bias=False), nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3, self.bn3 = nn.Conv2d(narrow, out, 1, bias=False), nn.BatchNorm2d(out)
        self.conv, self.bn = nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + self.bn(self.conv(x)))


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, hidden: int, act: Callable[[torch.Tensor], torch.Tensor] = F.relu) -> None:
        super().__init__()
        self.act = act
        self.fc1, self.fc2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.fc2(self.act(self.fc1(x.mean((2, 3))))))[:, :, None, None]


class InvertedResidual(nn.Module):
    def __init__(self, channels: int, expand: int, kernel: int = 3) -> None:
        super().__init__()
        wide = channels * expand
        self.conv1, self.bn1 = nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide)
        self.conv2, self.bn2 = nn.Conv2d(wide, wide, kernel, padding=kernel // 2, groups=wide, bias=False), nn.BatchNorm2d(wide)
        self.conv3, self.bn3 = nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(self.bn2(self.conv2(F.relu6(self.bn1(self.conv1(x))))))
        return x + self.bn3(self.conv3(y))


def blocks() -> Goldens:
    g = Goldens()
    image = draw(2, 4, 4, 5)

    def paths(pairs: dict[str, str]) -> dict[str, str]:
        """Convolutions and norms by PyTorch's names of modules; a norm's states with it."""
        ends = ("weight", "bias", "running_mean", "running_var")
        return {f"{theirs}.{end}": f"layer.{mine}.{end}" for theirs, mine in pairs.items() for end in ends}

    own = {f"{kind}{i}": f"{kind}{i}" for kind in ("conv", "bn") for i in (1, 2, 3)}
    g.module("bottleneck", Bottleneck(4, 16, 2, 2), {"x": image}, paths(own | {"conv": "downsample.conv", "bn": "downsample.bn"}))
    g.module("squeeze_excite", SqueezeExcite(4, 2), {"x": image}, paths({"fc1": "fc1", "fc2": "fc2"}))
    parts = ("expand", "depthwise", "project")
    names = {f"{kind}{i + 1}": f"{part}.{layer}" for i, part in enumerate(parts) for kind, layer in (("conv", "conv"), ("bn", "batch_norm"))}
    g.module("inverted_residual", InvertedResidual(4, 2), {"x": image}, paths(names))
    conv = nn.Sequential(nn.Conv2d(4, 3, 5, 2, 2, bias=False), nn.BatchNorm2d(3), nn.SiLU())
    g.module("conv_bn_act", conv, {"x": image}, paths({"0": "conv", "1": "batch_norm"}))
    plain = nn.Sequential(nn.Conv2d(4, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3, eps=1e-3, momentum=0.3))
    g.module("conv_bn", plain, {"x": image}, paths({"0": "conv", "1": "batch_norm"}))
    g.module("squeeze_excite_silu", SqueezeExcite(4, 2, F.silu), {"x": image}, paths({"fc1": "fc1", "fc2": "fc2"}))
    g.module("inverted_residual_wide", InvertedResidual(4, 2, 5), {"x": image}, paths(names))
    return g


GROUPS: dict[str, Callable[[], Goldens]] = {
    "layers": layers,
    "activations": activations,
    "blocks": blocks,
    "losses": losses,
    "sequences": stdlib_recurrent.sequences,
    "training": stdlib_training.training,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    for name, make in GROUPS.items():
        torch.manual_seed(7)
        tensors = make().tensors
        beside = out / f"{name}.safetensors.part"
        save_file({key: tensor.contiguous() for key, tensor in sorted(tensors.items())}, beside)
        beside.chmod(0o644)
        os.replace(beside, out / f"{name}.safetensors")
        print(f"{(out / f'{name}.safetensors').stat().st_size:>8} {name}: {len({key.split('/')[0] for key in tensors})} cases")


if __name__ == "__main__":
    main()
