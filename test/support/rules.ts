/** The type rules of the primitives that ship, read from `stdlib/`, for tests that build graphs by hand. */
import { readFileSync } from "node:fs";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { TypeRules } from "../../src/compiler/graph/builder.ts";
import { primitiveRules } from "../../src/compiler/graph/primitives.ts";
import { parseFile } from "../../src/compiler/syntax/parse.ts";

export function standardRules(): TypeRules {
  const declarations = ["prim", "gradients"].flatMap((name) => {
    const bag = new DiagnosticBag();
    const text = readFileSync(new URL(`../../stdlib/${name}.arch`, import.meta.url), "utf8");
    const file = parseFile({ name: `std:${name}`, text }, bag);
    if (bag.hasErrors)
      throw new Error(
        bag
          .sorted()
          .map((d) => `${d.code} ${d.message}`)
          .join("\n"),
      );
    return file.declarations;
  });
  return primitiveRules(declarations.filter((d) => d.kind === "prim"));
}
