/** Names at the top level of a file, as values: constants, functions, blocks and primitives. */
import type { Declared, FileScope } from "../resolve/modules.ts";
import { type Environment, noNaming, WeightScope } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { fitStatic } from "./functions.ts";
import { reportWrongValue } from "./mistakes.ts";
import { hasUnknown, unknown, type Val } from "./values.ts";

/** The environment in which a file's declarations are read. */
export function fileEnvironment(evaluator: Evaluator, scope: FileScope): Environment {
  return {
    file: scope,
    weights: new WeightScope("", scope.file.name),
    naming: noNaming,
    dtypes: new Map(),
    world: undefined,
    lookup: (name) => {
      if (scope.broken.has(name)) return unknown;
      const declared = scope.lookup(name);
      return declared && declaredValue(evaluator, declared);
    },
    names: () => scope.names(),
  };
}

function declaredValue(evaluator: Evaluator, { declaration, scope }: Declared): Val | undefined {
  switch (declaration.kind) {
    case "block":
    case "prim":
      return {
        kind: "block",
        callable: { kind: "declared", declaration, scope },
        name: declaration.name.text,
        config: new Map(),
        slot: undefined,
      };
    case "fn":
      return { kind: "fn", declaration, scope };
    case "const": {
      const { constants } = evaluator.context.shared;
      const known = constants.get(scope)?.get(declaration.name.text);
      if (known) return known;
      const perFile = constants.get(scope) ?? new Map<string, Val>();
      constants.set(scope, perFile);
      perFile.set(declaration.name.text, unknown); // a cycle ends here
      const value = evaluator.plain(declaration.value, fileEnvironment(evaluator, scope));
      const fitted = hasUnknown(value) ? unknown : fitStatic(value, declaration.type);
      if (fitted === undefined) {
        reportWrongValue(evaluator.context, declaration.name.text, declaration.type, value, declaration.value);
      }
      perFile.set(declaration.name.text, fitted ?? unknown);
      return fitted ?? unknown;
    }
    default:
      return undefined;
  }
}
