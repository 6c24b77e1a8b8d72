/**
 * What stood in a place before a variant's edit: `base`, where the model and the file have no such name, and the edited
 * let's or parameter's own name. It is read in the environment that it had, in the network that reads it.
 */
import { evaluateNamed, resolveType } from "./bodies.ts";
import type { Environment } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import type { EditedPlace, PartExpr } from "./plan.ts";
import type { Val } from "./values.ts";

export function withBase(
  evaluator: Evaluator,
  env: Environment,
  { expr }: PartExpr,
  place: EditedPlace = {},
  environment: () => Environment,
): Environment {
  let value: Val | undefined;
  const before = (): Val => {
    if (value) return value;
    const own = environment();
    const type = place.type?.kind === "tensor" && place.type.dims ? resolveType(evaluator, place.type, own) : undefined;
    value = evaluateNamed(evaluator, expr, place.name, own, { type, block: place.block === true });
    return value;
  };
  return {
    ...env,
    lookup: (name) => (name === place.name ? before() : (env.lookup(name) ?? (name === "base" ? before() : undefined))),
    *names() {
      yield* env.names();
      yield "base";
    },
  };
}
