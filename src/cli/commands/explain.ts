/** `archc explain`: the page of a diagnostic, as it comes with the package. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { nearest } from "../../compiler/diagnostics/suggest.ts";
import { packageRoot } from "../../runtime/package-root.ts";
import { UsageError } from "../fail.ts";
import { example, type ReportFlags, withReport } from "../flags.ts";
import { Ui } from "../ui.ts";

export function explain(): Command {
  const command = new Command("explain")
    .description("the page of an error or warning: what it means, an example, the way out")
    .argument("<code>", "the code in the brackets of a message, such as E0301");
  return example(withReport(command), "archc explain E0301").action(run);
}

function run(code: string, flags: ReportFlags): void {
  const ui = new Ui(flags);
  const folder = join(packageRoot(), "docs", "errors");
  const pages = existsSync(folder) ? readdirSync(folder) : [];
  const codes = pages.flatMap((file) => /^(E\d{4})\.md$/.exec(file)?.[1] ?? []).sort();
  const wanted = code.toUpperCase().replace(/^E?(\d+)$/, (_, digits: string) => `E${digits.padStart(4, "0")}`);
  if (!codes.includes(wanted)) throw unknownCode(code, wanted, codes);
  const page = readFileSync(join(folder, `${wanted}.md`), "utf8");
  const { title, text } = parts(page);
  ui.result({ code: wanted, title, text });
  ui.print(coloured(ui, `${wanted}: ${title}\n\n${text.trim()}`));
}

function unknownCode(given: string, wanted: string, codes: readonly string[]): UsageError {
  const near = nearest(wanted, codes, 4);
  const alike = near.length > 0 ? near : codes.filter((c) => c.slice(0, 3) === wanted.slice(0, 3));
  const help =
    alike.length > 0
      ? `near are ${alike.join(", ")}`
      : `codes are ${codes[0] ?? "none"} to ${codes.at(-1) ?? "none"}; they stand in the brackets of a message`;
  return new UsageError(`there is no diagnostic ${given}.`, help);
}

/** The title of the front matter, and what stands below it. */
function parts(page: string): { readonly title: string; readonly text: string } {
  const [, front = "", text = page] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(page) ?? [];
  return { title: /^title: (.*)$/m.exec(front)?.[1] ?? "", text };
}

/** Examples stand out from the text, on a terminal; elsewhere the page stays as it is, fences and all. */
function coloured(ui: Ui, text: string): string {
  const { out } = ui;
  if (!out.isColorSupported) return text;
  return text.replace(
    /^```(\S*)( \S+)?[^\n]*\n([\s\S]*?)^```$/gm,
    (_, language: string, kind: string | undefined, body: string) => {
      const paint = language === "text" ? out.yellow : kind?.trim() === "bad" ? out.red : out.green;
      return body.replace(/[^\n]+/g, (line) => `    ${paint(line)}`);
    },
  );
}
