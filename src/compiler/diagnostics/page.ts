/**
 * The page of a diagnostic (`docs/diagnostics/CODE.md`): a title, why it is a mistake, an example that provokes it and
 * one that does not. Pure: whoever has the file gives its text.
 */

export interface DiagnosticPage {
  readonly code: string;
  readonly title: string;
  /** Prose between the title and the first example. */
  readonly text: string;
  /** Specs that report the code. */
  readonly wrong: readonly string[];
  /** Specs without any diagnostic. */
  readonly right: readonly string[];
}

const TITLE = /^# (E\d{4}): (.+)$/;

/**
 * Reads a page: `# CODE: title`, prose, then sections `## Wrong` and `## Right`, each with one or more blocks of arch
 * code. Throws what is missing, for a page is part of the program.
 */
export function parsePage(source: string): DiagnosticPage {
  const lines = source.split(/\r?\n/);
  const [, code, title] = TITLE.exec(lines[0] ?? "") ?? [];
  if (code === undefined || title === undefined) throw new Error("a page starts with `# CODE: title`");
  const wrongAt = lines.indexOf("## Wrong");
  const rightAt = lines.indexOf("## Right");
  if (wrongAt === -1 || rightAt < wrongAt) throw new Error(`${code}: a page has \`## Wrong\` and then \`## Right\``);
  const text = lines.slice(1, wrongAt).join("\n").trim();
  const wrong = blocks(lines.slice(wrongAt, rightAt));
  const right = blocks(lines.slice(rightAt));
  if (text === "" || wrong.length === 0 || right.length === 0) throw new Error(`${code}: the page has an empty part`);
  return { code, title, text, wrong, right };
}

function blocks(lines: readonly string[]): readonly string[] {
  const found: string[] = [];
  let open: string[] | undefined;
  for (const line of lines) {
    if (open === undefined && line === "```arch") open = [];
    else if (open !== undefined && line === "```") {
      found.push(`${open.join("\n")}\n`);
      open = undefined;
    } else open?.push(line);
  }
  return found;
}
