/**
 * The inner kernel of the matrix product as a WebAssembly module, assembled here so that the reference can use SIMD without
 * any native code. One exported function, `block`, and its memory; packing and blocking are in `gemm.ts`.
 *
 * block(a, b, c, rowPanels, columnPanels, depth, pitch): C += A B, where A lies in panels of 4 rows, depth by depth, B in
 * panels of 32 bytes of columns, depth by depth, and C is row-major with rows `pitch` bytes apart. Written as a loop:
 *
 *   for each column panel:
 *     for each row panel:
 *       sums = 0                                  // 4 rows x 2 vectors, kept in registers
 *       for each depth: sums[r] += splat(a[r]) * b[0 ..< 2]
 *       c[r] += sums[r]
 */
export const rowsInPanel = 4;
export const bytesInPanel = 32;
const bytesInVector = 16;

/** Only what is used here of the global that every JavaScript engine has. */
interface WebAssemblyLike {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
}
interface MemoryLike {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
export interface GemmModule {
  readonly memory: MemoryLike;
  readonly block: (
    a: number,
    b: number,
    c: number,
    rowPanels: number,
    columnPanels: number,
    depth: number,
    pitch: number,
  ) => void;
}

export function instantiateGemm(precision: "f64" | "f32"): GemmModule {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyLike };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(gemmBytes(precision)));
  return { memory: exports["memory"] as MemoryLike, block: exports["block"] as GemmModule["block"] };
}

// Parameters and locals by index.
const [a, b, c, rowPanels, columnPanels, depth, pitch] = [0, 1, 2, 3, 4, 5, 6];
const [rowsLeft, atA, atB, atC, depthLeft] = [7, 8, 9, 10, 11];
const [firstSum, b0, b1, splat] = [12, 20, 21, 22];

// Opcodes: WebAssembly core specification 2.0, section 5.4.
const i32 = 0x7f;
const v128 = 0x7b;
const noResult = 0x40;
const loop = [0x03, noResult];
const end = [0x0b];
const branchIf = (up: number): number[] => [0x0d, up];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const number = (value: number): number[] => [0x41, ...signed(value)];
const plus = [0x6a];
const minus = [0x6b];
const simd = (opcode: number, ...rest: number[]): number[] => [0xfd, ...unsigned(opcode), ...rest];
/** Memory operations say the alignment they promise (as a power of two) and a fixed distance. */
const loadVector = (distance: number): number[] => simd(0x00, 3, ...unsigned(distance));
const storeVector = (distance: number): number[] => simd(0x0b, 3, ...unsigned(distance));
const zeroVector = simd(0x0c, ...new Array<number>(bytesInVector).fill(0));

export function gemmBytes(precision: "f64" | "f32"): Uint8Array {
  const double = precision === "f64";
  const size = double ? 8 : 4;
  const loadSplat = (distance: number): number[] =>
    double ? simd(0x0a, 3, ...unsigned(distance)) : simd(0x09, 2, ...unsigned(distance));
  const multiply = simd(double ? 0xf2 : 0xe6);
  const add = simd(double ? 0xf0 : 0xe4);

  const rows = [0, 1, 2, 3];
  const sum = (row: number, vector: number): number => firstSum + row * 2 + vector;
  const advance = (local: number, by: number[]): number[] => [...get(local), ...by, ...plus, ...set(local)];
  const countDown = (local: number): number[] => [...get(local), ...number(1), ...minus, ...set(local), ...get(local)];
  const accumulate = (row: number, vector: number): number[] => [
    ...get(sum(row, vector)),
    ...get(splat),
    ...get(vector === 0 ? b0 : b1),
    ...multiply,
    ...add,
    ...set(sum(row, vector)),
  ];
  const flush =
    (vector: number) =>
    (row: number): number[] => [
      ...get(atC),
      ...get(atC),
      ...loadVector(vector * bytesInVector),
      ...get(sum(row, vector)),
      ...add,
      ...storeVector(vector * bytesInVector),
    ];

  const body = [
    ...loop,
    ...[...get(a), ...set(atA), ...get(c), ...set(atC), ...get(rowPanels), ...set(rowsLeft)],
    ...loop,
    ...rows.flatMap((row) => [...zeroVector, ...set(sum(row, 0)), ...zeroVector, ...set(sum(row, 1))]),
    ...[...get(b), ...set(atB), ...get(depth), ...set(depthLeft)],
    ...loop,
    ...[...get(atB), ...loadVector(0), ...set(b0), ...get(atB), ...loadVector(bytesInVector), ...set(b1)],
    ...rows.flatMap((row) => [
      ...[...get(atA), ...loadSplat(row * size), ...set(splat)],
      ...accumulate(row, 0),
      ...accumulate(row, 1),
    ]),
    ...advance(atA, number(rowsInPanel * size)),
    ...advance(atB, number(bytesInPanel)),
    ...[...countDown(depthLeft), ...branchIf(0)],
    ...end,
    ...rows.flatMap((row) => [...flush(0)(row), ...flush(1)(row), ...advance(atC, get(pitch))]),
    ...[...countDown(rowsLeft), ...branchIf(0)],
    ...end,
    ...[...get(atB), ...set(b)],
    ...advance(c, number(bytesInPanel)),
    ...[...countDown(columnPanels), ...branchIf(0)],
    ...end,
  ];

  const parameters = 7;
  const locals = [2, 5, i32, 11, v128];
  const code = [...locals, ...body, ...end];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, parameters, ...new Array<number>(parameters).fill(i32), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0x00, 1]),
    ...section(7, [2, ...text("memory"), 0x02, 0, ...text("block"), 0x00, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}
function text(value: string): number[] {
  return [value.length, ...Array.from(value, (letter) => letter.charCodeAt(0))];
}
/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}
