/**
 * Random draws. TensorFlow's own generator is the language's (Philox4x32-10, counted by place and step); only its words
 * are taken from it, so that uniforms are the same numbers on every engine.
 */
import { elementCount } from "../../compiler/types/dim.ts";
import { Dim } from "../../compiler/types/dim.ts";
import { streamOf } from "../../compiler/ops/philox.ts";
import type { NodeEmitter, Row } from "./emitter.ts";
import { plain } from "./rows-basic.ts";
import { attr, type TfValue } from "./nodes.ts";

/** Philox in TensorFlow's numbering of algorithms. */
const PHILOX = 1;

export function randomRow(seed: number): Row {
  return {
    layout: () => ({ kind: "fixed", inputs: [], outputs: [] }),
    emit(e) {
      const count = elementCount(e.outputShape());
      const value = e.attribute("distribution") === "uniform" ? uniform(e, seed, count) : normal(e, seed, count);
      return plain(e.graph.reshape(e.graph.cast(value, e.outputType()), e.outputShape()));
    },
  };
}

/** Upper 24 bits of the first `count` words of the node's stream, as doubles. */
function draws(e: NodeEmitter, seed: number, count: Dim): TfValue {
  const [low, high] = streamOf(seed, String(e.attribute("path")), 0).key;
  const words = Uint32Array.of(low, high);
  const key = e.tf.literal(new Uint8Array(words.buffer), "u64", [1]);
  const zero = e.tf.scalar(0, "u64");
  const step = e.node.inputs.length === 0 ? zero : bits(e, e.graph.cast(e.input(0), "i64"));
  const counter = e.tf.one("Pack", [zero, step], "u64", { T: attr.type("u64"), N: attr.int(2), axis: attr.int(0) });
  const random = e.tf.one(
    "StatelessRandomUniformFullIntV2",
    [e.graph.shape([count]), key, counter, e.tf.scalar(PHILOX, "i32")],
    "u32",
    {
      dtype: attr.type("u32"),
      Tshape: attr.type("i32"),
    },
  );
  return e.graph.cast(e.graph.binary("RightShift", random, e.tf.scalar(8, "u32")), "f64");
}
function bits(e: NodeEmitter, value: TfValue): TfValue {
  return e.tf.one("Bitcast", [value], "u64", { T: attr.type(value.type), type: attr.type("u64") });
}

function uniform(e: NodeEmitter, seed: number, count: Dim): TfValue {
  const g = e.graph;
  const [low, high] = [e.number("low"), e.number("high")];
  const f64 = (value: number) => e.tf.scalar(value, "f64");
  const scaled = g.binary("RealDiv", g.binary("Mul", draws(e, seed, count), f64(high - low)), f64(0x1000000));
  return low === 0 ? scaled : g.binary("AddV2", scaled, f64(low));
}

/** Box and Muller's transform of neighbours: the first gives the radius, the second the angle. */
function normal(e: NodeEmitter, seed: number, count: Dim): TfValue {
  const g = e.graph;
  const f64 = (value: number) => e.tf.scalar(value, "f64");
  const pairs = count.ceilDividedBy(Dim.of(2));
  const words = g.reshape(draws(e, seed, pairs.scaled(2)), [pairs, Dim.of(2)]);
  const [first, second] = e.tf.add("Split", [e.tf.scalar(1, "i32"), words], ["f64", "f64"], {
    T: attr.type("f64"),
    num_split: attr.int(2),
  }) as [TfValue, TfValue];
  const share = g.binary("RealDiv", g.binary("AddV2", first, f64(1)), f64(0x1000000));
  const radius = g.binary(
    "Mul",
    g.unary("Sqrt", g.binary("Mul", g.unary("Log", share), f64(-2))),
    f64(e.number("std")),
  );
  const angle = g.binary("RealDiv", g.binary("Mul", second, f64(2 * Math.PI)), f64(0x1000000));
  const sides = [g.binary("Mul", radius, g.unary("Cos", angle)), g.binary("Mul", radius, g.unary("Sin", angle))];
  const both = e.tf.one("ConcatV2", [...sides, e.tf.scalar(1, "i32")], "f64", {
    T: attr.type("f64"),
    N: attr.int(2),
    Tidx: attr.type("i32"),
  });
  const flat = g.reshape(both, [pairs.scaled(2)]);
  const begin = e.tf.ints([0]);
  const cut = e.tf.one("Slice", [flat, begin, g.shape([count])], "f64", {
    T: attr.type("f64"),
    Index: attr.type("i32"),
  });
  return g.binary("AddV2", cut, f64(e.number("mean")));
}
