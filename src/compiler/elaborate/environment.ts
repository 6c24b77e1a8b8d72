/**
 * Where names are looked up while a body is evaluated, and where the weights made there are named.
 */
import type { FileScope } from "../resolve/modules.ts";
import type { Span } from "../source/source.ts";
import type { Expr } from "../syntax/ast.ts";
import type { DType } from "../types/tensor.ts";
import type { Val } from "./values.ts";

/** A name that an application took. */
export interface Claim {
  readonly segment: string;
  readonly site: Expr;
}
/** One scope of weight names: a body, a round of a loop, a sub-network. Two equal names in it are an error. */
export class WeightScope {
  readonly path: string;
  /** What messages call it. */
  readonly label: string;
  readonly #used = new Map<string, Expr>();
  /** The names that were taken, in order. */
  readonly claims: Claim[] = [];

  constructor(path: string, label: string) {
    this.path = path;
    this.label = label;
  }
  child(segment: string, label = segment): WeightScope {
    return new WeightScope(join(this.path, segment), label);
  }
  /** Takes a name for an application; gives the application that has it already, if another one does. */
  claim(segment: string, site: Expr): Expr | undefined {
    const holder = this.#used.get(segment);
    if (holder === undefined) {
      this.#used.set(segment, site);
      this.claims.push({ segment, site });
    }
    return holder === undefined || holder === site ? undefined : holder;
  }
  /** Whether the application may have the name. */
  admits(segment: string, site: Expr): boolean {
    const holder = this.#used.get(segment);
    return holder === undefined || holder === site;
  }
  /** A name like this one that nothing here has. */
  freeLabel(name: string): string {
    let number = 2;
    while (this.#used.has(`${name}${String(number)}`)) number++;
    return `${name}${String(number)}`;
  }
}

export function join(path: string, segment: string): string {
  return path === "" ? segment : segment === "" ? path : `${path}.${segment}`;
}

export interface Environment {
  readonly file: FileScope;
  readonly weights: WeightScope;
  /** The segments of the weighted applications of the line at hand (3.4). */
  readonly naming: Naming;
  /** What `float`, `num`, … stand for in this application. */
  readonly dtypes: ReadonlyMap<string, DType>;
  lookup(name: string): Val | undefined;
  /** Every name that `lookup` knows, for suggestions. */
  names(): Iterable<string>;
  /** The part of a model that is being evaluated, for `with`; undefined inside blocks. */
  readonly world: WorldContext | undefined;
  /** Where a variant's edit removed the part of this name, if one did. */
  readonly removed?: ((name: string) => Span | undefined) | undefined;
  /** The part of the model that reads, for messages; whether it is a branch, which `keep` can name. */
  readonly reader?: string | undefined;
  readonly readsAsBranch?: boolean | undefined;
}

export interface Naming {
  segmentOf(site: Expr): string | undefined;
  /** The names that were looked at to find them. */
  readonly reads: readonly string[];
}
export const noNaming: Naming = { segmentOf: () => undefined, reads: [] };

/** Makes the same environment in a network whose inputs are replaced. */
export interface WorldContext {
  withInputs(replaced: ReadonlyMap<string, Val>): Environment;
  /** The declared type of an input; undefined where there is no such input. */
  input(name: string): Val | undefined;
}

type Changes = Partial<Pick<Environment, "weights" | "naming" | "dtypes" | "world">>;

/** An environment with more local names. */
export function extend(env: Environment, locals: ReadonlyMap<string, Val>, changes: Changes = {}): Environment {
  const { file, weights, naming, dtypes, world, removed, reader, readsAsBranch } = env;
  return {
    file,
    weights: changes.weights ?? weights,
    naming: changes.naming ?? naming,
    dtypes: changes.dtypes ?? dtypes,
    world: "world" in changes ? changes.world : world,
    removed,
    reader,
    readsAsBranch,
    lookup: (name) => locals.get(name) ?? env.lookup(name),
    *names() {
      yield* locals.keys();
      yield* env.names();
    },
  };
}
