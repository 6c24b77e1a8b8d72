"""Goldens of recurrent layers and attention: PyTorch's LSTM, GRU and MultiheadAttention, padded sequences by packing."""

import torch
from torch import nn
from torch.nn import functional as F

from stdlib_case import Goldens, draw


class Packed(nn.Module):
    """A recurrent layer over padded sequences: states stand still behind a sample's length, outputs there are zeros."""

    def __init__(self, inner: nn.RNNBase) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.inner(packed)[0], batch_first=True, total_length=x.shape[1])[0]


class Outputs(nn.Module):
    def __init__(self, inner: nn.RNNBase) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)[0]


class SelfAttention(nn.Module):
    def __init__(self, inner: nn.MultiheadAttention, causal: bool) -> None:
        super().__init__()
        self.inner = inner
        self.causal = causal

    def forward(self, x: torch.Tensor, *live: torch.Tensor) -> torch.Tensor:
        steps = x.shape[1]
        hidden = torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1) if self.causal else None
        padding = ~live[0].bool() if live else None
        return self.inner(x, x, x, attn_mask=hidden, key_padding_mask=padding, need_weights=False)[0]


class CrossAttention(nn.Module):
    def __init__(self, inner: nn.MultiheadAttention) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        return self.inner(x, memory, memory, need_weights=False)[0]


class CausalDecoder(nn.Module):
    def __init__(self, inner: nn.TransformerDecoderLayer) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        steps = x.shape[1]
        return self.inner(x, memory, tgt_mask=torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1))


def apart(goldens: Goldens, case: str, layer: str, width: int) -> None:
    """PyTorch keeps the three projections as one matrix; archc's are three layers."""
    for kind in ("w", "grad"):
        for what, name in (("weight", "in_proj_weight"), ("bias", "in_proj_bias")):
            whole = goldens.tensors.pop(f"{case}/{kind}.{layer}.inner.{name}")
            for letter, part in zip("qkv", whole.split(width), strict=True):
                goldens.tensors[f"{case}/{kind}.{layer}.{letter}.{what}"] = part.clone()


def sequences() -> Goldens:
    g = Goldens()
    x, lengths = draw(3, 4, 5), torch.tensor([4, 1, 3])
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for kind, made in (("lstm", nn.LSTM), ("gru", nn.GRU)):
        one = {f"inner.{n}_l0": f"layer.cell.{n}" for n in names}
        g.module(kind, Outputs(made(5, 3, batch_first=True)), {"x": x}, one)
        two = {f"inner.{n}_l0": f"layer.there.cell.{n}" for n in names}
        two |= {f"inner.{n}_l0_reverse": f"layer.back.cell.{n}" for n in names}
        g.module(f"bidirectional_{kind}", Packed(made(5, 3, batch_first=True, bidirectional=True)), {"x": x}, two, {"lengths": lengths})

    tokens, memory = draw(2, 4, 6), draw(2, 3, 6)
    live = torch.tensor([[True, True, True, True], [True, True, False, False]])
    own = {f"inner.{n}": f"layer.inner.{n}" for n in ("in_proj_weight", "in_proj_bias")}
    own |= {f"inner.out_proj.{n}": f"layer.out.{n}" for n in ("weight", "bias")}
    for case, module, arguments, ints in (
        ("attention", SelfAttention(nn.MultiheadAttention(6, 2, batch_first=True), False), {"x": tokens}, {}),
        ("attention_causal", SelfAttention(nn.MultiheadAttention(6, 3, batch_first=True), True), {"x": tokens}, {}),
        ("masked_attention", SelfAttention(nn.MultiheadAttention(6, 2, batch_first=True), False), {"x": tokens}, {"live": live}),
        ("cross_attention", CrossAttention(nn.MultiheadAttention(6, 2, batch_first=True)), {"x": tokens, "memory": memory}, {}),
    ):
        g.module(case, module, arguments, own, ints)
        apart(g, case, "layer", 6)

    layer = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True)
    ends = ("weight", "bias")
    paths = {f"self_attn.{n}": f"layer.attention.inner.{n}" for n in ("in_proj_weight", "in_proj_bias")}
    for theirs, mine in (("self_attn.out_proj", "attention.out"), ("norm1", "norm1"), ("norm2", "norm2"), ("linear1", "up"), ("linear2", "down")):
        paths |= {f"{theirs}.{n}": f"layer.{mine}.{n}" for n in ends}
    g.module("encoder_layer", layer, {"x": tokens}, paths)
    apart(g, "encoder_layer", "layer.attention", 6)
    decoder = nn.TransformerDecoderLayer(6, 3, 8, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True)
    paths = {}
    for theirs, mine in (("self_attn", "attention"), ("multihead_attn", "cross")):
        paths |= {f"inner.{theirs}.{n}": f"layer.{mine}.inner.{n}" for n in ("in_proj_weight", "in_proj_bias")}
        paths |= {f"inner.{theirs}.out_proj.{n}": f"layer.{mine}.out.{n}" for n in ends}
    for theirs, mine in (("norm1", "norm1"), ("norm2", "norm2"), ("norm3", "norm3"), ("linear1", "up"), ("linear2", "down")):
        paths |= {f"inner.{theirs}.{n}": f"layer.{mine}.{n}" for n in ends}
    g.module("decoder_layer", CausalDecoder(decoder), {"x": tokens, "memory": memory}, paths)
    apart(g, "decoder_layer", "layer.attention", 6)
    apart(g, "decoder_layer", "layer.cross", 6)
    return g
