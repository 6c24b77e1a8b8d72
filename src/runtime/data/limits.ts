/** A recipe that also knows which numbers of a manifest the model uses as places, so that a wrong one is told with its line. */
import type { Graph } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import { limitsOf } from "../run/places.ts";
import { type Recipe, recipeOf } from "./recipe.ts";

export function limitedRecipe(program: Program, graph: Graph): Recipe {
  const recipe = recipeOf(program.name, program.data, graph.ports);
  const limits = limitsOf(graph);
  const fields = recipe.fields.map((field) => {
    const own = limits.get(field.name);
    return own === undefined ? field : { ...field, limits: own };
  });
  return { ...recipe, fields };
}
