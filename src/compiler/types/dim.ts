/**
 * Dims: integer expressions over named sizes, kept in a normal form so that equal forms are equal dims.
 * A dim is a sum of integer multiples of monomials over atoms (variables, floors, minima, maxima, products of a run).
 * Every rewrite keeps the value for all sizes >= 1. Facts and decisions live in `facts.ts`, not here.
 */

/**
 * A `var` is `1 / unit` of a named size: where it is known that 16 divides H, the atom is H / 16 and H is 16 of it, so that
 * halving H four times is exact and no later phase needs to know why. `size` is the key of H itself.
 */
export type Atom =
  | {
      readonly kind: "var";
      readonly name: string;
      readonly key: string;
      readonly size: string;
      readonly unit: number;
    }
  | { readonly kind: "floor"; readonly above: Dim; readonly below: Dim; readonly key: string }
  | { readonly kind: "min" | "max"; readonly of: readonly Dim[]; readonly key: string };

/** A named size. */
export interface SizeName {
  readonly name: string;
  readonly key: string;
}

/** A number that is no size: not whole, or larger than numbers are exact. */
export class SizeError extends RangeError {
  override readonly name = "SizeError";
}

interface Factor {
  readonly atom: Atom;
  readonly power: number;
}
interface Term {
  readonly coefficient: number;
  /** Sorted by atom key. Empty for the constant term. */
  readonly factors: readonly Factor[];
  readonly key: string;
}

export class Dim {
  readonly terms: readonly Term[];
  readonly key: string;

  private constructor(terms: readonly Term[]) {
    this.terms = terms;
    this.key =
      terms.length === 0
        ? "0"
        : terms.map((t) => `${String(t.coefficient)}${t.key === "" ? "" : "*" + t.key}`).join("+");
  }

  static readonly zero = new Dim([]);
  static readonly one = new Dim([{ coefficient: 1, factors: [], key: "" }]);

  static of(value: number): Dim {
    if (!Number.isSafeInteger(value)) throw new SizeError(`${String(value)} is no size`);
    return value === 0 ? Dim.zero : value === 1 ? Dim.one : new Dim([{ coefficient: value, factors: [], key: "" }]);
  }
  /** A size that is not known yet; `id` tells apart two of the same name; `unit` is known to divide it. */
  static variable(name: string, id = "", unit = 1): Dim {
    const size = id === "" ? name : `${name}#${id}`;
    const key = unit === 1 ? size : `${size}/${String(unit)}`;
    return Dim.#atom({ kind: "var", name, key, size, unit }).scaled(unit);
  }
  static #atom(atom: Atom): Dim {
    return new Dim([{ coefficient: 1, factors: [{ atom, power: 1 }], key: monomialKey([{ atom, power: 1 }]) }]);
  }
  /** A number that was computed with. */
  static #exact(value: number): Dim {
    if (!Number.isSafeInteger(value)) throw new SizeError("a size is too large");
    return Dim.of(value);
  }
  static #collect(terms: Iterable<Term>): Dim {
    const sums = new Map<string, Term>();
    for (const term of terms) {
      const before = sums.get(term.key);
      sums.set(term.key, before ? { ...term, coefficient: term.coefficient + before.coefficient } : term);
    }
    const kept = [...sums.values()].filter((t) => t.coefficient !== 0);
    kept.sort((a, b) => b.factors.length - a.factors.length || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    for (const t of kept) if (!Number.isSafeInteger(t.coefficient)) throw new SizeError("a size is too large");
    return kept.length === 0 ? Dim.zero : new Dim(kept);
  }

  /** The number, where no variable is left. */
  get constant(): number | undefined {
    if (this.terms.length === 0) return 0;
    const only = this.terms[0];
    return this.terms.length === 1 && only && only.factors.length === 0 ? only.coefficient : undefined;
  }
  /** The variable, where the dim is exactly one. */
  get asVariable(): SizeName | undefined {
    const only = this.terms[0];
    const factor = only?.factors[0];
    if (this.terms.length !== 1 || only?.factors.length !== 1 || factor?.power !== 1) return undefined;
    const { atom } = factor;
    if (atom.kind !== "var" || atom.unit !== only.coefficient) return undefined;
    return { name: atom.name, key: atom.size };
  }
  equals(other: Dim): boolean {
    return this.key === other.key;
  }

  plus(other: Dim): Dim {
    if (other.terms.length === 0) return this;
    if (this.terms.length === 0) return other;
    const [a, b] = [this.constant, other.constant];
    if (a !== undefined && b !== undefined) return Dim.#exact(a + b);
    return Dim.#collect([...this.terms, ...other.terms]);
  }
  minus(other: Dim): Dim {
    if (this.key === other.key) return Dim.zero;
    return this.plus(other.scaled(-1));
  }
  scaled(by: number): Dim {
    if (by === 1) return this;
    const number = this.constant;
    if (number !== undefined) return Dim.#exact(number * by);
    return Dim.#collect(this.terms.map((t) => ({ ...t, coefficient: t.coefficient * by })));
  }
  times(other: Dim): Dim {
    const [a, b] = [this.constant, other.constant];
    if (b !== undefined) return this.scaled(b);
    if (a !== undefined) return other.scaled(a);
    const products: Term[] = [];
    for (const a of this.terms) for (const b of other.terms) products.push(timesTerm(a, b));
    return Dim.#collect(products);
  }
  power(exponent: number): Dim {
    let result = Dim.one;
    for (let i = 0; i < exponent; i++) result = result.times(this);
    return result;
  }

  /** The quotient where it is whole for all sizes, term by term; else undefined. `other` must be one term. */
  dividedBy(other: Dim): Dim | undefined {
    if (this.terms.length === 0) return Dim.zero;
    if (this.equals(other)) return Dim.one;
    const [a, b] = [this.constant, other.constant];
    if (a !== undefined && b !== undefined) return b !== 0 && a % b === 0 ? Dim.#exact(a / b) : undefined;
    const divisor = other.terms[0];
    if (other.terms.length !== 1 || divisor === undefined) return this.#commonMultipleOf(other);
    const quotients: Term[] = [];
    for (const term of this.terms) {
      const quotient = divideTerm(term, divisor);
      if (quotient === undefined) return undefined;
      quotients.push(quotient);
    }
    return Dim.#collect(quotients);
  }
  /** `k * other` with a constant or one-term `k`. */
  #commonMultipleOf(other: Dim): Dim | undefined {
    const mine = this.terms[0];
    const theirs = other.terms[0];
    if (mine === undefined || theirs === undefined) return undefined;
    const ratio = divideTerm(mine, theirs);
    if (ratio === undefined) return undefined;
    const factor = Dim.#collect([ratio]);
    return factor.times(other).equals(this) ? factor : undefined;
  }

  /** floor(this / below), for a `below` that is >= 1 for all sizes. */
  floorDividedBy(below: Dim): Dim {
    if (below.equals(Dim.one)) return this;
    const whole = this.dividedBy(below);
    if (whole !== undefined) return whole;
    const number = below.constant;
    const out: Term[] = [];
    const rest: Term[] = [];
    const divisor = below.terms[0];
    for (const term of this.terms) {
      if (number !== undefined) {
        // Multiples of a constant divisor leave the floor; what stays keeps a coefficient in 0 ..< divisor (Euclid).
        const stays =
          term.factors.length === 0
            ? modulo(term.coefficient, number)
            : term.coefficient % number === 0
              ? 0
              : term.coefficient;
        const leaves = (term.coefficient - stays) / number;
        if (leaves !== 0) out.push({ ...term, coefficient: leaves });
        if (stays !== 0) rest.push({ ...term, coefficient: stays });
      } else {
        const quotient = divisor && below.terms.length === 1 ? divideTerm(term, divisor) : undefined;
        if (quotient) out.push(quotient);
        else rest.push(term);
      }
    }
    const outside = Dim.#collect(out);
    const inside = Dim.#collect(rest);
    if (number === undefined && below.terms.length > 1) {
      const multiple = Dim.#largestMultiple(this, below);
      if (multiple) return multiple.plus(Dim.#floorAtom(this.minus(multiple.times(below)), below));
    }
    return outside.plus(Dim.#floorAtom(inside, below));
  }
  /** A constant multiple of a longer divisor that leaves fewer terms. */
  static #largestMultiple(above: Dim, below: Dim): Dim | undefined {
    const lead = below.terms[0];
    if (lead === undefined) return undefined;
    for (const term of above.terms) {
      const ratio = divideTerm(term, lead);
      if (ratio === undefined) continue;
      const factor = Dim.#collect([ratio]);
      if (above.minus(factor.times(below)).terms.length < above.terms.length) return factor;
    }
    return undefined;
  }
  static #floorAtom(above: Dim, below: Dim): Dim {
    const constant = above.constant;
    const number = below.constant;
    if (constant !== undefined && number !== undefined) return Dim.of(Math.floor(constant / number));
    if (constant === 0) return Dim.zero;
    if (number !== undefined) {
      // floor((g p + c) / (g q)) = floor((p + floor(c / g)) / q)
      let common = number;
      for (const t of above.terms) if (t.factors.length > 0) common = gcd(common, t.coefficient);
      if (common > 1) {
        const reduced = above.terms.map((t) => ({ ...t, coefficient: Math.floor(t.coefficient / common) }));
        return Dim.#collect(reduced).floorDividedBy(Dim.of(number / common));
      }
      // floor((floor(a / m) + b) / n) = floor((a + m b) / (m n))
      for (const term of above.terms) {
        const inner = term.factors[0];
        if (term.coefficient !== 1 || term.factors.length !== 1 || inner?.power !== 1 || inner.atom.kind !== "floor")
          continue;
        const m = inner.atom.below;
        if (m.constant === undefined) continue;
        const b = above.minus(Dim.#atom(inner.atom));
        return inner.atom.above.plus(m.times(b)).floorDividedBy(m.times(below));
      }
    }
    return Dim.#atom({ kind: "floor", above, below, key: `floor(${above.key}|${below.key})` });
  }
  ceilDividedBy(below: Dim): Dim {
    return this.plus(below).minus(Dim.one).floorDividedBy(below);
  }
  modulo(below: Dim): Dim {
    return this.minus(this.floorDividedBy(below).times(below));
  }
  static extremum(kind: "min" | "max", dims: readonly Dim[]): Dim {
    const distinct = [...new Map(dims.map((d) => [d.key, d])).values()];
    const constants = distinct.map((d) => d.constant).filter((c) => c !== undefined);
    const others = distinct.filter((d) => d.constant === undefined).sort((a, b) => (a.key < b.key ? -1 : 1));
    const best = constants.length === 0 ? undefined : kind === "min" ? Math.min(...constants) : Math.max(...constants);
    const of = best === undefined ? others : [...others, Dim.of(best)];
    const only = of[0];
    if (of.length === 1 && only) return only;
    return Dim.#atom({ kind, of, key: `${kind}(${of.map((d) => d.key).join("|")})` });
  }

  /** Every variable, also inside floors and extrema. */
  variables(): Map<string, SizeName> {
    const found = new Map<string, SizeName>();
    const visit = (dim: Dim): void => {
      for (const { factors } of dim.terms) {
        for (const { atom } of factors) {
          if (atom.kind === "var") found.set(atom.size, { name: atom.name, key: atom.size });
          else if (atom.kind === "floor") [atom.above, atom.below].forEach(visit);
          else atom.of.forEach(visit);
        }
      }
    };
    visit(this);
    return found;
  }
  /** Replaces variables and brings the result to normal form again. A new value must be a multiple of the variable's unit. */
  substitute(replace: (key: string, name: string, unit: number) => Dim | undefined): Dim {
    if (this.constant !== undefined) return this;
    let sum = Dim.zero;
    for (const { coefficient, factors } of this.terms) {
      let product = Dim.of(coefficient);
      for (const { atom, power } of factors) product = product.times(substituteAtom(atom, replace).power(power));
      sum = sum.plus(product);
    }
    return sum;

    function substituteAtom(atom: Atom, by: typeof replace): Dim {
      if (atom.kind === "var") {
        const whole = by(atom.size, atom.name, atom.unit);
        const part = whole?.dividedBy(Dim.of(atom.unit));
        if (whole !== undefined && part === undefined)
          throw new RangeError(`${atom.name} is ${whole.toString()}, which is no multiple of ${String(atom.unit)}`);
        return part ?? Dim.#atom(atom);
      }
      if (atom.kind === "floor") return atom.above.substitute(by).floorDividedBy(atom.below.substitute(by));
      return Dim.extremum(
        atom.kind,
        atom.of.map((d) => d.substitute(by)),
      );
    }
  }
  /** The value for given sizes. Throws RangeError on a variable that `sizeOf` does not know. */
  evaluate(sizeOf: (key: string, name: string, unit: number) => number | undefined): number {
    const result = this.substitute((key, name, unit) => {
      const size = sizeOf(key, name, unit);
      return size === undefined ? undefined : Dim.of(size);
    }).constant;
    if (result === undefined) throw new RangeError(`the size of ${this.toString()} is not known`);
    return result;
  }

  /** As a user would write it: `2 * floor(H / 2) + 1`. */
  toString(): string {
    if (this.constant !== undefined) return String(this.constant);
    return this.terms.map((t, i) => showTerm(t, i === 0)).join("");
  }
}

export type Shape = readonly Dim[];

/** The product of all axes. */
export function elementCount(shape: Shape): Dim {
  return shape.reduce((product, d) => product.times(d), Dim.one);
}

function monomialKey(factors: readonly Factor[]): string {
  return factors.map((f) => (f.power === 1 ? f.atom.key : `${f.atom.key}^${String(f.power)}`)).join("*");
}
function timesTerm(a: Term, b: Term): Term {
  const powers = new Map<string, Factor>();
  for (const f of [...a.factors, ...b.factors]) {
    powers.set(f.atom.key, { atom: f.atom, power: f.power + (powers.get(f.atom.key)?.power ?? 0) });
  }
  const factors = [...powers.values()].sort((x, y) => (x.atom.key < y.atom.key ? -1 : 1));
  return { coefficient: a.coefficient * b.coefficient, factors, key: monomialKey(factors) };
}
function divideTerm(a: Term, b: Term): Term | undefined {
  if (a.coefficient % b.coefficient !== 0) return undefined;
  const powers = new Map(a.factors.map((f) => [f.atom.key, f]));
  for (const f of b.factors) {
    const left = (powers.get(f.atom.key)?.power ?? 0) - f.power;
    if (left < 0) return undefined;
    if (left === 0) powers.delete(f.atom.key);
    else powers.set(f.atom.key, { atom: f.atom, power: left });
  }
  const factors = [...powers.values()];
  return { coefficient: a.coefficient / b.coefficient, factors, key: monomialKey(factors) };
}
function modulo(a: number, b: number): number {
  return a - b * Math.floor(a / b);
}
function gcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
function showTerm({ coefficient, factors }: Term, first: boolean): string {
  const sign = coefficient < 0 ? (first ? "-" : " - ") : first ? "" : " + ";
  const units = factors.reduce((all, { atom, power }) => (atom.kind === "var" ? all * atom.unit ** power : all), 1);
  const common = gcd(coefficient, units);
  const [size, below] = [Math.abs(coefficient) / common, units / common];
  const parts = factors.map((f) => (f.power === 1 ? showAtom(f.atom) : `${showAtom(f.atom)} ^ ${String(f.power)}`));
  if (size !== 1 || parts.length === 0) parts.unshift(String(size));
  return sign + parts.join(" * ") + (below === 1 ? "" : ` / ${String(below)}`);
}
function showAtom(atom: Atom): string {
  if (atom.kind === "var") return atom.name;
  if (atom.kind === "floor") return `floor(${wrap(atom.above, false)} / ${wrap(atom.below, true)})`;
  return `${atom.kind}(${atom.of.map(String).join(", ")})`;

  function wrap(dim: Dim, below: boolean): string {
    const compound = dim.terms.length > 1 || (below && (dim.terms[0]?.factors.length ?? 0) > 1);
    return compound ? `(${dim.toString()})` : dim.toString();
  }
}
