"""The one place that knows how archc calls the weights of models/dhaa.arch and its ablations.

It must refuse a weights file that does not fit name for name and shape for shape: a silent gap would make wrong goldens.
"""

import re

import torch
from torch import nn

UNIT = r"(\d+)\.(conv1|bn1|conv2|bn2|downsample\.conv|downsample\.bn)\.(\w+)"
RULES = [
    (r"stem\.(conv1|bn1)\.(\w+)", r"stem.\1.\2"),
    (rf"b1\.{UNIT}", r"b1.\1.unit.\2.\3"),
    (rf"sub\.(\w+)\.(\w+)\.b2\.{UNIT}", r"\1.\2.b2.\3.unit.\4.\5"),
    (rf"sub\.(\w+)\.(\w+)\.(b3|b4)\.{UNIT}", r"\1.\2.code.tail.\3.\4.unit.\5.\6"),
    (r"sub\.(\w+)\.(\w+)\.embed\.conv\.(\w+)", r"\1.\2.code.embed.conv.\3"),
    (r"sub\.(\w+)\.(\w+)\.embed\.bn\.(\w+)", r"\1.\2.code.embed.batch_norm.\3"),
    (r"sub\.(\w+)\.(\w+)\.embed\.fc\.(\w+)", r"\1.\2.code.embed.linear.\3"),
    (r"fuse\.(\w+)\.((?:weight|bias)_\w+)", r"\1.fuse.lstm.cell.\2"),
    (r"heads\.region\.(\w+)\.(\w+)\.(\w+)", r"region.\1.\2.logits.\3"),
    (r"heads\.final\.(\w+)", r"final.logits.\1"),
    # what only ablations have
    (r"fuse\.(\w+)\.(weight|bias)", r"\1.fuse.linear.\2"),
    (rf"b2\.(whole|near|close)\.{UNIT}", r"global.\1.b2.\2.unit.\3.\4"),
    (rf"b2\.(eye|nose|mouth)\.{UNIT}", r"local.\1.b2.\2.unit.\3.\4"),
    (rf"(b2|b3|b4)\.{UNIT}", r"\1.\2.unit.\3.\4"),
]


def archc_name(name: str) -> str:
    """archc's path of a parameter or buffer of network.Dhaa."""
    found = [re.sub(pattern, path, name) for pattern, path in RULES if re.fullmatch(pattern, name)]
    if len(found) != 1:
        raise SystemExit(f"{name}: {len(found)} rules of names.py fit, expected one")
    return found[0]


def velocity_name(path: str) -> str:
    return f"optimizer.{path}.velocity"


def tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Trained parameters and running statistics by archc's path (PyTorch's own batch counter has no counterpart)."""
    found = {archc_name(n): t for n, t in model.state_dict(keep_vars=True).items() if not n.endswith("num_batches_tracked")}
    trained = {archc_name(n) for n, _ in model.named_parameters()}
    if len(found) != len(trained) + sum(path.endswith((".running_mean", ".running_var")) for path in found):
        raise SystemExit("names.py gives one path to two tensors")
    return found


def load(model: nn.Module, weights: dict[str, torch.Tensor], source: str) -> None:
    """Copy f32 weights into the model, cast exactly to its dtype. Optimizer state may be there if it is zero."""
    own = tensors(model)
    wrong = []
    for path in sorted(own.keys() | weights.keys()):
        if path not in weights:
            wrong.append(f"{path}: expected by the network, not in the file")
        elif path not in own:
            if not (path.startswith("optimizer.") and not weights[path].any()):
                wrong.append(f"{path}: in the file, not known to the network")
        elif weights[path].dtype != torch.float32 or weights[path].shape != own[path].shape:
            wrong.append(
                f"{path}: expected float32 {list(own[path].shape)}, got {weights[path].dtype} {list(weights[path].shape)}"
            )
    if wrong:
        listed = "\n  ".join(wrong[:40])
        raise SystemExit(f"{source} does not fit the network, {len(wrong)} names differ:\n  {listed}")
    with torch.no_grad():
        for path, tensor in own.items():
            tensor.copy_(weights[path])
