/** Conditions on the columns of a table, as `--where` takes them: `ancestry=white,black`, `age>=16`, `quality!=poor`. */
import { InputError } from "../error.ts";
import { type Cells, requireColumns, type Table, type TableRow } from "./table.ts";

interface Condition {
  readonly text: string;
  readonly column: string;
  readonly holds: (cell: string) => boolean;
}

/** The rows for which all conditions hold; there is at least one. */
export function rowsWhere(table: Table, texts: readonly string[]): readonly TableRow[] {
  const conditions = texts.map(parse);
  requireColumns(
    table,
    conditions.map(({ column, text }) => ({ column, why: `--where ${text}` })),
    "Columns are named as the first line of the manifest does.",
  );
  let rows = table.rows;
  for (const { text, column, holds } of conditions) {
    const left = rows.filter(({ cells }) => holds(cells[column] ?? ""));
    if (left.length === 0)
      throw new InputError(
        `No row of ${table.path} has ${text}.`,
        `${column} is ${someOf(
          rows.map((row) => row.cells),
          column,
        )}.`,
      );
    rows = left;
  }
  return rows;
}

function parse(text: string): Condition {
  const [, column, operator, value] = /^([^=<>!]+?)\s*(=|!=|<=|>=|<|>)\s*(.*)$/.exec(text) ?? [];
  if (column === undefined || operator === undefined || value === undefined)
    throw new InputError(`--where ${text} is no condition.`, "It has the form COLUMN=VALUE, or != < <= > >= for =.");
  if (operator === "=" || operator === "!=") {
    const wanted = value.split(",").map((one) => one.trim());
    return { text, column, holds: (cell) => wanted.some((one) => same(cell, one)) === (operator === "=") };
  }
  const bound = Number(value);
  if (value === "" || !Number.isFinite(bound)) throw new InputError(`--where ${text}: "${value}" is not a number.`);
  return { text, column, holds: (cell) => cell !== "" && compare(Number(cell), operator, bound) };
}

/** Texts as they stand, numbers by their value: 030 is 30. */
function same(cell: string, wanted: string): boolean {
  return cell === wanted || (cell !== "" && wanted !== "" && Number(cell) === Number(wanted));
}

function compare(a: number, operator: string, b: number): boolean {
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    default:
      return a >= b;
  }
}

function someOf(rows: readonly Cells[], column: string): string {
  const values = [...new Set(rows.map((cells) => cells[column] ?? ""))].sort();
  const shown = values.slice(0, 8).map((value) => (value === "" ? "empty" : value));
  return values.length > 8 ? `${shown.join(", ")}, …` : shown.join(", ");
}
