/** Generated files are what their generator gives, and the packed extension holds them. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatedFiles } from "../../grammar/generate/files.ts";
import { reservedWords, softWords } from "../../grammar/tokens.ts";
import { root } from "../syntax/support.ts";

describe("generated files", () => {
  it.each(generatedFiles().map((file) => [file.path, file.text] as const))("%s is up to date", (path, text) => {
    expect(readFileSync(join(root, path), "utf8") === text, "run: npm run generate").toBe(true);
  });

  it("know every word", () => {
    const grammar = readFileSync(join(root, "grammar", "arch.tmLanguage.json"), "utf8");
    const ebnf = readFileSync(join(root, "grammar", "arch.ebnf"), "utf8");
    for (const word of [...Object.keys(reservedWords), ...Object.keys(softWords)]) {
      expect(grammar).toMatch(new RegExp(`[(|:}?"]${word}[)|(]|\\b${word}\\b`));
      expect(ebnf).toContain(`"${word}"`);
    }
  });
});

interface ZipEntry {
  readonly fileName: string;
}
interface ZipFile {
  readEntry(): void;
  on(event: "entry", listener: (entry: ZipEntry) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  openReadStream(entry: ZipEntry, done: (error: Error | null, stream: NodeJS.ReadableStream) => void): void;
}
interface Yauzl {
  open(path: string, options: { readonly lazyEntries: true }, done: (error: Error | null, zip: ZipFile) => void): void;
}

function readZip(path: string): Promise<ReadonlyMap<string, string>> {
  // It comes with vsce, which packs the extension.
  const yauzl = createRequire(createRequire(import.meta.url).resolve("@vscode/vsce/package.json"))("yauzl") as Yauzl;
  return new Promise((resolve, reject) => {
    const files = new Map<string, string>();
    yauzl.open(path, { lazyEntries: true }, (error, zip) => {
      if (error !== null) {
        reject(error);
        return;
      }
      zip.on("error", reject);
      zip.on("end", () => {
        resolve(files);
      });
      zip.on("entry", (entry) => {
        zip.openReadStream(entry, (failure, stream) => {
          if (failure !== null) {
            reject(failure);
            return;
          }
          const chunks: Buffer[] = [];
          stream.on("data", (chunk: Buffer) => chunks.push(chunk));
          stream.on("end", () => {
            files.set(entry.fileName, Buffer.concat(chunks).toString("utf8"));
            zip.readEntry();
          });
        });
      });
      zip.readEntry();
    });
  });
}

describe("the packed extension", () => {
  const folder = mkdtempSync(join(tmpdir(), "archc-vsix-"));
  let files: ReadonlyMap<string, string>;

  beforeAll(async () => {
    const script = join(root, "scripts", "vscode-package.mjs");
    await promisify(execFile)(process.execPath, [script, "--out", folder], { cwd: root });
    files = await readZip(join(folder, "archc-vscode-0.1.0.vsix"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("holds the grammar, the language and the licence", () => {
    const grammar = readFileSync(join(root, "grammar", "arch.tmLanguage.json"), "utf8");
    expect(files.get("extension/syntaxes/arch.tmLanguage.json")).toBe(grammar);
    expect(files.get("extension/LICENSE.txt")).toBe(readFileSync(join(root, "LICENSE"), "utf8"));
    const manifest = JSON.parse(files.get("extension/package.json") ?? "{}") as {
      readonly contributes: { readonly languages: readonly unknown[]; readonly grammars: readonly unknown[] };
    };
    expect(manifest.contributes.languages).toMatchObject([{ id: "arch", extensions: [".arch"] }]);
    expect(manifest.contributes.grammars).toMatchObject([{ language: "arch", scopeName: "source.arch" }]);
    const configuration = JSON.parse(files.get("extension/language-configuration.json") ?? "{}") as unknown;
    expect(configuration).toMatchObject({ comments: { lineComment: "//" } });
  });

  it("has the version of the compiler", () => {
    const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
    const packed = JSON.parse(files.get("extension/package.json") ?? "{}") as { readonly version: string };
    expect(packed.version).toBe(own.version);
  });
});
