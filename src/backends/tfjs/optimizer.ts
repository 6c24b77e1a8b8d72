/**
 * Emits updates. A weight and its velocity that move as momentum does, whoever wrote it so, are changed in place by one
 * kernel; everything else is assigned.
 */
import type { Update, Value } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import type { GraphEmitter, TfVariable } from "./emitter.ts";
import { attr, type TfValue } from "./nodes.ts";
import type { Step } from "./schedule.ts";

interface Momentum {
  readonly weight: Update;
  readonly velocity: Update;
  readonly gradient: Value;
  readonly rate: Value;
  readonly momentum: Value;
  readonly nesterov: boolean;
}

/** Emits the updates of one group; gives the names of the nodes that made them. */
export function emitUpdates(
  e: GraphEmitter,
  { updates, after: readers }: Extract<Step, { kind: "updates" }>,
  variables: ReadonlyMap<string, TfVariable>,
  reads: ReadonlyMap<string, TfValue>,
): string[] {
  const made: string[] = [];
  const left = new Set(updates);
  // A kernel that changes a variable in place copies it first where somebody still holds what was read.
  const earlier = readers.flatMap((node) => e.namesOf(node));
  const after = (update: Update): string[] => {
    const read = reads.get(update.variable.path);
    return read === undefined ? earlier : [read.node, ...earlier];
  };
  const target = (update: Update): TfVariable => {
    const variable = variables.get(update.variable.path);
    if (variable === undefined) throw new Error(`no variable ${update.variable.path}`);
    return variable;
  };
  for (const update of updates) {
    const found = left.has(update) ? momentumOf(update, [...left]) : undefined;
    if (found === undefined) continue;
    left.delete(found.weight);
    left.delete(found.velocity);
    const [weight, velocity] = [target(found.weight), target(found.velocity)];
    const gradient = e.value(found.gradient, weight.layout);
    const inputs = [weight.handle, velocity.handle, e.value(found.rate), gradient, e.value(found.momentum)];
    const attributes = {
      T: attr.type(gradient.type),
      use_locking: attr.bool(false),
      use_nesterov: attr.bool(found.nesterov),
    };
    const options = { after: [...after(found.weight), ...after(found.velocity)] };
    made.push(
      e.within(`update/${found.weight.variable.path}`, () =>
        e.tf.effect("ResourceApplyMomentum", inputs, attributes, options),
      ),
    );
  }
  // All values first: they see the variables as they were.
  const assigned = [...left].map((update) => {
    const { layout } = target(update);
    const value = e.value(update.value, layout);
    const fed = update.value.node.op === "input" || update.value.node.op === "variable";
    return { update, value: fed ? e.tf.one("DeepCopy", [value], value.type, { T: attr.type(value.type) }) : value };
  });
  for (const { update, value } of assigned) {
    const inputs = [target(update).handle, value];
    made.push(
      e.within(`update/${update.variable.path}`, () =>
        e.tf.effect("AssignVariableOp", inputs, { dtype: attr.type(value.type) }, { after: after(update) }),
      ),
    );
  }
  return made;
}

/**
 * `velocity = m * velocity + g; weight = weight - rate * (g + m * velocity)`, or with `velocity` alone in the brackets:
 * what the kernel computes. Sums and products may stand either way round.
 */
function momentumOf(weight: Update, others: readonly Update[]): Momentum | undefined {
  const type = typeOf(weight.value);
  if (type.dtype !== "f32") return undefined;
  const moved = binary(weight.value, "sub");
  if (moved === undefined || !same(moved[0], weight.variable.value)) return undefined;
  for (const [rate, step] of either(binary(moved[1], "mul"))) {
    if (!isScalar(rate)) continue;
    for (const velocity of others) {
      if (velocity === weight || typeOf(velocity.value).dtype !== "f32") continue;
      const law = velocityOf(velocity);
      if (law === undefined) continue;
      if (same(step, velocity.value)) return { weight, velocity, ...law, rate: inner(rate), nesterov: false };
      for (const [gradient, ahead] of either(binary(step, "add"))) {
        if (!same(gradient, law.gradient)) continue;
        for (const [factor, after] of either(binary(ahead, "mul"))) {
          if (sameNumber(factor, law.momentum) && same(after, velocity.value))
            return { weight, velocity, ...law, rate: inner(rate), nesterov: true };
        }
      }
    }
  }
  return undefined;
}
function velocityOf(update: Update): { readonly gradient: Value; readonly momentum: Value } | undefined {
  const shape = typeOf(update.value).shape;
  for (const [decayed, gradient] of either(binary(update.value, "add"))) {
    const fits =
      typeOf(gradient).shape.length === shape.length &&
      typeOf(gradient).shape.every((d, i) => shape[i]?.equals(d) === true);
    if (!fits) continue;
    for (const [factor, before] of either(binary(decayed, "mul"))) {
      if (isScalar(factor) && same(before, update.variable.value)) return { gradient, momentum: inner(factor) };
    }
  }
  return undefined;
}

function binary(value: Value, op: string): readonly [Value, Value] | undefined {
  const [x, y] = value.node.inputs;
  return value.node.op === op && x && y ? [x, y] : undefined;
}
function either(pair: readonly [Value, Value] | undefined): readonly (readonly [Value, Value])[] {
  return pair === undefined ? [] : [pair, [pair[1], pair[0]]];
}
function same(a: Value, b: Value): boolean {
  return a.node === b.node && a.index === b.index;
}
/** One number, perhaps expanded. */
function isScalar(value: Value): boolean {
  return typeOf(inner(value)).shape.length === 0;
}
function inner(value: Value): Value {
  const [source] = value.node.inputs;
  return value.node.op === "expand" && source ? inner(source) : value;
}
function sameNumber(a: Value, b: Value): boolean {
  const [x, y] = [inner(a), inner(b)];
  if (same(x, y)) return true;
  const numbers = [x, y].map((v) => v.node.attributes["values"]);
  return (
    numbers.every((n) => n instanceof Float64Array && n.length === 1) &&
    (numbers[0] as Float64Array)[0] === (numbers[1] as Float64Array)[0]
  );
}
