// The tour of archc that `npm run demo` gives. First what needs no TensorFlow: the model, an error, a variant, an ONNX
// file that runs, PyTorch's numbers. Then the TensorFlow engine trains the full-size network on drawn faces, and the ONNX
// file with the trained weights predicts what TensorFlow predicts. Fails where one of these does not hold.
//   node scripts/demo.mjs [--first-minute]
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setUp } from "./setup.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);
const started = performance.now();
const out = "build/demo";
const model = "models/dhaa.arch";

/** What the second half is held to. */
const STEPS = 60;
const BATCH = 4;
const LOSS_RATIO = 0.85;
const YEARS_APART = 1e-3;

class DemoError extends Error {}

function title(text) {
  const time = ((performance.now() - started) / 1000).toFixed(0).padStart(3);
  console.log(
    `\n\u001b[1m[${time} s] ${text}\u001b[0m`.replace(/\u001b\[\d+m/g, (code) => (process.stdout.isTTY ? code : "")),
  );
}

/** Runs `archc` in this terminal, after showing the command; returns what it printed where that is asked for. */
function archc(args, { fails = false, capture = false, quiet = false } = {}) {
  if (!quiet) console.log(`$ bin/archc ${args.join(" ")}`);
  const result = spawnSync(process.execPath, ["bin/archc", ...args], {
    encoding: "utf8",
    stdio: ["ignore", capture ? "pipe" : "inherit", fails ? "pipe" : "inherit"],
    maxBuffer: 1 << 28,
  });
  if (fails) process.stdout.write(result.stderr);
  if (result.signal !== null || result.status === 130) process.exit(130);
  if ((result.status !== 0) !== fails) throw new DemoError(`archc ${args[0]} ended with status ${result.status}`);
  return `${result.stdout ?? ""}${fails ? result.stderr : ""}`;
}

function show(text) {
  console.log(
    text
      .trimEnd()
      .split("\n")
      .map((line) => `    ${line}`)
      .join("\n"),
  );
}

function write(name, text) {
  writeFileSync(join(out, name), text);
  return join(out, name);
}

async function firstMinute() {
  const source = readFileSync(model, "utf8");

  title("The network of the paper's Figure 1, as text");
  const branches = /  branch global[\s\S]*?(?=\n  let joined)/.exec(source);
  if (branches === null) throw new DemoError(`${model} has no branches`);
  show(branches[0]);

  title("A classifier for 100 ages where there are 101: told before anything runs");
  const wrong = source.replace("joined |> linear(classes)", "joined |> linear(100)");
  if (wrong === source) throw new DemoError(`${model} has no \`joined |> linear(classes)\``);
  const told = archc(["check", write("hundred.arch", wrong)], { fails: true });
  if (!told.includes("E0307")) throw new DemoError("the error E0307 did not come");

  title("A variant is one line; it is checked as a whole program");
  const variant = [
    `import { dhaa }     from "${relative(out, model)}"`,
    'import { roi_pool } from "std:regions"',
    "variant dhaa_roi_eye of dhaa {",
    "  set face.eye = roi_pool(center: [1.0, 0.0, 0.0, 0.0, 0.0], scale: 2.4)",
    "}",
    "",
  ].join("\n");
  show(variant);
  const file = write("roi_eye.arch", variant);
  archc(["check", file]);

  title("Weights from a seed, and the ONNX file: batch norm folded, alignment solved inside, any batch");
  archc(["weights", "init", model, "--seed", "0", "-o", `${out}/start.safetensors`]);
  archc(["compile", model, "--target", "onnx", "--weights", `${out}/start.safetensors`, "-o", `${out}/start.onnx`]);
  archc([
    "compile",
    file,
    "--variant",
    "dhaa_roi_eye",
    "--target",
    "tfjs",
    "--mode",
    "predict",
    "--weights",
    `${out}/start.safetensors`,
    "-o",
    `${out}/roi_eye`,
  ]);

  title("The ONNX file in ONNX Runtime, on drawn faces");
  archc(["data", "faces", "-o", `${out}/few`, "--count", "3", "--seed", "3"]);
  archc(["predict", model, "--artifact", `${out}/start.onnx`, "--data", `${out}/few/manifest.csv`]);

  title("Outputs, losses, gradients and weights after 3 steps equal PyTorch's to 1e-9 in f64");
  console.log("$ node scripts/test.mjs test/goldens/reference.test.ts");
  const test = spawnSync(process.execPath, ["scripts/test.mjs", "test/goldens/reference.test.ts"], {
    encoding: "utf8",
  });
  if (test.status !== 0) throw new DemoError(`the numbers differ from PyTorch's:\n${test.stdout}`);
  show(test.stdout.trim().split("\n").at(-1) ?? "");
}

async function training() {
  title("The TensorFlow engine (made once, kept in your cache)");
  if (!(await setUp({ engine: true })))
    throw new DemoError("there is no TensorFlow engine; `bin/archc doctor` says why and what to do");

  title("250 drawn faces of 50 people: 200 to train on");
  archc(["data", "faces", "-o", `${out}/faces`, "--count", "250", "--seed", "1", "--ages", "15-45"]);

  title(`The full-size network learns: ${STEPS} steps of ${BATCH} faces`);
  const data = `${out}/faces/manifest.csv`;
  archc([
    "train",
    model,
    "--data",
    data,
    "-o",
    `${out}/run`,
    "--batch",
    String(BATCH),
    "--steps",
    String(STEPS),
    "--weights",
    `${out}/start.safetensors`,
  ]);
  const lines = readFileSync(`${out}/run/metrics.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const losses = lines.filter(({ kind }) => kind === "step").map(({ loss }) => loss);
  if (losses.length !== STEPS) throw new DemoError(`${losses.length} steps were recorded, not ${STEPS}`);
  const [first, last] = [mean(losses.slice(0, 5)), mean(losses.slice(-5))];
  const ratio = last / first;
  console.log(
    `mean of the first 5 losses ${first.toFixed(3)}, of the last 5 ${last.toFixed(3)}: ${ratio.toFixed(3)} of it (at most ${LOSS_RATIO} is asked)`,
  );
  if (!(ratio <= LOSS_RATIO)) throw new DemoError(`the loss fell to ${ratio.toFixed(3)} only`);

  title("The trained weights as ONNX, on faces that were held out");
  const weights = `${out}/run/weights.safetensors`;
  archc(["compile", model, "--target", "onnx", "--weights", weights, "-o", `${out}/dhaa.onnx`]);
  const held = ["--data", data, "--split", "test", "--json"];
  const onnx = predictions(archc(["predict", model, "--artifact", `${out}/dhaa.onnx`, ...held], { capture: true }));
  const tensorflow = predictions(
    archc(["predict", model, "--artifact", `${out}/run/model`, "--weights", weights, ...held], { capture: true }),
  );
  console.log("face                  age  ONNX Runtime  TensorFlow");
  for (const [i, { image, years, columns }] of onnx.entries()) {
    if (i < 6)
      console.log(
        `${image}  ${columns.age.padStart(5)}  ${years.toFixed(5).padStart(12)}  ${tensorflow[i].years.toFixed(5).padStart(10)}`,
      );
  }
  const apart = Math.max(...onnx.map(({ years }, i) => Math.abs(years - tensorflow[i].years)));
  console.log(`${onnx.length} faces, at most ${apart.toExponential(1)} years apart (at most ${YEARS_APART} is asked)`);
  if (onnx.length === 0 || !(apart <= YEARS_APART)) throw new DemoError("the two engines differ");
}

function predictions(text) {
  return JSON.parse(text).predictions;
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

try {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await firstMinute();
  if (!process.argv.includes("--first-minute")) await training();
  title(`Done. What was made lies in ${out}.`);
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  console.error(`\ndemo: ${error.message}`);
  process.exitCode = 1;
}
