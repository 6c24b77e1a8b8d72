/**
 * Calls of the library at random, for each operator and each block by its own signature: settings that are right, at the edge,
 * of another kind or nowhere near, and tensors that mostly fit. What they mean, if anything, is for the checker to say.
 */
import { readFileSync } from "node:fs";
import { preludeModules, standardModules } from "../../src/compiler/resolve/modules.ts";
import { spanText } from "../../src/compiler/source/source.ts";
import type { BlockDecl, DimNode, Param, PrimDecl, TypeNode } from "../../src/compiler/syntax/ast.ts";
import { classify } from "../../src/compiler/types/signature.ts";
import type { Random } from "../support/random.ts";
import { libraryTree } from "../support/trees.ts";

export interface Callee {
  readonly file: string;
  readonly declaration: BlockDecl | PrimDecl;
}

/** Every operator and block that a file can name: those that only gradients use are not among them. */
export function callees(): readonly Callee[] {
  return standardModules.flatMap((file) => {
    const tree = libraryTree(file, readFileSync(`stdlib/${file.slice(4)}.arch`, "utf8"));
    return (tree?.declarations ?? []).flatMap((declaration): Callee[] => {
      if (declaration.kind !== "block" && declaration.kind !== "prim") return [];
      return declaration.name.text.startsWith("_") ? [] : [{ file, declaration }];
    });
  });
}

const whole = ["0", "1", "2", "3", "4", "-1", "-2", "7", "64", "1000000", "999999999999", "9007199254740991"];
const fractions = ["0.0", "0.5", "1.0", "-0.5", "1e-30", "1e30", "1e308", "2", "-1", "0"];
const lists = ["[]", "[0]", "[1]", "[-1]", "[2, 3]", "[0, 1]", "[0, 0]", "[1, 0]", "[0, 1, 2, 3]", "[0, 2, 1]", "[-9]"];
const blocks = [
  "relu",
  "linear(4)",
  "linear",
  "conv(4)",
  "max_pool(2)",
  "max_pool(0)",
  "zeros()",
  "normal(std: -1.0)",
  "he_normal",
  "batch_norm(eps: -1.0)",
  "dropout(0.5)",
  "softmax(axis: 9)",
  "block(z: float[...S]) => z * 2.0",
  "adam()",
  "constant(0.1)",
];
/** What is of no type that is asked for. */
const strange = ["true", '"tanh"', "0.5", "[]", "[[1, 2], [3]]", "{ a: 1 }", "(1, 2, 3)", "f64", "relu", "w", "1 / 0"];

interface Setting {
  readonly name: string;
  readonly value: string;
  /** As the signature says it. */
  readonly type: string;
}
/** One call as text, with the lines that it needs before it. */
export interface Call {
  readonly weights: readonly string[];
  readonly settings: readonly Setting[];
  readonly tensors: readonly string[];
  /** The type that a result of open shape is given, and what the result consists of. */
  readonly type: string | undefined;
  readonly results: number | "list";
}

export class Calls {
  readonly #random: Random;
  /** How likely a setting, or a tensor, is one that makes no sense. */
  #oddness = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next({ declaration }: Callee, batch: string): Call {
    const random = this.#random;
    this.#oddness = random.pick([0, 0.1, 0.4]);
    const { config, tensors = [] } = classify(declaration.lists);
    const sizes = new Map([["B", batch]]);
    const settings = config.flatMap((param) => {
      if (random.chance(param.default === undefined ? 0.02 : 0.5)) return [];
      const type = param.type === undefined ? "int" : spanText(param.type.span);
      const value = this.#setting(param.type);
      if (/^\d+$/.test(value)) sizes.set(param.name.text, value);
      return [{ name: param.name.text, value, type }];
    });
    const weights: string[] = [];
    const given = tensors.map((param) => this.#tensor(param, sizes, weights));
    const { result } = declaration;
    const asked = result?.kind === "tensor" && random.chance(tensors.length === 0 ? 0.95 : 0.4);
    return {
      weights,
      settings,
      tensors: random.chance(this.#oddness / 4) ? given.slice(1) : given,
      type: asked ? this.#type(result, sizes) : undefined,
      results: result?.kind === "tuple" ? result.members.length : result?.kind === "list" ? "list" : 1,
    };
  }

  #setting(type: TypeNode | undefined): string {
    const random = this.#random;
    if (random.chance(this.#oddness / 3)) return random.pick(strange);
    switch (type?.kind) {
      case "tuple": {
        if (random.chance(0.4)) return this.#number(type.members[0]);
        const count = random.chance(this.#oddness / 2) ? random.below(4) : type.members.length;
        return `(${Array.from({ length: count }, (_, i) => this.#number(type.members[i])).join(", ")})`;
      }
      case "list":
        if (random.chance(0.6)) return random.pick(lists);
        return `[${Array.from({ length: random.below(7) }, () => this.#number(type.member)).join(", ")}]`;
      case "choice":
        return random.chance(this.#oddness) ? '"else"' : JSON.stringify(random.pick(type.values).value);
      case "block":
        return random.pick(blocks);
      case "tensor":
        return this.#number(type);
      default:
        return random.pick(strange);
    }
  }
  #number(type: TypeNode | undefined): string {
    const random = this.#random;
    const name = type?.kind === "tensor" ? type.name.text : "";
    const odd = random.chance(this.#oddness);
    if (name === "int") return odd ? random.pick(whole) : random.pick(["1", "2", "3", "4"]);
    if (name === "float") return odd ? random.pick(fractions) : random.pick(["0.1", "0.5"]);
    if (name === "bool") return random.pick(["true", "false"]);
    if (name === "dtype") return random.pick(["f16", "bf16", "f32", "f64", "i32", "i64", "bool", "float", "num"]);
    if (type?.kind === "tuple" || type?.kind === "list" || type?.kind === "block") return this.#setting(type);
    return random.pick([...whole, ...fractions]);
  }

  /** A weight, a tensor of whole numbers, or a list of tensors for a parameter. */
  #tensor({ name, type }: Param, sizes: Map<string, string>, weights: string[]): string {
    const random = this.#random;
    if (random.chance(this.#oddness / 5)) return random.pick([...strange, "x"]);
    if (type?.kind === "list") {
      const count = random.chance(0.8) ? 1 + random.below(3) : 0;
      const runs = new Map(sizes);
      const members = Array.from({ length: count }, (_, i) => {
        const member: Param = {
          name: { ...name, text: `${name.text}${i}` },
          type: type.member,
          default: undefined,
          span: name.span,
        };
        return this.#tensor(member, runs, weights);
      });
      return `[${members.join(", ")}]`;
    }
    if (type?.kind !== "tensor") return "x";
    const shape = this.#shape(type.dims ?? [], sizes);
    const kind = random.chance(this.#oddness / 3) ? random.pick(["f64", "i32", "bool", "f16"]) : type.name.text;
    const of = (value: string): string => `(${value} |> expand([${shape}]))`;
    if (kind === "int" || kind === "i64" || kind === "i32")
      return of(`cast(to: ${kind === "i32" ? "i32" : "i64"})(sum(axis: [0, 1])(x))`);
    if (kind === "bool") return of("(sum(axis: [0, 1])(x) > 0.0)");
    const dtype = kind === "f64" || kind === "f16" ? kind : "f32";
    // a size of the batch is no weight's: such a tensor is made from one
    const weight = `w_${name.text}`;
    if (/[A-Z]/.test(shape)) {
      weights.push(`param ${weight}: ${dtype}[1] = normal()`);
      return `(${weight} |> expand([${shape}]))`;
    }
    weights.push(`param ${weight}: ${dtype}[${shape}] = normal()`);
    return weight;
  }
  #type(type: TypeNode & { readonly kind: "tensor" }, sizes: Map<string, string>): string {
    const random = this.#random;
    const dtype = /^[fib]\d|^bool/.test(type.name.text)
      ? type.name.text
      : random.chance(0.9)
        ? "f32"
        : random.pick(["f64", "i64", "bool"]);
    return `${dtype}[${this.#shape(type.dims ?? [], sizes)}]`;
  }
  #shape(dims: readonly DimNode[], sizes: Map<string, string>): string {
    const random = this.#random;
    const size = (): string =>
      random.chance(this.#oddness / 4)
        ? random.pick(["0", "-1", "1000000"])
        : random.pick(["1", "2", "4", "4", "6", "8"]);
    const written = dims.flatMap((dim) => {
      const text = spanText(dim.span);
      const known = sizes.get(text);
      if (known !== undefined) return known === "" ? [] : [known];
      const made =
        dim.kind === "run" ? Array.from({ length: random.below(4) }, size).join(", ") : (shared(text, sizes) ?? size());
      sizes.set(text, made);
      return made === "" ? [] : [made];
    });
    if (random.chance(this.#oddness / 5)) written.push(size());
    if (random.chance(this.#oddness / 5)) written.shift();
    return written.join(", ");
  }
}

const prelude: ReadonlySet<string> = new Set(preludeModules);
export const places = ["a model", "a block", "a block that passes settings on"] as const;
export type Place = (typeof places)[number];

/** A model with the call in this place, whose gradients reach through it. */
export function specOf({ file, declaration }: Callee, call: Call, place: Place): string {
  const name = declaration.name.text;
  const imported = prelude.has(file) ? "" : `import { ${name} } from "${file}"\n`;
  const passed = place === "a block that passes settings on";
  const given = call.settings.map((s) => `${s.name}: ${s.value}`).join(", ");
  const settings = passed ? call.settings.map((s) => `${s.name}: ${s.name}`).join(", ") : given;
  const params = passed ? `(${call.settings.map((s) => `${s.name}: ${s.type}`).join(", ")})` : "";
  const tensors = call.tensors.length === 0 ? "" : `(${call.tensors.join(", ")})`;
  const applied = `${name}${settings === "" && tensors !== "" ? "" : `(${settings})`}${tensors}`;
  const target = typeof call.results === "number" && call.results > 1 ? `(${names(call.results).join(", ")})` : "y";
  const number =
    call.results === "list"
      ? "sum_list([one_number(t) for t in y])"
      : call.results === 1
        ? "y |> one_number"
        : names(call.results)
            .map((n) => `one_number(${n})`)
            .join(" + ");
  const lines = [...call.weights, `let ${target}${call.type === undefined ? "" : `: ${call.type}`} = ${applied}`];
  const inside =
    place === "a model"
      ? ""
      : `block around${params}(x: f32[B, 4]) -> f32[] {
  ${lines.join("\n  ")}
  => ${number}
}`;
  const use = (label: string): string => `(x |> around${passed ? `(${given})` : ""} as ${label})`;
  return `${imported}block one_number(x: any[...S]) -> f32[] => cast(to: f32)(x) |> reshape([prod(S)]) |> mean(axis: [0])
${inside}
model net() {
  input x: f32[B, 4]
  param w: f32[4] = normal()
  ${place === "a model" ? lines.join("\n  ") : ""}
  head main {
    loss call = ${place === "a model" ? number : `${use("first")} + ${use("second")}`}
    loss rest = x * w |> mean(axis: [0, 1])
    predict same = x * w
  }
  train { batch = 4  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}
`;
}
function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `y${String(i)}`);
}
/** The number, or the quotient of known sizes, that a size of a signature is. */
function shared(text: string, sizes: ReadonlyMap<string, string>): string | undefined {
  if (/^\d+$/.test(text)) return text;
  const [above, below, more] = text.split(" / ").map((name) => Number(sizes.get(name)));
  const quotient = (above ?? NaN) / (below ?? NaN);
  return more === undefined && Number.isInteger(quotient) ? String(quotient) : undefined;
}
