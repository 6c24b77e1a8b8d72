"""JAX as a contender of a bench: one training step after another, the whole of it one jitted function that is given its state's buffers.

    python bench/contenders/jax_step.py MODEL INPUTS.safetensors

MODEL is dhaa or resnet18, written in plain JAX with channels last, which XLA's CPU convolutions want. Needs jax and safetensors.
"""

import functools
import sys

import jax
import jax.numpy as jnp
from jax import lax
from safetensors.numpy import load_file

from steps import serve

RATE, MOMENTUM, DECAY, CLASSES = 0.01, 0.9, 5e-4, 101
FACE5 = jnp.array([(-0.36, -0.28), (0.36, -0.28), (0.0, 0.10), (-0.30, 0.46), (0.30, 0.46)])
# Region -> (centre, scale, the points that the fit uses)
ALIGNED = {
    "near": ((0.0, 0.0), 1.0, (1, 1, 1, 1, 1)),
    "close": ((0.0, 0.0), 1.2, (1, 1, 1, 1, 1)),
    "eye": ((-0.36, -0.28), 2.4, (1, 1, 1, 0, 0)),
    "nose": ((0.0, 0.10), 2.4, (1, 1, 1, 0, 0)),
    "mouth": ((0.0, 0.46), 2.4, (0, 0, 1, 1, 1)),
}


class Net:
    """Layers by name. Without weights it draws them as it meets them; with them it computes, and gathers running statistics."""

    def __init__(self, weights: dict | None = None, running: dict | None = None):
        self.drawn, self.fresh = weights is None, running is None
        self.weights, self.running = weights or {}, running or {}
        self.next = {}

    def weight(self, name: str, shape: tuple, start):
        if self.drawn:
            self.weights[name] = start(jax.random.key(len(self.weights)), shape, jnp.float32)
        return self.weights[name]

    def conv(self, name: str, x, outputs: int, size: int, stride: int = 1):
        he = jax.nn.initializers.variance_scaling(2.0, "fan_out", "normal")
        kernel = self.weight(name, (size, size, x.shape[3], outputs), he)
        pad = [(size // 2, size // 2)] * 2
        return lax.conv_general_dilated(x, kernel, (stride, stride), pad, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def norm(self, name: str, x):
        channels = x.shape[3:]
        scale = self.weight(f"{name}.scale", channels, jax.nn.initializers.ones)
        offset = self.weight(f"{name}.offset", channels, jax.nn.initializers.zeros)
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        count = x.size // x.shape[3]
        old = (jnp.zeros(channels), jnp.ones(channels)) if self.fresh else self.running[name]
        new = (mean, variance * count / (count - 1))
        self.next[name] = tuple(0.9 * o + 0.1 * lax.stop_gradient(n) for o, n in zip(old, new))
        return (x - mean) * (scale * lax.rsqrt(variance + 1e-5)) + offset

    def linear(self, name: str, x, outputs: int):
        start = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
        return x @ self.weight(f"{name}.weight", (x.shape[1], outputs), start) + self.weight(f"{name}.bias", (outputs,), jax.nn.initializers.zeros)

    def stem(self, x):
        x = jax.nn.relu(self.norm("bn", self.conv("stem", x, 64, 7, 2)))
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), [(0, 0), (1, 1), (1, 1), (0, 0)])

    def stage(self, name: str, x, outputs: int, stride: int):
        for i in range(2):
            at, step = f"{name}.{i}", stride if i == 0 else 1
            y = jax.nn.relu(self.norm(f"{at}.bn1", self.conv(f"{at}.conv1", x, outputs, 3, step)))
            y = self.norm(f"{at}.bn2", self.conv(f"{at}.conv2", y, outputs, 3))
            if step != 1 or x.shape[3] != outputs:
                x = self.norm(f"{at}.bn", self.conv(f"{at}.conv", x, outputs, 1, step))
            x = jax.nn.relu(x + y)
        return x


def cross_entropy(logits, age):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), age[:, None], axis=1).mean()


def resnet18(net: Net, batch: dict):
    x = net.stem(batch["image"])
    for i, width in enumerate((64, 128, 256, 512)):
        x = net.stage(f"layer{i}", x, width, 1 if i == 0 else 2)
    return cross_entropy(net.linear("fc", x.mean((1, 2)), CLASSES), batch["age"])


def aligned(x, points, centre, scale, weights, size: int):
    """The region of `x` around the fitted face, bilinear, zero outside of it."""
    weights = jnp.array(weights, jnp.float32)[:, None]
    rows = jnp.concatenate([points, jnp.ones_like(points[:, :, :1])], axis=2)
    turned = (rows * weights).transpose(0, 2, 1)
    fit = jnp.linalg.solve(turned @ rows, turned @ ((FACE5 - jnp.array(centre)) * scale))
    back = jnp.linalg.inv(fit[:, :2])
    place = (2 * jnp.arange(size) + 1) / size - 1
    grid = jnp.stack(jnp.meshgrid(place, place), axis=-1).reshape(1, -1, 2)
    height, width, channels = x.shape[1:]
    at = ((grid - fit[:, 2:]) @ back + 1) * jnp.array([width, height]) / 2 - 0.5
    low = jnp.floor(at)
    part, low = at - low, low.astype(jnp.int32)
    flat, result = x.reshape(x.shape[0], -1, channels), 0.0
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        u, v = low[..., 0] + dx, low[..., 1] + dy
        share = jnp.abs(1 - dx - part[..., 0]) * jnp.abs(1 - dy - part[..., 1]) * ((u >= 0) & (u < width) & (v >= 0) & (v < height))
        index = jnp.clip(v, 0, height - 1) * width + jnp.clip(u, 0, width - 1)
        result += jnp.take_along_axis(flat, index[..., None], axis=1) * share[..., None]
    return result.reshape(x.shape[0], size, size, channels)


def lstm_sum(net: Net, name: str, codes: list):
    hidden = cell = total = jnp.zeros_like(codes[0])
    for code in codes:
        i, f, g, o = jnp.split(net.linear(f"{name}.x", code, 512) + net.linear(f"{name}.h", hidden, 512), 4, axis=1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        total += hidden
    return total


def dhaa(net: Net, batch: dict):
    low = net.stage("b1", net.stem(batch["image"]), 64, 1)
    face = {name: aligned(low, batch["landmarks"], *how, 56) for name, how in ALIGNED.items()}
    face["whole"] = jax.image.resize(low, (low.shape[0], 56, 56, 64), "linear", antialias=False)
    inner = {name: net.stage(f"{name}.b2", x, 128, 2) for name, x in face.items()}
    pairs = (("whole", "eye"), ("near", "nose"), ("close", "mouth"))
    inner.update({f"{g}+{l}": jnp.concatenate([inner[g], inner[l]], axis=3) for g, l in pairs})
    branches = ([g for g, _ in pairs], [l for _, l in pairs], [f"{g}+{l}" for g, l in pairs])
    loss, joined = 0.0, []
    for number, names in enumerate(branches):
        codes = []
        for name in names:
            y = net.stage(f"{name}.b4", net.stage(f"{name}.b3", inner[name], 256, 2), 512, 2)
            y = jax.nn.relu(net.norm(f"{name}.bn", net.conv(f"{name}.conv", y, 128, 1)))
            codes.append(net.linear(f"{name}.fc", y.mean((1, 2)), 128))
            loss += cross_entropy(net.linear(f"{name}.logits", codes[-1], CLASSES), batch["age"])
        joined.append(lstm_sum(net, f"lstm{number}", codes))
    return loss + cross_entropy(net.linear("final", jnp.concatenate(joined, axis=1), CLASSES), batch["age"])


def main() -> None:
    model = {"dhaa": dhaa, "resnet18": resnet18}[sys.argv[1]]
    batch = {name: jnp.asarray(value) for name, value in load_file(sys.argv[2]).items()}
    batch["image"] = batch["image"].transpose(0, 2, 3, 1)

    def start(batch: dict):
        net = Net()
        model(net, batch)
        return net.weights, net.next

    def loss_of(weights: dict, running: dict, batch: dict):
        net = Net(weights, running)
        return model(net, batch), net.next

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def train_step(weights: dict, velocity: dict, running: dict, batch: dict):
        (loss, running), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, running, batch)
        gradients = jax.tree.map(lambda g, w: g + DECAY * w, gradients, weights)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradients)
        weights = jax.tree.map(lambda w, g, v: w - RATE * (g + MOMENTUM * v), weights, gradients, velocity)
        return weights, velocity, running, loss

    weights, running = jax.jit(start)(batch)
    state = (weights, jax.tree.map(jnp.zeros_like, weights), running)

    def step() -> float:
        nonlocal state
        *state, loss = train_step(*state, batch)
        return float(loss)

    serve(step)


main()
