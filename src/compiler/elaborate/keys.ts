/**
 * What values have in common as far as an evaluation can tell them apart: their types and settings, which of them are the
 * same tensor, and which of their sizes have the same reason. Two evaluations with equal keys differ in names alone.
 */
import type { FileScope, Named } from "../resolve/modules.ts";
import { showStatic } from "../types/static.ts";
import type { TensorType } from "../types/tensor.ts";
import type { Context } from "./context.ts";
import { portOf } from "./labels.ts";
import { type BlockVal, isStatic, type TensorVal, type Val } from "./values.ts";

export class Key {
  readonly #context: Context;
  #lasts = true;
  readonly #seen = new Map<object, number>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Whether it means the same in the checks to come. */
  lasts(): boolean {
    return this.#lasts;
  }
  show(value: Val | undefined): string {
    if (value === undefined) return "";
    if (value.kind === "tensor") return this.#tensor(value);
    if (isStatic(value)) return value.kind === "int" ? value.dim.key : showStatic(value);
    switch (value.kind) {
      case "collection":
      case "tuple": {
        const keys = value.kind === "collection" ? value.keys.join() : "tuple";
        return `{${keys}: ${value.members.map((m) => this.show(m)).join()}}`;
      }
      case "block":
        return this.#block(value);
      case "fn":
        return this.declared(value.declaration, value.scope);
      case "unknown":
        return "?";
      default:
        return this.#fleeting(value);
    }
  }
  declared(declaration: Named, scope: FileScope): string {
    const { memo } = this.#context.shared;
    return `#${String(memo ? memo.stampOf(declaration, scope) : this.#context.templates.ids.of(declaration))}`;
  }

  #tensor({ type, range, reasons, value: { node, index } }: TensorVal): string {
    const within = range ? ` in ${range.from.key}..${range.to.key}` : "";
    const first = this.#seen.get(node);
    const same = `${first === undefined ? "" : `=${String(first)}`}${index === 0 ? "" : `.${String(index)}`}`;
    if (first === undefined) this.#seen.set(node, this.#seen.size);
    if (!this.#context.shared.checkOnly) return `${showShape(type)}${within}${same}`;
    // what is said of it says these, too
    const port = portOf(this.#context, node) === undefined ? "" : this.#context.variant === undefined ? "i" : "v";
    return `${showShape(type)}${within}${same}${port}~${reasons.map((r) => (r ? this.#number(r) : "")).join()}`;
  }
  #number(of: object): number {
    const known = this.#seen.get(of);
    if (known === undefined) this.#seen.set(of, this.#seen.size);
    return known ?? this.#seen.size - 1;
  }
  #block({ callable, config, slot }: BlockVal): string {
    const who =
      callable.kind === "declared" ? this.declared(callable.declaration, callable.scope) : this.#fleeting(callable);
    const settings = [...config].map(([name, { value }]) => `${name}=${this.show(value)}`);
    return `${who}(${settings.join()})${slot?.name ?? ""}`;
  }
  /** What every evaluation makes anew. */
  #fleeting(of: object): string {
    this.#lasts = false;
    return `!${String(this.#context.templates.ids.of(of))}`;
  }
}

export function showShape({ dtype, shape }: TensorType): string {
  return `${dtype}[${shape.map((d) => d.key).join()}]`;
}
