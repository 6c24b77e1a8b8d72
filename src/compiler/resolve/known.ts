/**
 * What was found out about declarations by looking at their trees alone, for as long as the trees stay. Whoever checks a file
 * again brings it along; it decides nothing.
 */
import type { Span } from "../source/source.ts";
import type { Declaration } from "../syntax/ast.ts";

export interface Use {
  readonly name: string;
  readonly span: Span;
}
/** Of a declaration whose local names are in order. */
export interface Orderly {
  /** The names around it, which its own must not hide. */
  readonly around: string;
  /** The imports that it reads. */
  readonly reads: readonly string[];
}

export class KnownTrees {
  readonly uses = new WeakMap<Declaration, readonly Use[]>();
  readonly orderly = new WeakMap<Declaration, Orderly>();
}
