"""Goldens of optimizers, clipping and schedules: a weight under given gradients, PyTorch's own steps.

`NAME/w.weight` the weight at the start, `NAME/i.g` its gradients [steps, ...], `NAME/y` the weight after each step; for schedules
`NAME/i.steps` the step numbers, `NAME/i.epochs` the epochs, `NAME/y` the rates.
"""

from collections.abc import Callable

import torch
from torch import optim

from stdlib_case import Goldens, draw

STEPS = 5


def training() -> Goldens:
    g = Goldens()
    start, gradients = draw(2, 3), draw(STEPS, 2, 3)
    rate = 0.05

    def run(case: str, make: Callable[[list[torch.Tensor]], optim.Optimizer], clip: Callable[[torch.Tensor], object] = lambda _: None) -> None:
        weight = start.clone().requires_grad_()
        optimizer = make([weight])
        seen = []
        for gradient in gradients:
            weight.grad = gradient.clone()
            clip(weight)
            optimizer.step()
            seen.append(weight.detach().clone())
        g.keep(case, "w", "weight", start)
        g.keep(case, "i", "g", gradients)
        g.keep(case, "y", "", torch.stack(seen))

    run("sgd", lambda w: optim.SGD(w, rate))
    run("sgd_momentum", lambda w: optim.SGD(w, rate, momentum=0.9, weight_decay=0.1))
    run("sgd_nesterov", lambda w: optim.SGD(w, rate, momentum=0.9, nesterov=True, weight_decay=5e-4))
    run("adam", lambda w: optim.Adam(w, rate))
    run("adam_decay", lambda w: optim.Adam(w, rate, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1))
    run("adamw", lambda w: optim.AdamW(w, rate, weight_decay=0.2))
    run("rmsprop", lambda w: optim.RMSprop(w, rate))
    run("rmsprop_momentum", lambda w: optim.RMSprop(w, rate, alpha=0.9, momentum=0.5, weight_decay=0.1))
    run("adagrad", lambda w: optim.Adagrad(w, rate, weight_decay=0.1))
    run("clip_norm", lambda w: optim.SGD(w, rate), lambda w: torch.nn.utils.clip_grad_norm_([w], 0.8))
    run("clip_value", lambda w: optim.SGD(w, rate), lambda w: torch.nn.utils.clip_grad_value_([w], 0.3))

    def schedule(case: str, count: int, per_epoch: int, top: float, make: Callable[[optim.Optimizer], optim.lr_scheduler.LRScheduler]) -> None:
        """`per_epoch` steps of the scheduler each epoch; PyTorch's steps are archc's epochs where a schedule counts epochs."""
        optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], top)
        made = make(optimizer)
        rates = []
        for _ in range(count):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            made.step()
        g.keep(case, "i", "per_epoch", torch.tensor(per_epoch))
        g.keep(case, "y", "", torch.tensor(rates))

    lrs = optim.lr_scheduler
    schedule("steps", 8, 1, 0.1, lambda o: lrs.MultiStepLR(o, [2, 5], 0.1))
    schedule("exponential", 6, 1, 0.1, lambda o: lrs.ExponentialLR(o, 0.7))
    schedule("cosine", 9, 4, 0.1, lambda o: lrs.CosineAnnealingLR(o, 8, 0.01))
    schedule("polynomial", 9, 4, 0.1, lambda o: lrs.PolynomialLR(o, 6, 2.0))
    schedule("one_cycle", 20, 4, 0.1, lambda o: lrs.OneCycleLR(o, 0.1, 20, cycle_momentum=False))
    return g
