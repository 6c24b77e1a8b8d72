/**
 * A real browser for tests: the Chromium that is on this machine, without a window, and a server for what its pages read.
 * WebGL runs on the CPU there, as SwiftShader does it.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium } from "playwright-core";

/** CHROMIUM names one that lies elsewhere. */
export const chromiumPath = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && path !== "" && existsSync(path));

export function openBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("there is no Chromium on this machine");
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      ...["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
    ],
  });
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

export interface Site {
  readonly address: string;
  close(): Promise<void>;
}
/** Serves texts by path, and below them the files of folders by the first word of the path. */
export async function serve(
  folders: Readonly<Record<string, string>>,
  texts: ReadonlyMap<string, string> = new Map(),
): Promise<Site> {
  const contents = async (path: string): Promise<string | Uint8Array> => {
    const text = texts.get(path);
    if (text !== undefined) return text;
    const [, first = "", ...rest] = normalize(path).split("/");
    const folder = folders[first];
    if (folder === undefined) throw new Error(`nothing at ${path}`);
    return readFile(join(folder, ...rest));
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    contents(decodeURIComponent(pathname)).then(
      (body) => {
        response.writeHead(200, {
          "content-type": types[extname(pathname)] ?? "application/octet-stream",
          "content-length": Buffer.byteLength(body),
        });
        response.end(body);
      },
      () => {
        response.writeHead(404);
        response.end();
      },
    );
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${String(port)}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => {
          closed();
        });
        server.closeAllConnections();
      }),
  };
}

/** A page that holds tfjs with its three backends, and `predict([backend, module, inputs])`. */
export const tfjsPage = `<!doctype html>
<link rel="icon" href="data:," />
${[
  "tfjs-core/dist/tf-core",
  "tfjs-backend-cpu/dist/tf-backend-cpu",
  "tfjs-backend-webgl/dist/tf-backend-webgl",
  "tfjs-backend-wasm/dist/tf-backend-wasm",
]
  .map((file) => `<script src="/node_modules/@tensorflow/${file}.min.js"></script>`)
  .join("\n")}
<script>
  tf.wasm.setWasmPaths("/node_modules/@tensorflow/tfjs-backend-wasm/dist/");
  /** Weights of a module that has none. */
  const none = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d);
  async function predict([backend, address, inputs]) {
    if (!(await tf.setBackend(backend))) throw new Error("tfjs has no " + backend + " here");
    const exact = backend !== "webgl" || tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED");
    const before = tf.memory().numTensors;
    const { create } = await import(address);
    const model = await create(address.startsWith("/samples/") ? { tf, weights: none } : { tf });
    const made = Object.entries(await model.predict(inputs));
    model.dispose();
    const outputs = Object.fromEntries(made.map(([name, { shape, data }]) => [name, { shape, data: [...data] }]));
    return { outputs, exact, left: tf.memory().numTensors - before };
  }
</script>
`;
