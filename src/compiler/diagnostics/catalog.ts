/**
 * Every diagnostic by its code, and the one way to report one: a report site names a code and its arguments, and
 * TypeScript refuses a code or an argument that the catalog does not have.
 */
import type { Span } from "../source/source.ts";
import { dataRows } from "./catalog/data.ts";
import { layersRows } from "./catalog/layers.ts";
import { namesRows } from "./catalog/names.ts";
import { shapesRows } from "./catalog/shapes.ts";
import { syntaxRows } from "./catalog/syntax.ts";
import { targetsRows } from "./catalog/targets.ts";
import { warningRows } from "./catalog/warnings.ts";
import { variantsRows } from "./catalog/variants.ts";
import type { Diagnostic, DiagnosticBag, Fix, Related } from "./diagnostic.ts";
import type { Row } from "./row.ts";

export const catalog = {
  ...syntaxRows,
  ...namesRows,
  ...shapesRows,
  ...layersRows,
  ...variantsRows,
  ...dataRows,
  ...warningRows,
  ...targetsRows,
} as const;

type Catalog = typeof catalog;
export type Code = keyof Catalog;
/** The arguments that the prose of a code is made from. */
export type ArgsOf<C extends Code> = Catalog[C] extends Row<infer Args> ? Args : never;

export interface ReportExtras {
  readonly related?: readonly Related[];
  readonly fixes?: readonly Fix[];
  /** A remark after the help, such as "(all 12 rounds, reported once)". */
  readonly note?: string;
}

/** Makes a diagnostic without reporting it. */
export function diagnose<C extends Code>(code: C, args: ArgsOf<C>, span: Span, extras: ReportExtras = {}): Diagnostic {
  // The row of C takes the arguments of C; the lookup alone loses that link.
  const row: Row<ArgsOf<C>> = catalog[code] as unknown as Row<ArgsOf<C>>;
  return {
    code,
    severity: row.severity,
    message: row.message(args),
    span,
    label: row.label?.(args) ?? "",
    related: extras.related ?? [],
    help: row.help?.(args) ?? "",
    note: extras.note ?? "",
    fixes: extras.fixes ?? [],
  };
}

/** Reports a mistake: `report(bag, "E0103", { open: "(", close: ")", help: "" }, span, { fixes })`. */
export function report<C extends Code>(
  bag: DiagnosticBag,
  code: C,
  args: ArgsOf<C>,
  span: Span,
  extras: ReportExtras = {},
): void {
  bag.add(diagnose(code, args, span, extras));
}

export function isCode(text: string): text is Code {
  return Object.hasOwn(catalog, text);
}
