// Lint rules: types that hold, layers that stay, and a compiler core without side effects.
import boundaries from "eslint-plugin-boundaries";
import tseslint from "typescript-eslint";

/**
 * The layers, first to last: a file imports only from its own layer and earlier ones.
 * The order is the way that data flows (ARCHITECTURE.md).
 */
const LAYERS = [
  ["hash", "src/compiler/hash/**"],
  ["source", "src/compiler/source/**"],
  ["diagnostics", "src/compiler/diagnostics/**"],
  ["grammar", "grammar/**"],
  ["syntax", "src/compiler/syntax/**"],
  ["host", "src/compiler/host.ts"],
  ["resolve", "src/compiler/resolve/**"],
  ["types", "src/compiler/types/**"],
  ["graph", "src/compiler/graph/**"],
  ["program", "src/compiler/program.ts"],
  ["ops", "src/compiler/ops/**"],
  ["elaborate", "src/compiler/elaborate/**"],
  ["passes", "src/compiler/passes/**"],
  ["compiler", "src/compiler/!(host|program).ts"],
  ["backends", "src/backends/**"],
  ["runtime", "src/runtime/**"],
  ["format", "src/format/**"],
  ["cli", "src/cli/**"],
];
const names = LAYERS.map(([name]) => name);
/** Backends see graphs, never the language: what only exists before the graph is closed to them. */
const CLOSED_TO_BACKENDS = ["grammar", "syntax", "resolve", "elaborate"];

/** The formatter needs texts and their trees, nothing that says what they mean. */
const OPEN_TO_FORMAT = ["source", "diagnostics", "grammar", "syntax", "format"];

function reachable(layer, index) {
  if (layer === "format") return OPEN_TO_FORMAT;
  const earlier = names.slice(0, index + 1);
  return layer === "backends" ? earlier.filter((name) => !CLOSED_TO_BACKENDS.includes(name)) : earlier;
}

export default tseslint.config(
  {
    ignores: ["dist/", "build/", "out/", "node_modules/", "**/*.generated.*", "editors/vscode/dist/", "**/.venv/"],
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers print as numbers; what must not slip into a text is an object, undefined or null.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // Index access is checked by the compiler; `!` stands where the line above proves it.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: "error",
      "no-console": "error",
      "max-lines": ["error", { max: 500 }],
    },
  },
  // A bench says what it measured.
  { files: ["bench/**/*.ts"], rules: { "no-console": "off" } },
  {
    files: ["src/**/*.ts", "grammar/**/*.ts"],
    plugins: { boundaries },
    settings: {
      "boundaries/root-path": import.meta.dirname,
      "boundaries/files": LAYERS.map(([category, pattern]) => ({ category, pattern })),
      // Imports name their file's extension, so Node's plain resolution is enough.
      "import/resolver": { node: { extensions: [".ts", ".mts", ".js", ".mjs", ".json"] } },
    },
    rules: {
      "boundaries/dependencies": [
        "error",
        {
          default: "disallow",
          message: "A layer imports only from itself and earlier ones; see LAYERS in eslint.config.mjs.",
          policies: [
            ...names.map((layer, index) => ({
              from: { file: { categories: layer } },
              allow: { to: { file: { categories: { anyOf: reachable(layer, index) } } } },
            })),
            { allow: { to: { module: { origin: ["external", "core"] } } } },
          ],
        },
      ],
    },
  },
  {
    // The compiler is a function of its inputs: no files, no process, no clock, no chance.
    files: ["src/compiler/**/*.ts", "grammar/{tokens,parser}.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["node:*"], message: "The compiler is pure; use its Host." }] },
      ],
      "no-restricted-globals": [
        "error",
        "process",
        "Date",
        "performance",
        "console",
        "setTimeout",
        "setInterval",
        "fetch",
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "The compiler is deterministic." },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "Program > VariableDeclaration[kind='let']",
          message: "No module-level mutable state in the compiler.",
        },
        {
          selector: "Program > ExportNamedDeclaration > VariableDeclaration[kind='let']",
          message: "No module-level mutable state in the compiler.",
        },
      ],
    },
  },
  {
    files: ["test/**/*.ts", "src/cli/**/*.ts"],
    rules: { "no-console": "off" },
  },
  {
    files: ["**/*.mjs"],
    extends: [tseslint.configs.base],
    rules: {
      eqeqeq: "error",
      "no-undef": "off",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "max-lines": ["error", { max: 500 }],
    },
  },
);
