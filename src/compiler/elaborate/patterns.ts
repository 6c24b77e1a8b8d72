/** Patterns over weight paths: `{x}` part of a segment, `{x**}` segments, `*` one segment or part of one, `**` any number. */

interface Piece {
  readonly source: string;
  readonly name: string | undefined;
}

/** Compiled once, matched often. */
export class PathPattern {
  readonly text: string;
  readonly #expression: RegExp;
  readonly #names: readonly string[];

  constructor(text: string) {
    this.text = text;
    const names: string[] = [];
    const segments = text.split(".").map((segment): Piece => {
      if (segment === "**") return { source: "(?:[^.]+(?:\\.|$))*", name: undefined };
      const rest = /^\{(\w+)\*\*\}$/.exec(segment);
      if (rest?.[1] !== undefined) {
        names.push(rest[1]);
        return { source: "((?:[^.]+(?:\\.|$))*)", name: rest[1] };
      }
      const source = segment.replace(/\{(\w+)\}|\*|[^{}*]+|[{}]/g, (piece, name: string | undefined) => {
        if (name !== undefined) {
          names.push(name);
          return "([^.]+?)";
        }
        return piece === "*" ? "[^.]*" : piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      });
      return { source: `${source}(?:\\.|$)`, name: undefined };
    });
    this.#expression = new RegExp(`^${segments.map((s) => s.source).join("")}$`);
    this.#names = names;
  }

  matches(path: string): boolean {
    return this.text === "**" || this.#expression.test(path);
  }
  /** What the names of the pattern stand for, or undefined where the path does not fit. */
  capture(path: string): ReadonlyMap<string, string> | undefined {
    const found = this.#expression.exec(path);
    if (found === null) return undefined;
    return new Map(this.#names.map((name, i) => [name, (found[i + 1] ?? "").replace(/\.$/, "")]));
  }
  /** The pattern with its names replaced. */
  static fill(text: string, captured: ReadonlyMap<string, string>): string {
    return text.replace(/\{(\w+)(?:\*\*)?\}/g, (whole, name: string) => captured.get(name) ?? whole);
  }
}
