// Manifests: every fault with its row and column, what is looked at before a run, and every kind of column against what was
// written into it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Batches } from "../../src/runtime/data/batches.ts";
import { sizeOf } from "../../src/runtime/data/image.ts";
import { readManifest } from "../../src/runtime/data/manifest.ts";
import { readNpy, readNpyHeader } from "../../src/runtime/data/npy.ts";
import { type Field, type Recipe, recipeOf } from "../../src/runtime/data/recipe.ts";
import { readTable } from "../../src/runtime/data/table.ts";
import { compileText } from "../support/compile.ts";

let folder: string;
const at = (name: string): string => join(folder, name);
const written = (name: string, ...lines: string[]): string => {
  writeFileSync(at(name), lines.join("\n"));
  return at(name);
};
const flat = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 90, b: 30 } } });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "archc-manifest-"));
  await flat(60, 40).png().toFile(at("a.png"));
  await flat(60, 40).jpeg().toFile(at("a.jpg"));
  await flat(60, 40).webp({ lossless: true }).toFile(at("a.webp"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const plain = { range: undefined, dtype: "f32" } as const;
const image = (size: number): Field => ({
  ...plain,
  name: "image",
  shape: [3, size, size],
  from: { kind: "image", column: "path", size, mean: [0, 0, 0], std: [1, 1, 1] },
});
const columns = ["x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "x5", "y5"];
const landmarks: Field = { ...plain, name: "landmarks", shape: [5, 2], from: { kind: "points", columns } };
const age: Field = {
  name: "age",
  target: true,
  dtype: "i32",
  shape: [],
  range: { from: 0, to: 101 },
  from: { kind: "numbers", columns: ["age"] },
};
const faces: Recipe = {
  fields: [image(8), landmarks, age],
  alignment: { eyes: [0, -0.28], lip: [0, 0.46], columns: ["lip_x", "lip_y"] },
  augmentations: [],
};
const only = (...fields: Field[]): Recipe => ({ fields, alignment: undefined, augmentations: [] });
const header = `path,age,${columns.join(",")}`;
const face = [20, 15, 40, 15, 30, 22, 24, 30, 36, 30];
const row = (path: string, years: string | number, points: readonly (string | number)[] = face): string =>
  `${path},${years},${points.join(",")}`;
const problemOf = (path: string, recipe: Recipe): Promise<string> =>
  readManifest(path, recipe).then(
    () => "",
    (error: unknown) => (error as Error).message,
  );

describe("rows", () => {
  it("are told of with line and column, all at once, table and files together", async () => {
    const path = written(
      "bad.csv",
      header,
      row("a.png", 30),
      row("a.png", "old"),
      row("a.png", 101),
      row("a.png", 4.5),
      row("a.png", ""),
      row("a.png", 5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
      row("a.png", 6, ["x", ...face.slice(1)]),
      row("gone.png", 7),
      "a.png,8",
      "",
    );
    expect((await problemOf(path, faces)).split("\n  ")).toEqual([
      "8 of 9 rows cannot be used:",
      `${path}:3: column age: "old" is not a number`,
      `${path}:4: column age: 101 is not in 0 ..< 101, where \`age\` lies`,
      `${path}:5: column age: 4.5 is not a whole number, which \`age\` needs`,
      `${path}:6: column age is empty`,
      `${path}:7: columns ${columns.join(", ")}: the landmarks lie on one line, so no face can be aligned by them`,
      `${path}:8: column x1: "x" is not a number`,
      `${path}:9: column path: ${at("gone.png")} cannot be read as a picture: there is no such file`,
      `${path}:10: it has 2 cells, and the header has 12 columns`,
    ]);
    const { rows, skipped } = await readManifest(path, faces, { skipBad: true });
    expect(rows.map(({ line }) => line)).toEqual([2]);
    expect(skipped.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    // Who knows which rows are bad looks at no file again, and gets the very rows.
    const known = new Set(skipped.map(({ line }) => line));
    expect((await readManifest(path, faces, { known })).rows).toEqual(rows);
  });

  it("are counted past the first ten, which are shown", async () => {
    const path = written("many.csv", header, ...Array.from({ length: 25 }, (_, i) => row("gone.png", `no ${i}`)));
    const lines = (await problemOf(path, faces)).split("\n");
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe("25 of 25 rows cannot be used, even before a file is looked at:");
    expect(lines[11]).toContain("… and 15 more rows");
  });

  it("hold a face in pixels of the picture, left and right as it shows them", async () => {
    const told = async (points: readonly number[]): Promise<string> => {
      const path = written("face.csv", header, row("a.png", 3, points));
      return (await problemOf(path, faces)).split(": ").at(-1) ?? "";
    };
    expect(await told(face)).toBe("");
    expect(await told(face.map((value) => value / 60))).toMatch(/less than 2 pixels apart; points are in pixels/);
    const [x1, y1, x2, y2, ...rest] = face as [number, number, number, number, ...number[]];
    expect(await told([x2, y2, x1, y1, ...rest])).toMatch(/the first eye is to the right of the second/);
    // Upside down a face is as good as any: the alignment turns it.
    expect(await told(face.map((value, i) => (i % 2 === 0 ? 59 : 39) - value))).toBe("");
    expect(await told(face.map((value) => 3 * value))).toMatch(
      /\(120, 45\) lies outside the picture, which is 60 x 40$/,
    );
    // A detector may put a hidden point a little outside.
    expect(await told([-5, ...face.slice(1)])).toBe("");
    expect(await told([-7, ...face.slice(1)])).toMatch(/\(-7, 15\) lies outside/);
  });

  it("may name the upper lip, all or some of them", async () => {
    const lips = (name: string, ...more: string[]): string =>
      written(
        name,
        `${header},lip_x,lip_y`,
        ...more.map((lip, i) => `${row(`a.${i === 0 ? "png" : "jpg"}`, 3)},${lip}`),
      );
    const { rows } = await readManifest(lips("lips.csv", "30,28", ","), faces);
    expect(rows.map(({ lip }) => lip)).toEqual([[30, 28], undefined]);
    expect(await problemOf(lips("half.csv", "30,"), faces)).toMatch(/half\.csv:2: column lip_y is empty/);
    const one = written("one.csv", `${header},lip_x`, `${row("a.png", 3)},30`);
    expect(await problemOf(one, faces)).toMatch(/lacks the column `lip_y` \(for align_face\)/);
  });

  it("give no picture twice with the same inputs, whatever the answer", async () => {
    const path = written("twice.csv", header, row("a.png", 3), row("./a.png", 4), row("a.jpg", 3));
    expect(await problemOf(path, faces)).toMatch(/twice\.csv:3: column path: line 2 gives the same picture already$/);
    const other = written("people.csv", header, row("a.png", 3), row("a.png", 4, face.map((value) => value + 2))); // prettier-ignore
    expect((await readManifest(other, faces)).rows).toHaveLength(2);
  });

  it("have a sigma above 0 and a number for the apparent age, or none", async () => {
    const path = written(
      "sigma.csv",
      `${header},sigma,apparent`,
      `${row("a.png", 3)},4.5,3.2`,
      `${row("a.jpg", 3)},,`,
      `${row("a.webp", 3)},0,3`,
      `${row("b.png", 3)},1,young`,
    );
    const told = await problemOf(path, faces);
    expect(told).toContain('sigma.csv:4: column sigma: "0" is not a standard deviation, a number above 0');
    expect(told).toContain('sigma.csv:5: column apparent: "young" is not a mean age, a number');
  });

  it("are chosen by split, and a split that nobody has is told with those there are", async () => {
    const path = written(
      "splits.csv",
      `${header},split`,
      `${row("a.png", 3)},train`,
      `${row("a.jpg", 4)},val`,
      `${row("a.webp", 5)},`,
    );
    const { rows } = await readManifest(path, faces, { splits: ["train", "val"] });
    expect(rows.map(({ index }) => index)).toEqual([0, 1]);
    await expect(readManifest(path, faces, { splits: ["test"] })).rejects.toMatchObject({
      message: `${path} has no row with split "test".`,
      help: [
        'The column `split` has "train" (1 row), "val" (1 row), "" (1 row).',
        "archc data split   writes manifests with train, val and test.",
      ],
    });
  });
});

describe("tables", () => {
  const told = (name: string, bytes: string | Buffer): string => {
    writeFileSync(at(name), bytes);
    try {
      readTable(at(name));
      return "";
    } catch (error) {
      return (error as Error).message.replace(folder, "");
    }
  };
  it("keep what cells hold, with quotes, line ends and a mark at the start", () => {
    writeFileSync(at("quoted.csv"), '\uFEFFname,text\r\n a ,"x, ""y""\r\nz"\r\n,,\r\n\r\nb,\u00e9\r\n');
    const { columns: names, rows, faults } = readTable(at("quoted.csv"));
    expect(names).toEqual(["name", "text"]);
    expect(rows.map(({ cells }) => cells)).toEqual([
      { name: "a", text: 'x, "y"\r\nz' },
      { name: "b", text: "\u00e9" },
    ]);
    expect(faults).toEqual([]);
  });
  it("that are none are refused, with what is wrong", () => {
    expect(told("empty.csv", "")).toBe("The manifest /empty.csv is empty.");
    expect(told("head.csv", "path,age\n")).toBe("The manifest /head.csv has no rows under its header.");
    expect(told("same.csv", "path,age,age\na,1,2\n")).toBe(
      "/same.csv:1: two columns are called `age`, so neither can be meant.",
    );
    expect(told("semicolons.csv", "path;age\na;1\n")).toBe(
      "/semicolons.csv:1: the columns are separated by semicolons.",
    );
    expect(told("latin.csv", Buffer.from("name\na\nJos\xe9\n", "latin1"))).toBe(
      "/latin.csv:3: the manifest is not in UTF-8.",
    );
    expect(told("wide.csv", Buffer.from("\uFEFFpath,age\na,1\n", "utf16le"))).toContain("is not in UTF-8");
    expect(told("open.csv", 'path,age\na,"1\n')).toMatch(/^\/open\.csv:\d: the manifest is no CSV table: .*Quote/);
    expect(() => readTable(folder)).toThrow(/cannot be read: it is a folder/);
  });
  it("lack columns by name", async () => {
    expect(await problemOf(written("short.csv", "path,years", "a.png,3"), only(image(8), age))).toMatch(
      /lacks the column `age` \(for age\)/,
    );
  });
});

describe("pictures", () => {
  it("are known by their headers, with EXIF's turn", async () => {
    await flat(60, 40).withMetadata({ orientation: 6 }).jpeg().toFile(at("turned.jpg"));
    expect(await sizeOf(at("turned.jpg"))).toMatchObject({ width: 40, height: 60 });
    for (const name of ["a.png", "a.jpg", "a.webp"])
      expect(await sizeOf(at(name))).toMatchObject({ width: 60, height: 40 });
  });
  it("that end early, are empty, too large, or of another kind are found without decoding", async () => {
    for (const name of ["a.png", "a.jpg", "a.webp"]) {
      const bytes = readFileSync(at(name));
      writeFileSync(at(`short-${name}`), bytes.subarray(0, bytes.length - 20));
      await expect(sizeOf(at(`short-${name}`))).rejects.toThrow(/cannot be read as a picture/);
    }
    // Cameras write more behind a picture.
    writeFileSync(at("motion.jpg"), Buffer.concat([readFileSync(at("a.jpg")), Buffer.alloc(500)]));
    expect(await sizeOf(at("motion.jpg"))).toMatchObject({ width: 60, height: 40 });
    writeFileSync(at("empty.jpg"), "");
    await expect(sizeOf(at("empty.jpg"))).rejects.toThrow(/empty\.jpg cannot be read as a picture: it is empty\./);
    mkdirSync(at("folder.png"));
    await expect(sizeOf(at("folder.png"))).rejects.toThrow(/it is a folder/);
    await flat(60, 40).gif().toFile(at("a.gif"));
    await expect(sizeOf(at("a.gif"))).rejects.toThrow(/it is GIF\./);
    // A header alone says how large: width and height of a PNG stand at 16 and 20, with a checksum at 29.
    const huge = readFileSync(at("a.png"));
    huge.writeUInt32BE(20_000, 16);
    huge.writeUInt32BE(20_000, 20);
    huge.writeUInt32BE(crc32(huge.subarray(12, 29)), 29);
    writeFileSync(at("huge.png"), huge);
    await expect(sizeOf(at("huge.png"))).rejects.toThrow(/it has 20000 x 20000 pixels; at most 100 million are read/);
  });
});

/** PNG's checksum, as its specification gives it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** A file as NumPy's format page describes it. */
function npy(name: string, descr: string, shape: readonly number[], numbers: Uint8Array, fortran = false): string {
  const sizes = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${sizes}, }`;
  const padded = text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11) + "\n";
  const head = Buffer.from("\u0093NUMPY\u0001\u0000\u0000\u0000", "latin1");
  head.writeUInt16LE(padded.length, 8);
  writeFileSync(at(name), Buffer.concat([head, Buffer.from(padded, "latin1"), numbers]));
  return at(name);
}
const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe("arrays", () => {
  it("are read in every type of numbers, from either end and in either order", async () => {
    const numbers = [0, 1, 2, 3, 100, 6];
    const types = {
      "<f4": Float32Array,
      "<f8": Float64Array,
      "|i1": Int8Array,
      "<i2": Int16Array,
      "<i4": Int32Array,
      "|u1": Uint8Array,
      "<u2": Uint16Array,
      "<u4": Uint32Array,
    };
    for (const [descr, Type] of Object.entries(types)) {
      const path = npy("typed.npy", descr, [2, 3], bytesOf(Type.from(numbers)));
      const { header: head, data } = await readNpy(path);
      expect([descr, head.shape, [...data]]).toEqual([descr, [2, 3], numbers]);
    }
    const big = bytesOf(Float32Array.from(numbers));
    for (let i = 0; i < big.length; i += 4) big.subarray(i, i + 4).reverse();
    expect([...(await readNpy(npy("big.npy", ">f4", [6], big))).data]).toEqual(numbers);
    const longs = BigInt64Array.from([1n, -2n, 2n ** 40n + 1n]);
    expect([...(await readNpy(npy("longs.npy", "<i8", [3], bytesOf(longs)))).data]).toEqual([1, -2, 2 ** 40 + 1]);
    // Column by column: [[0, 2, 100], [1, 3, 6]].
    const columnwise = npy("fortran.npy", "<f4", [2, 3], bytesOf(Float32Array.from(numbers)), true);
    expect([...(await readNpy(columnwise)).data]).toEqual([0, 2, 100, 1, 3, 6]);
  });
  it("that are cut, or none, are found by the header", async () => {
    const path = npy("cut.npy", "<f4", [2, 3], new Uint8Array(20));
    await expect(readNpyHeader(path)).rejects.toThrow(
      /cut\.npy cannot be read as an array: it ends early: 148 bytes of 152/,
    );
    await expect(readNpyHeader(at("a.png"))).rejects.toThrow(/it is no \.npy file/);
    await expect(readNpyHeader(npy("objects.npy", "|O", [2], new Uint8Array(16)))).rejects.toThrow(
      /other than numbers/,
    );
  });
});

describe("columns of every kind", () => {
  const sound: Field = { ...plain, name: "sound", shape: [2, 3], from: { kind: "array", column: "sound" } };
  const breed: Field = {
    name: "breed",
    target: true,
    dtype: "i32",
    shape: [],
    range: { from: 0, to: 3 },
    from: { kind: "class", column: "breed", classes: ["cat", "dog", "hen"] },
  };
  const note: Field = {
    ...plain,
    dtype: "i64",
    name: "note",
    shape: [6],
    from: { kind: "bytes", column: "note", length: 6, pad: 0 },
  };
  const id: Field = { ...plain, dtype: "i64", name: "id", shape: [], from: { kind: "numbers", columns: ["id"] } };
  const other: Field = { ...image(4), name: "other", from: { ...image(4).from, column: "second" } as Field["from"] };
  const recipe = only(image(4), other, sound, breed, note, id);
  const top = "path,second,sound,breed,note,id";

  it("are bound by a model's data section, by name and type", () => {
    const program = compileText(`model net() {
  input  sound: f32[B, 2, 3]
  input  note:  i64[B, 6]
  target breed: i32[B] in 0 ..< 3
  head main {
    let scores = concat([sound |> flatten, note |> cast(f32)]) |> linear(3)
    loss cross_entropy(scores, breed)
    predict of = scores
  }
  train { batch = 2  epochs = 1  optimize "**" by sgd() at constant(0.1) }
  data {
    sound = array_file("sound")
    note  = text_bytes("note", length: 6)
    breed = class_of("breed", ["cat", "dog", "hen"])
  }
}
`);
    expect(recipeOf(program.name, program.data, program.train?.ports ?? []).fields).toEqual([sound, note, breed]);
    const classes = ["cat", "dog", "hen", "cow"];
    const more = { ...program.data, breed: { kind: "class", column: "breed", classes } };
    expect(() => recipeOf("net", more, program.train?.ports ?? [])).toThrow(
      "net: data.breed has 4 classes, and `breed` lies in 0 ..< 3.",
    );
  });

  it("come out as what was written", async () => {
    npy("s.npy", "<i2", [2, 3], bytesOf(Int16Array.from([1, 2, 3, 4, 5, 6])));
    await sharp({ create: { width: 9, height: 9, channels: 3, background: { r: 0, g: 51, b: 255 } } })
      .png()
      .toFile(at("blue.png"));
    const path = written("kinds.csv", top, "a.png,blue.png,s.npy,hen,n\u00f6,9007199254740991");
    const batch = await new Batches(await readManifest(path, recipe), recipe, {
      batch: 1,
      seed: 0,
      training: false,
    }).at(0);
    expect([...(batch.get("sound")?.data ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(batch.get("sound")?.shape).toEqual([1, 2, 3]);
    expect([...(batch.get("breed")?.data ?? [])]).toEqual([2]);
    // UTF-8: o with dots is c3 b6.
    expect([...(batch.get("note")?.data ?? [])]).toEqual([0x6e, 0xc3, 0xb6, 0, 0, 0]);
    expect([...(batch.get("id")?.data ?? [])]).toEqual([9007199254740991]);
    const middle = (name: string): number[] => [5, 21, 37].map((place) => batch.get(name)?.data[place] ?? NaN);
    expect(middle("image").map((value) => Math.round(255 * value))).toEqual([200, 90, 30]);
    expect(middle("other").map((value) => Math.round(255 * value))).toEqual([0, 51, 255]);
  });

  it("are told of in the same way", async () => {
    npy("long.npy", "<f4", [2, 4], new Uint8Array(32));
    const path = written(
      "wrong.csv",
      top,
      "a.png,a.png,long.npy,cat,x,1",
      "a.png,a.jpg,s.npy,bird,x,1",
      "a.png,a.webp,none.npy,dog,x,1.5",
      "a.jpg,gone.png,s.npy,dog,x,1",
      "a.jpg,a.png,,dog,x,1",
    );
    expect((await problemOf(path, recipe)).split("\n  ").slice(1)).toEqual([
      `${path}:2: column sound: ${at("long.npy")} is [2, 4], and \`sound\` is [2, 3] a sample`,
      `${path}:3: column breed: "bird" is none of the classes cat, dog, hen`,
      `${path}:4: column id: 1.5 is not a whole number, which \`id\` needs`,
      `${path}:5: column second: ${at("gone.png")} cannot be read as a picture: there is no such file`,
      `${path}:6: column sound is empty`,
    ]);
  });

  it("hold numbers that the model can take, also inside a file", async () => {
    const places: Field = { ...sound, dtype: "i32", shape: [3], range: { from: 0, to: 5 } };
    npy("places.npy", "|u1", [3], Uint8Array.of(0, 4, 5));
    const manifest = await readManifest(written("places.csv", "sound", "places.npy"), only(places));
    const batches = new Batches(manifest, only(places), { batch: 1, seed: 0, training: false });
    await expect(batches.at(0)).rejects.toThrow(
      /places\.npy: column sound, number 3: 5 is not in 0 \.\.< 5, where `sound` lies/,
    );
  });
});
