"""One golden case: runs a PyTorch module or function in evaluation and in training, and keeps what went in and came out."""

from collections.abc import Callable, Mapping
from copy import deepcopy

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64)


class Goldens:
    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}

    def keep(self, case: str, kind: str, name: str, tensor: torch.Tensor) -> None:
        key = f"{case}/{kind}.{name}" if name else f"{case}/{kind}"
        if key in self.tensors:
            raise SystemExit(f"{key} is there already")
        self.tensors[key] = tensor.detach().clone()

    def module(self, case: str, module: nn.Module, x: Tensors, names: Mapping[str, str], i: Tensors | None = None) -> None:
        """`names`: PyTorch's name of each parameter and buffer to archc's path; every parameter must be named."""
        module = module.double()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(0.5 * draw(*parameter.shape))
            for name, buffer in module.named_buffers():
                if name.endswith("running_mean"):
                    buffer.copy_(draw(*buffer.shape))
                if name.endswith("running_var"):
                    buffer.copy_(draw(*buffer.shape).abs() + 0.5)
        parameters = dict(module.named_parameters())
        if missing := [name for name in parameters if name not in names]:
            raise SystemExit(f"{case}: no path for {missing}")
        self.run(case, module, x, i or {}, {names[name]: (name, tensor) for name, tensor in module.state_dict().items() if name in names})

    def run(self, case: str, module: nn.Module, x: Tensors, i: Tensors, weights: Mapping[str, tuple[str, torch.Tensor]]) -> None:
        for path, (_, tensor) in weights.items():
            self.keep(case, "w", path, tensor)
        inputs = {name: tensor.detach().clone().requires_grad_() for name, tensor in x.items()}
        for name, tensor in inputs.items():
            self.keep(case, "x", name, tensor)
        for name, tensor in i.items():
            self.keep(case, "i", name, tensor)
        with torch.no_grad():
            y = deepcopy(module).eval()(*inputs.values(), *i.values())
        c = draw(*y.shape)
        self.keep(case, "y", "", y)
        self.keep(case, "c", "", c)
        module.train()
        loss = (module(*inputs.values(), *i.values()) * c).sum()
        parameters = dict(module.named_parameters())
        wanted = inputs | {path: parameters[name] for path, (name, _) in weights.items() if name in parameters}
        self.keep(case, "loss", "", loss)
        for name, gradient in zip(wanted, torch.autograd.grad(loss, list(wanted.values()), allow_unused=True), strict=True):
            if gradient is None:
                raise SystemExit(f"{case}: {name} has no gradient")
            self.keep(case, "grad", name, gradient)
        after = module.state_dict()
        for path, (name, _) in weights.items():
            if name not in parameters:
                self.keep(case, "after", path, after[name])

    def function(
        self, case: str, function: Callable[..., torch.Tensor], x: Tensors, i: Tensors | None = None, constant: frozenset[str] | set[str] = frozenset()
    ) -> None:
        """`constant`: float arguments that are given and not derived."""
        fixed = {name: tensor for name, tensor in x.items() if name in constant}
        moving = {name: tensor for name, tensor in x.items() if name not in constant}
        order = list(x) + list(i or {})

        class Wrapped(nn.Module):
            def forward(self, *given: torch.Tensor) -> torch.Tensor:
                named = dict(zip([*moving, *fixed, *(i or {})], given, strict=True))
                return function(*(named[name] for name in order))

        self.run(case, Wrapped(), moving, fixed | dict(i or {}), {})
