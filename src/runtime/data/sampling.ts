/**
 * Which rows an epoch shows where they do not all come once: classes as often as each other, or rows in proportion to a
 * weight. As many are drawn as there are rows, each as often as it should be to within one.
 */
import type { Draws } from "../draws.ts";
import { InputError } from "../error.ts";
import type { Row } from "./manifest.ts";
import { count, type Fault, faultLines } from "./table.ts";

export interface Sampling {
  /** Values of this column come equally often. */
  readonly balance?: string | undefined;
  /** Rows come in proportion to the number in this column; with `balance`, within their class. */
  readonly weigh?: string | undefined;
}

/** What draws rows: each row's weight, and rows of one class next to each other. */
export interface Weights {
  readonly weight: readonly number[];
  readonly classOf: readonly string[];
}

/** Undefined where every row comes once an epoch. */
export function weightsOf(path: string, rows: readonly Row[], { balance, weigh }: Sampling): Weights | undefined {
  if (balance === undefined && weigh === undefined) return undefined;
  const faults: Fault[] = [];
  const cellsOf = (column: string, flag: string): readonly string[] => {
    const first = rows[0]?.columns ?? {};
    if (!(column in first))
      throw new InputError(
        `${path} lacks the column \`${column}\` (for ${flag}).`,
        `It has: ${Object.keys(first).join(", ")}.`,
      );
    return rows.map(({ columns, line }) => {
      if (columns[column] === "") faults.push({ line, problem: `column ${column} is empty` });
      return columns[column] ?? "";
    });
  };
  const classOf = balance === undefined ? rows.map(() => "") : cellsOf(balance, "--balance");
  const own = weigh === undefined ? rows.map(() => 1) : cellsOf(weigh, "--weigh").map(Number);
  own.forEach((weight, i) => {
    const { columns, line } = rows[i] as Row;
    if (!(Number.isFinite(weight) && weight >= 0))
      faults.push({
        line,
        problem: `column ${weigh ?? ""}: "${columns[weigh ?? ""] ?? ""}" is not a weight, 0 or more`,
      });
  });
  faults.sort((a, b) => a.line - b.line);
  if (faults.length > 0)
    throw new InputError([`${count(faults.length, "row")} cannot be drawn:`, ...faultLines(path, faults)].join("\n  "));
  const totals = new Map<string, number>();
  own.forEach((weight, i) => totals.set(classOf[i] ?? "", (totals.get(classOf[i] ?? "") ?? 0) + weight));
  const none = [...totals].find(([, total]) => total === 0);
  if (none !== undefined)
    throw new InputError(`${path}: all weights${balance === undefined ? "" : ` of ${balance} ${none[0]}`} are 0.`);
  return { weight: own.map((weight, i) => weight / (totals.get(classOf[i] ?? "") ?? 1)), classOf };
}

/** One showing of a row: the place of the row, and how many times it has been drawn before in this epoch. */
export interface Showing {
  readonly row: number;
  readonly nth: number;
}

/**
 * Systematic sampling: weights lie end to end on a line, and marks one apart, from a random start on, hit the rows. Rows of a
 * class lie together, so that a class too comes as often as it should to within one.
 */
export function drawShowings({ weight, classOf }: Weights, draws: Draws): readonly Showing[] {
  const n = weight.length;
  const total = weight.reduce((sum, each) => sum + each, 0);
  const places = new Map<string, number[]>();
  for (const row of draws.permutation(n)) {
    const mine = places.get(classOf[row] ?? "");
    if (mine === undefined) places.set(classOf[row] ?? "", [row]);
    else mine.push(row);
  }
  const line = [...places.values()].flat();
  const start = draws.uniform();
  const showings: Showing[] = [];
  let sum = 0;
  line.forEach((row, i) => {
    const before = Math.floor(sum + start);
    sum = i + 1 === n ? n : sum + (n * (weight[row] ?? 0)) / total;
    const times = Math.floor(sum + start) - before;
    for (let nth = 0; nth < times; nth += 1) showings.push({ row, nth });
  });
  return draws.permutation(showings.length).map((place) => showings[place] as Showing);
}
