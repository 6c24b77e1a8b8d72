/**
 * Deals rows to parts in given proportions, by chance that a seed fixes: evenly within every stratum, and without parting
 * rows that belong together. It knows no file and no column.
 */
import type { Draws } from "../draws.ts";

export interface Part {
  readonly name: string;
  /** Of the sum of all shares. */
  readonly share: number;
}

export interface Dealt {
  /** Rows of one stratum are spread over the parts as all rows are. */
  readonly stratum: string;
  /** Rows of one group go to one part. */
  readonly group: string;
}

/**
 * The part of each row. Groups come in random order, stratum by stratum, and each goes to the part that lacks most: so with
 * two parts, after any number of single rows each part has its share to within one.
 */
export function deal(rows: readonly Dealt[], parts: readonly Part[], draws: Draws): readonly string[] {
  const total = parts.reduce((sum, { share }) => sum + share, 0);
  const has = parts.map(() => 0);
  const given = new Array<string>(rows.length);
  let dealt = 0;
  for (const group of inStrata(groupsOf(rows), rows, draws)) {
    dealt += group.length;
    const lacks = parts.map(({ share }, p) => (share / total) * dealt - (has[p] ?? 0));
    // What rounding made of equal lacks must not decide.
    const most = Math.max(...lacks) - 1e-9;
    const chosen = lacks.findIndex((lack) => lack >= most);
    has[chosen] = (has[chosen] ?? 0) + group.length;
    for (const row of group) given[row] = parts[chosen]?.name ?? "";
  }
  return given;
}

/** Places of rows, group by group, in the order in which groups first come. */
function groupsOf(rows: readonly Dealt[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  rows.forEach(({ group }, place) => {
    const mine = groups.get(group);
    if (mine === undefined) groups.set(group, [place]);
    else mine.push(place);
  });
  return [...groups.values()];
}

function inStrata(
  groups: readonly (readonly number[])[],
  rows: readonly Dealt[],
  draws: Draws,
): readonly (readonly number[])[] {
  const strata = new Map<string, (readonly number[])[]>();
  for (const at of draws.permutation(groups.length)) {
    const group = groups[at] ?? [];
    const stratum = mostCommon(group.map((row) => rows[row]?.stratum ?? ""));
    const mine = strata.get(stratum);
    if (mine === undefined) strata.set(stratum, [group]);
    else mine.push(group);
  }
  return [...strata.values()].flat();
}

/** Of several as common, the first by its text. */
function mostCommon(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [first] = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return first?.[0] ?? "";
}
