/**
 * What is known about sizes, and what follows. Every size is at least 1; `where`, `assert`, `dim` and the taken side of
 * an `if` add bounds. Decisions are by interval arithmetic on the difference: no search, so they always end.
 */
import { Dim, type Atom } from "./dim.ts";

export interface Interval {
  readonly low: number;
  readonly high: number;
}
const anySize: Interval = { low: 1, high: Infinity };

export class Facts {
  readonly #bounds: ReadonlyMap<string, Interval>;
  readonly #divisors: ReadonlyMap<string, number>;
  /**
   * In the check of a block for all sizes an equation that may hold is left to its uses; elsewhere it must hold for all
   * sizes.
   */
  readonly lenient: boolean;
  /** Hears of each equation that is left to the uses. */
  readonly #left: ((left: Dim, right: Dim) => void) | undefined;

  constructor(
    bounds: ReadonlyMap<string, Interval> = new Map(),
    divisors: ReadonlyMap<string, number> = new Map(),
    lenient = false,
    left?: (left: Dim, right: Dim) => void,
  ) {
    this.#bounds = bounds;
    this.#divisors = divisors;
    this.lenient = lenient;
    this.#left = left;
  }
  /** Equal for equal facts. */
  get key(): string {
    const bounds = [...this.#bounds].map(([key, { low, high }]) => `${key}:${String(low)}..${String(high)}`);
    const divisors = [...this.#divisors].map(([key, divisor]) => `${key}%${String(divisor)}`);
    return [String(this.lenient), ...bounds, ...divisors].join();
  }
  static readonly none = new Facts();
  /** For the check of a block for all sizes; `left` hears of each equation that only uses can decide. */
  static open(left?: (left: Dim, right: Dim) => void): Facts {
    return new Facts(new Map(), new Map(), true, left);
  }

  /** These facts and that the variable of this key lies in the interval. */
  bounded(key: string, interval: Interval): Facts {
    const before = this.#bounds.get(key) ?? anySize;
    const both = { low: Math.max(before.low, interval.low), high: Math.min(before.high, interval.high) };
    return new Facts(new Map([...this.#bounds, [key, both]]), this.#divisors, this.lenient, this.#left);
  }
  /** These facts, and that the variable may be 0 or negative. */
  unbounded(key: string): Facts {
    const bounds = new Map([...this.#bounds, [key, { low: -Infinity, high: Infinity }]]);
    return new Facts(bounds, this.#divisors, this.lenient, this.#left);
  }
  /** These facts and that `divisor` divides the variable. */
  divisible(key: string, divisor: number): Facts {
    return new Facts(this.#bounds, new Map([...this.#divisors, [key, divisor]]), this.lenient, this.#left);
  }
  /** The dim with every variable that has a known divisor written as a multiple of it, so that exact divisions show. */
  normalize(dim: Dim): Dim {
    if (this.#divisors.size === 0) return dim;
    return dim.substitute((key, name) => {
      const divisor = this.#divisors.get(key);
      return divisor === undefined ? undefined : Dim.variable(`${name}/${String(divisor)}`, key).scaled(divisor);
    });
  }

  interval(dim: Dim): Interval {
    let [low, high] = [0, 0];
    for (const { coefficient, factors } of dim.terms) {
      let term: Interval = { low: coefficient, high: coefficient };
      for (const { atom, power } of factors) {
        const of = this.#atom(atom);
        for (let i = 0; i < power; i++) term = multiply(term, of);
      }
      low += term.low;
      high += term.high;
    }
    return { low, high };
  }
  #atom(atom: Atom): Interval {
    if (atom.kind === "var") return this.#bounds.get(atom.key) ?? anySize;
    if (atom.kind === "floor") {
      const above = this.interval(atom.above);
      const below = this.interval(atom.below);
      if (below.low <= 0) return { low: -Infinity, high: Infinity };
      const low = above.low >= 0 ? above.low / below.high : above.low / below.low;
      const high = above.high >= 0 ? above.high / below.low : above.high / below.high;
      return { low: Number.isNaN(low) ? 0 : Math.floor(low), high: Number.isNaN(high) ? Infinity : Math.floor(high) };
    }
    const of = atom.of.map((d) => this.interval(d));
    const pick = atom.kind === "min" ? Math.min : Math.max;
    return { low: pick(...of.map((i) => i.low)), high: pick(...of.map((i) => i.high)) };
  }

  /** The quotient where it is whole; in the check of a block for all sizes, a size of its own where it may be. */
  divide(above: Dim, below: Dim): Dim | undefined {
    const quotient = above.dividedBy(below) ?? this.normalize(above).dividedBy(this.normalize(below));
    if (quotient !== undefined || !this.lenient) return quotient;
    if (above.constant !== undefined && below.constant !== undefined) return undefined;
    return Dim.variable(`(${above.toString()} / ${below.toString()})`);
  }
  /** Whether two sizes count as equal here. */
  equal(left: Dim, right: Dim): boolean {
    const decided = this.decide(left, "==", right);
    if (this.lenient && decided === undefined) this.#left?.(left, right);
    return this.lenient ? decided !== false : decided === true;
  }
  /** True or false for all sizes; undefined where it depends on them. */
  decide(left: Dim, comparison: "==" | "!=" | "<" | "<=" | ">" | ">=", right: Dim): boolean | undefined {
    if (left.key === right.key) return comparison === "==" || comparison === "<=" || comparison === ">=";
    const difference = this.normalize(left).minus(this.normalize(right));
    const { low, high } = this.interval(difference);
    switch (comparison) {
      case "==":
        return difference.constant === 0 ? true : low > 0 || high < 0 ? false : undefined;
      case "!=":
        return difference.constant === 0 ? false : low > 0 || high < 0 ? true : undefined;
      case "<":
        return high < 0 ? true : low >= 0 ? false : undefined;
      case "<=":
        return high <= 0 ? true : low > 0 ? false : undefined;
      case ">":
        return low > 0 ? true : high <= 0 ? false : undefined;
      case ">=":
        return low >= 0 ? true : high < 0 ? false : undefined;
    }
  }
}

function multiply(a: Interval, b: Interval): Interval {
  const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high].map((p) =>
    Number.isNaN(p) ? 0 : p,
  );
  return { low: Math.min(...products), high: Math.max(...products) };
}
