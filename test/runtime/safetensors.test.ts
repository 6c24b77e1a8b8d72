// Weight files: bytes laid out by hand from the format's description, what is read from them, what is written, and what
// a user is told about files that are cut off, damaged or something else.
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SafetensorsError, SafetensorsFile, writeSafetensors } from "../../src/runtime/safetensors.ts";

const folder = mkdtempSync(join(tmpdir(), "archc-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, header: unknown, data: Uint8Array | number[], length?: number): string {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(length ?? Buffer.byteLength(text)));
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([head, Buffer.from(text), Buffer.from(data)]));
  return path;
}

async function problemOf(path: string, name?: string): Promise<string> {
  try {
    await using file = await SafetensorsFile.open(path);
    if (name !== undefined) await file.read(name);
  } catch (error) {
    if (error instanceof SafetensorsError) {
      expect(error.help).toHaveLength(1);
      expect(error.file).toBe(path);
      return error.problem;
    }
    throw error;
  }
  return "";
}

describe("reading", () => {
  const path = fileOf(
    "kinds.safetensors",
    {
      __metadata__: { format: "pt" },
      single: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
      half: { dtype: "F16", shape: [4], data_offsets: [8, 16] },
      brain: { dtype: "BF16", shape: [2], data_offsets: [16, 20] },
      flags: { dtype: "BOOL", shape: [2], data_offsets: [20, 22] },
      long: { dtype: "I64", shape: [], data_offsets: [22, 30] },
      int: { dtype: "I32", shape: [1], data_offsets: [30, 34] },
      double: { dtype: "F64", shape: [1, 1], data_offsets: [34, 42] },
      small: { dtype: "U8", shape: [1], data_offsets: [42, 43] },
      none: { dtype: "F32", shape: [0, 3], data_offsets: [43, 43] },
    },
    [
      ...[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0], // 1, -2
      ...[0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc, 0xff, 0x7b], // 1, 2^-24, -infinity, 65504
      ...[0xc0, 0x3f, 0x80, 0x7f], // 1.5, infinity
      ...[1, 0],
      ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // -1
      ...[0xfe, 0xff, 0xff, 0xff], // -2
      ...[0, 0, 0, 0, 0, 0, 0xe0, 0x3f], // 0.5
      200,
    ],
  );

  test("every element type", async () => {
    await using file = await SafetensorsFile.open(path);
    expect(file.metadata).toEqual({ format: "pt" });
    const read = async (name: string): Promise<number[]> => [...(await file.read(name)).data];
    expect(await read("single")).toEqual([1, -2]);
    expect(await read("half")).toEqual([1, 2 ** -24, -Infinity, 65504]);
    expect(await read("brain")).toEqual([1.5, Infinity]);
    expect(await read("flags")).toEqual([1, 0]);
    expect(await read("long")).toEqual([-1]);
    expect(await read("int")).toEqual([-2]);
    expect(await read("double")).toEqual([0.5]);
    expect(await read("none")).toEqual([]);
    expect((await file.read("long")).shape).toEqual([]);
    expect((await file.read("double")).dtype).toBe("f64");
  });

  test("a type that archc lacks is listed, and refused when read", async () => {
    await using file = await SafetensorsFile.open(path);
    expect(file.entry("small").bytes).toBe(1);
    await expect(file.read("small")).rejects.toThrow("the tensor `small` has the element type U8");
    await expect(file.read("other")).rejects.toThrow("there is no tensor `other`");
  });

  test("slices and chunks", async () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => i / 8);
    const header = { x: { dtype: "F32", shape: [10, 100], data_offsets: [0, 4000] } };
    await using file = await SafetensorsFile.open(fileOf("long.safetensors", header, new Uint8Array(values.buffer)));
    expect([...(await file.slice("x", 100, 3)).data]).toEqual([12.5, 12.625, 12.75]);
    const sizes: number[] = [];
    const parts: Buffer[] = [];
    for await (const chunk of file.stream("x", 1024)) {
      sizes.push(chunk.byteLength);
      parts.push(Buffer.from(chunk));
    }
    expect(sizes).toEqual([1024, 1024, 1024, 928]);
    expect(Buffer.concat(parts).equals(Buffer.from(values.buffer))).toBe(true);
  });

  /** Whole numbers, each once: longer than what is read or written at one time. */
  const long = Int32Array.from({ length: 700_001 }, (_, i) => i);

  test("large tensors, from a buffer that is used again for each chunk, and two streams of one file", async () => {
    const path = join(folder, "large.safetensors");
    const shared = new Int32Array(1013);
    function* bytes(): Generator<Uint8Array> {
      for (let from = 0; from < long.length; from += shared.length) {
        const part = long.subarray(from, from + shared.length);
        shared.set(part);
        yield new Uint8Array(shared.buffer, 0, part.byteLength);
      }
    }
    await writeSafetensors(path, [{ name: "x", dtype: "i32", shape: [long.length], bytes }]);
    await using file = await SafetensorsFile.open(path);
    const [one, other]: [Buffer[], Buffer[]] = [[], []];
    const second = file.stream("x", 4096);
    for await (const chunk of file.stream("x")) {
      const next = await second.next();
      if (next.done !== true) other.push(Buffer.from(next.value));
      one.push(Buffer.from(chunk));
    }
    for await (const chunk of second) other.push(Buffer.from(chunk));
    const wanted = Buffer.from(long.buffer);
    expect(Buffer.concat(one).equals(wanted)).toBe(true);
    expect(Buffer.concat(other).equals(wanted)).toBe(true);
  });

  test("a file that is shortened while it is read", async () => {
    const header = { x: { dtype: "I32", shape: [long.length], data_offsets: [0, 4 * long.length] } };
    const path = fileOf("shortened.safetensors", header, new Uint8Array(long.buffer));
    await using file = await SafetensorsFile.open(path);
    truncateSync(path, 1_500_000);
    const all = async (): Promise<void> => {
      for await (const chunk of file.stream("x")) expect(chunk.byteLength).toBeGreaterThan(0);
    };
    await expect(all()).rejects.toThrow("the file ended inside `x`");
  });
});

describe("writing", () => {
  test("reads back, in order, without remains beside it", async () => {
    const path = join(folder, "written", "w.safetensors");
    const weights = Float32Array.of(1, 2, 3);
    const tensors = [
      { name: "b.weight", dtype: "f32", shape: [3], bytes: () => [new Uint8Array(weights.buffer)] },
      { name: "a", dtype: "i64", shape: [], bytes: () => [new Uint8Array([5, 0, 0, 0]), new Uint8Array(4)] },
    ] as const;
    await writeSafetensors(path, tensors, { made: "by hand" });
    expect(readdirSync(join(folder, "written"))).toEqual(["w.safetensors"]);
    const bytes = readFileSync(path);
    expect(bytes.readBigUInt64LE() % 8n).toBe(0n);
    await using file = await SafetensorsFile.open(path);
    expect([...file.tensors.keys()]).toEqual(["b.weight", "a"]);
    expect([...(await file.read("b.weight")).data]).toEqual([1, 2, 3]);
    expect([...(await file.read("a")).data]).toEqual([5]);
    expect(file.metadata).toEqual({ made: "by hand" });
    await writeSafetensors(path, tensors, { made: "by hand" });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test("a tensor of too few bytes leaves no file", async () => {
    const path = join(folder, "short", "w.safetensors");
    const tensors = [{ name: "a", dtype: "f32", shape: [3], bytes: () => [new Uint8Array(8)] }] as const;
    await expect(writeSafetensors(path, tensors)).rejects.toThrow("12 bytes, 8 were given");
    expect(readdirSync(join(folder, "short"))).toEqual([]);
  });
});

describe("files that cannot be used", () => {
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };

  test.each([
    ["missing", join(folder, "nothing"), "there is no such file"],
    ["a folder", folder, "this is a folder, not a weights file"],
    [
      "cut off in the header",
      fileOf("a", "{}", [], 100),
      "the file is cut off inside its header: 108 bytes were expected, it has 10",
    ],
    [
      "cut off in the data",
      fileOf("b", { x: entry }, [0, 0, 0, 0]),
      "the file is cut off: its tensors need 8 bytes after the header, there are 4",
    ],
    [
      "another format",
      fileOf("c", "PK\u0003\u0004 and so on", []),
      "this is not a safetensors file: its header is not a JSON object",
    ],
    ["a huge header", fileOf("d", "{}", [], 2 ** 52), "this is not a safetensors file"],
    [
      "bytes too many",
      fileOf("e", { x: entry }, new Uint8Array(9)),
      "the file is damaged: 1 bytes follow the last tensor",
    ],
    [
      "a hole",
      fileOf("f", { x: { ...entry, data_offsets: [4, 12] } }, new Uint8Array(12)),
      "the file is damaged: the tensor `x` starts at byte 4, 0 was expected",
    ],
    [
      "shape against bytes",
      fileOf("g", { x: { ...entry, shape: [3] } }, new Uint8Array(8)),
      "the file is damaged: the tensor `x`, F32 [3], needs 12 bytes and has 8",
    ],
    [
      "a shape of fractions",
      fileOf("h", { x: { ...entry, shape: [0.5] } }, new Uint8Array(8)),
      "the file is damaged: the tensor `x` has no shape of whole numbers",
    ],
    [
      "no element type",
      fileOf("i", { x: { shape: [2] } }, []),
      "the file is damaged: the tensor `x` has no element type",
    ],
  ])("%s", async (_, path, problem) => {
    expect(await problemOf(path)).toBe(problem);
  });

  test("empty", async () => {
    const path = join(folder, "empty");
    writeFileSync(path, "");
    expect(await problemOf(path)).toBe("the file is cut off: it has 0 bytes, its header alone needs more");
  });
});
