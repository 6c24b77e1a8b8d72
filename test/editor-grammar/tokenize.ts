/** Colours lines as an editor does: the generated grammar, run by VS Code's own engine. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { IGrammar } from "vscode-textmate";
import { root } from "../syntax/support.ts";

// Both packages are CommonJS bundles whose names an import does not see.
const require = createRequire(import.meta.url);
const textmate = require("vscode-textmate") as typeof import("vscode-textmate");
const oniguruma = require("vscode-oniguruma") as typeof import("vscode-oniguruma");

export async function loadGrammar(): Promise<IGrammar> {
  const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(new Uint8Array(wasm).buffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => oniguruma.createOnigScanner(sources),
      createOnigString: (text) => oniguruma.createOnigString(text),
    }),
    loadGrammar: (scope) => {
      if (scope !== "source.arch") return Promise.resolve(null);
      const path = join(root, "grammar", "arch.tmLanguage.json");
      return Promise.resolve(textmate.parseRawGrammar(readFileSync(path, "utf8"), path));
    },
  });
  const grammar = await registry.loadGrammar("source.arch");
  if (grammar === null) throw new Error("the grammar did not load");
  return grammar;
}

export interface Piece {
  readonly text: string;
  /** The innermost scope, without the language's suffix. */
  readonly scope: string;
}

/** The pieces of a text with their innermost scopes; what has no scope of its own is left out. */
export function piecesOf(grammar: IGrammar, text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let state = textmate.INITIAL;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    for (const { startIndex, endIndex, scopes } of tokens) {
      const scope = scopes.at(-1) ?? "";
      const piece = line.slice(startIndex, endIndex);
      if (scope !== "source.arch" && piece.trim() !== "")
        pieces.push({ text: piece, scope: scope.replace(/\.arch$/, "") });
    }
  }
  return pieces;
}
