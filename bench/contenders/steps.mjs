// What the contenders in JavaScript share: tensors from a safetensors file, and steps told by lines of standard input.
// Each line `N` makes N steps and is answered by one line of JSON: {wall: [ms a step], cpu: ms in all, peak: MB, value}.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const TYPES = { F32: Float32Array, I32: Int32Array, I64: BigInt64Array };

/** `step` gives the number that tells whether all contenders do the same work: a loss, a prediction. */
export async function serve(step) {
  answer({});
  for await (const line of createInterface({ input: process.stdin })) {
    const wall = [];
    const before = process.cpuUsage();
    let value = 0;
    for (let i = 0; i < Number(line); i += 1) {
      const start = performance.now();
      value = await step();
      wall.push(performance.now() - start);
    }
    const { user, system } = process.cpuUsage(before);
    answer({ wall, cpu: (user + system) / 1000, peak: peakMegabytes(), value });
  }
}

/** Those tensors of a small safetensors file whose names `wanted` has: {name: {dtype, shape, data}}. */
export function tensorsOf(path, wanted) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const entries = Object.entries(JSON.parse(bytes.toString("utf8", 8, start)));
  return Object.fromEntries(
    entries
      .filter(([name]) => wanted.has(name))
      .map(([name, { dtype, shape, data_offsets: offsets }]) => {
        const [from, to] = offsets.map((offset) => start + offset);
        const data = new TYPES[dtype](Uint8Array.from(bytes.subarray(from, to)).buffer);
        return [name, { dtype, shape, data }];
      }),
  );
}

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
function peakMegabytes() {
  return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1024;
}
