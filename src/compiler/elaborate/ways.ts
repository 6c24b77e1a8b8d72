/**
 * The way out of a mistake with shapes, read off the two shapes: a projection where only channels differ, `new` where an
 * axis is missing, a pool where one map is larger. Where one edit mends the program it is given as well. Reports nothing.
 */
import type { Fix } from "../diagnostics/diagnostic.ts";
import { type Span, spanText } from "../source/source.ts";
import type { BinaryExpr, Expr } from "../syntax/ast.ts";
import { Dim, type Shape } from "../types/dim.ts";
import type { Facts } from "../types/facts.ts";
import type { JoinError } from "../types/shapes.ts";
import { isFloat, type TensorType } from "../types/tensor.ts";
import { pipedOn, pipeInstead, wrapped } from "./edits.ts";

export interface Way {
  readonly help: string;
  readonly fixes: readonly Fix[];
}
const none: Way = { help: "", fixes: [] };

/** One side of an operator: where it stands, and its shape. */
interface Side {
  readonly expr: Expr;
  readonly shape: Shape;
}

/** Two tensors whose shapes do not stretch to each other. */
export function waysTogether(expr: BinaryExpr, left: Shape, right: Shape, facts: Facts): Way {
  const sides = [
    { expr: expr.left, shape: left },
    { expr: expr.right, shape: right },
  ] as const;
  const known = maps(sides, facts) ?? newAxes(sides, facts);
  if (known !== undefined || left.length !== right.length) return known ?? none;
  return { help: "the two must be equal: change what gives one of them, where it is marked", fixes: [] };
}

/** Two feature maps [B, C, H, W]. */
function maps([a, b]: readonly [Side, Side], facts: Facts): Way | undefined {
  if (a.shape.length !== 4 || b.shape.length !== 4) return undefined;
  const same = a.shape.map((d, i) => {
    const other = b.shape[i];
    return other !== undefined && facts.equal(d, other);
  });
  const [sizes, others] = [a.shape.map((d) => d.constant), b.shape.map((d) => d.constant)];
  if (same[0] === true && same[1] !== true && same[2] === true && same[3] === true) {
    const [few, many] = (sizes[1] ?? 0) < (others[1] ?? 0) ? [a, b.shape[1]] : [b, a.shape[1]];
    return many?.constant === undefined ? undefined : projection(few, many);
  }
  if (same[1] !== true || sizes[2] === undefined || others[2] === undefined) return undefined;
  const [large, small] = sizes[2] > others[2] ? [a, b] : [b, a];
  const [h, w] = [2, 3].map((i) => [large.shape[i]?.constant ?? 0, small.shape[i]?.constant ?? 0] as const);
  if (h === undefined || w === undefined || h[1] <= 0 || w[1] <= 0) return undefined;
  const times = h[0] / h[1];
  if (Number.isInteger(times) && times > 1 && w[0] / w[1] === times) {
    const name = named(large.expr);
    return {
      help: `${name} is ${String(times)} times as large:   ${name} |> max_pool(${String(times)})   or a layer with stride: ${String(times)}`,
      fixes: [],
    };
  }
  const lost = h[0] - h[1];
  if (lost <= 6 && w[0] - w[1] === lost)
    return {
      help: `a kernel that reaches over the border takes ${String(lost)} away; \`pad\` of its layer gives it back`,
      fixes: [],
    };
  return undefined;
}

function projection({ expr }: Side, channels: Dim): Way {
  const step = `conv(${channels.toString()}, kernel: 1) as project`;
  if (expr.kind !== "name") return { help: `project the side with fewer channels:   … |> ${step}`, fixes: [] };
  const pipe = `${expr.text} |> ${step}`;
  return {
    help: `project ${expr.text} first:   ${pipe}`,
    fixes: [{ title: `project ${expr.text}`, span: expr.span, text: pipeInstead(expr.span, pipe) }],
  };
}

/** Joined along one axis, different in another. */
export function joinWay(callee: string, rank: number, { left, right, axis }: JoinError): string {
  if (rank === 4 && axis === 1) return `to lay channels behind each other, join along axis 1:   ${callee}(axis: 1)`;
  if (rank === 2 && axis === 1)
    return `to lay the numbers of each row side by side, join along axis 1:   ${callee}(axis: 1)`;
  const [a, b] = [left.constant ?? 0, right.constant ?? 0];
  const times = Math.max(a, b) / Math.max(1, Math.min(a, b));
  if (rank === 4 && Number.isInteger(times) && times > 1)
    return `bring the larger one down:   … |> max_pool(${String(times)})   or a layer with stride: ${String(times)}`;
  return "all axes but the one they are joined along must be equal";
}

/** The condition on a size under which two others are equal: `assert H % 16 == 0`. */
export function closingAssert(left: Dim, right: Dim): string {
  const difference = left.minus(right);
  for (const { key, name } of difference.variables().values()) {
    for (const divisor of [2, 4, 8, 16, 32, 64, 128, 3, 6, 12, 5, 7]) {
      const multiple = Dim.variable(`${name}'`).scaled(divisor);
      const rest = difference.substitute((k, _name, unit) => (k === key ? multiple.scaled(unit) : undefined));
      if (rest.constant === 0) return `say which sizes are fine:   assert ${name} % ${String(divisor)} == 0`;
    }
  }
  return "";
}

/** The side with fewer axes, where it fits at exactly one place: `bias[:, new, new]`. */
function newAxes(sides: readonly [Side, Side], facts: Facts): Way | undefined {
  const [few, many] = sides[0].shape.length < sides[1].shape.length ? sides : [sides[1], sides[0]];
  const behind = many.shape.length - few.shape.length;
  if (behind === 0 || few.shape.length === 0) return undefined;
  const places = Array.from({ length: behind }, (_, at) => at).filter((at) =>
    few.shape.every((d, i) => {
      const other = many.shape[at + i];
      return other !== undefined && facts.equal(d, other);
    }),
  );
  const [at] = places;
  if (at === undefined || places.length > 1) return undefined;
  const index = [...few.shape.map(() => ":"), ...Array.from({ length: behind - at }, () => "new")].join(", ");
  const { expr } = few;
  const text = `${simple(expr) ? spanText(expr.span) : `(${spanText(expr.span)})`}[${index}]`;
  return {
    help: `sizes align from the right; give ${named(expr)} the axes it lacks:   ${text}`,
    fixes: simple(expr) ? [{ title: `write \`${text}\``, span: expr.span, text }] : [],
  };
}

/** A tensor with more or fewer axes than are taken. */
export function waysToRank(expr: Expr | undefined, given: Shape, wanted: number, by?: string): Way {
  if (expr === undefined) return none;
  const text = spanText(expr.span);
  if (given.length === wanted + 1 && given.at(-1)?.constant === 1) {
    const index = `[${given.map((_, i) => (i === given.length - 1 ? "0" : ":")).join(", ")}]`;
    const fixes = simple(expr)
      ? [{ title: `write \`${text}${index}\``, span: expr.span, text: `${text}${index}` }]
      : [];
    return { help: `its last axis has one entry:   ${simple(expr) ? text : `(${text})`}${index}`, fixes };
  }
  if (given.length === 4 && wanted === 2) {
    const last = by === undefined ? "" : `, before \`${by}\``;
    const from = last === "" ? text : "…";
    return {
      help: `make one row of each sample${last}:   ${from} |> flatten   or   ${from} |> global_avg_pool`,
      fixes: [],
    };
  }
  if (given.length === 4 && wanted === 3 && expr.kind === "name") {
    const [b, c, h, w] = given.map((d) => d.toString());
    const count = given[2]?.times(given[3] ?? Dim.one).toString() ?? `${h ?? ""} * ${w ?? ""}`;
    const rows = `${text} |> reshape([${b ?? ""}, ${c ?? ""}, ${count}]) |> transpose([0, 2, 1])`;
    return { help: `a row for each place of the map:   ${rows}`, fixes: [] };
  }
  if (given.length > wanted) {
    const axes = Array.from({ length: given.length - wanted }, (_, i) => String(wanted + i)).join(", ");
    return {
      help: `take the last ${given.length - wanted === 1 ? "axis" : "axes"} away:   ${text} |> mean(axis: [${axes}])`,
      fixes: [],
    };
  }
  if (given.length === 3 && wanted === 4)
    return { help: `an axis of one channel:   ${simple(expr) ? text : `(${text})`}[:, new]`, fixes: [] };
  const index = [...given.map(() => ":"), ...Array.from({ length: wanted - given.length }, () => "new")].join(", ");
  const before = expr.kind === "pipe" ? "apply it before the axes are gone, or add them" : "add what is missing";
  return { help: `${before}:   ${simple(expr) ? text : `(${text})`}[${index}]`, fixes: [] };
}

/** A size that a block does not take, in the words of the axis: channels of a map, the numbers of a row. */
export function waysToSize(
  expr: Expr | undefined,
  callee: string,
  rank: number,
  axis: number,
  wanted: Dim,
  shape?: Shape,
): string {
  if (wanted.constant === undefined) return "";
  const text = expr === undefined ? "…" : spanText(expr.span);
  const size = wanted.toString();
  const other = axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : -1;
  // rows and columns of a product in each other's places
  if (rank === 3 && shape?.[other]?.constant === wanted.constant) {
    const step = "transpose([0, 2, 1])";
    const turned = expr && !simple(expr) ? `${text} |> ${step}` : `${step}(${text})`;
    return `its last two axes in each other's places:   ${turned}`;
  }
  if (rank === 4 && axis === 1 && shape?.[3]?.constant === wanted.constant)
    return `the axes are [B, C, H, W]; channels come second:   ${text} |> transpose([0, 3, 1, 2])`;
  if (rank === 4 && axis === 1)
    return `a layer before it that gives ${size}:   ${text} |> conv(${size}, kernel: 1) |> ${callee}`;
  if (axis === rank - 1 && rank >= 2)
    return `a layer before it that gives ${size}:   ${text} |> linear(${size}) |> ${callee}`;
  return "";
}

/** `x` as another element type. */
export function castTo(dtype: string, expr: Expr | undefined): Way {
  const type = dtype === "float" || dtype === "num" ? "f32" : dtype === "int" ? "i64" : dtype;
  if (expr === undefined) return { help: `cast it:   … |> cast(to: ${type})`, fixes: [] };
  const text = spanText(expr.span);
  return {
    help: `cast it:   ${text} |> cast(to: ${type})`,
    fixes: [wrapped(`cast it to ${type}`, expr.span, `cast(to: ${type})`)],
  };
}

/** Two element types at one operator: the whole numbers become the fractions they meet. */
export function castTogether(expr: BinaryExpr, left: TensorType | undefined, right: TensorType | undefined): Way {
  const float = [left, right].find((t) => t !== undefined && isFloat(t.dtype));
  const sides = [
    { expr: expr.left, type: left },
    { expr: expr.right, type: right },
  ];
  const odd = sides.find(({ type }) => type !== undefined && !isFloat(type.dtype));
  if (odd === undefined) return none;
  // two kinds of whole numbers: the second becomes what the first is
  const ints = [left, right].every((t) => t?.dtype === "i32" || t?.dtype === "i64");
  if (ints && left !== undefined && left.dtype !== right?.dtype) return castTo(left.dtype, expr.right);
  return castTo(float?.dtype ?? "f32", odd.expr);
}

/** An average over the axes that a loss or metric has too many. */
export function waysToMean(span: Span, rank: number, from: number): Way {
  const axes = Array.from({ length: Math.max(0, rank - from) }, (_, i) => String(from + i)).join(", ");
  const step = `mean(axis: [${axes}])`;
  return {
    help: `take the mean over what is left:   … |> ${step}`,
    fixes: [pipedOn("take the mean", span, step)],
  };
}

function simple(expr: Expr): boolean {
  return expr.kind === "name" || expr.kind === "member" || expr.kind === "call";
}
function named(expr: Expr): string {
  return simple(expr) ? spanText(expr.span) : "one side";
}
