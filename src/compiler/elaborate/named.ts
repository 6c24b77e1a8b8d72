/**
 * The values that a model names, by path: its lets (`joined`), regions (`face.eye`), the lines and the results of branches
 * (`global.near.b2`, `global.near`, `global`), the lets of heads (`final.once`). It evaluates nothing.
 */
import type { Value } from "../graph/graph.ts";
import { join } from "./environment.ts";
import type { Network } from "./network.ts";
import type { Val } from "./values.ts";

export function namedValues(network: Network): ReadonlyMap<string, Value> {
  const named = new Map<string, Value>();
  const add = (path: string, value: Val | undefined): void => {
    if (value?.kind === "tensor") named.set(path, value.value);
    if (value?.kind === "collection")
      value.members.forEach((m, i) => {
        add(join(path, value.keys[i] ?? ""), m);
      });
    if (value?.kind === "tuple")
      value.members.forEach((m, i) => {
        add(join(path, String(i)), m);
      });
  };
  const { plan } = network;
  for (const [name, value] of network.section.evaluated) add(name, value);
  for (const name of plan.regions.keys())
    for (const [key, value] of network.regions(name)?.evaluated ?? []) add(`${name}.${key}`, value);
  for (const name of plan.branches.keys()) {
    const branch = network.branch(name);
    add(name, branch?.fused);
    for (const member of branch?.evaluated ?? []) {
      add(`${name}.${member.key}`, member.result);
      for (const [line, value] of member.section.evaluated) add(`${name}.${member.key}.${line}`, value);
    }
  }
  for (const name of network.headNames())
    for (const member of network.head(name)?.evaluated ?? [])
      for (const [line, value] of member.section.evaluated) add(`${member.path}.${line}`, value);
  return named;
}
