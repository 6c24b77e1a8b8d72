/**
 * Tensors as little-endian bytes, the form that weight files and engines share, and back. Rounds to nearest, ties to
 * even. Typed arrays are read as they lie in memory: every machine that Node and the engines run on is little-endian.
 */
import type { DType } from "../compiler/graph/graph.ts";
import { bytesOf, type Numbers } from "../compiler/ops/tensor.ts";

interface SmallFloat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
}
const half: SmallFloat = { exponentBits: 5, mantissaBits: 10 };
const brain: SmallFloat = { exponentBits: 8, mantissaBits: 7 };

/** The elements as an engine stores them. An f32 array of f32 elements is not copied. */
export function encodeElements(dtype: DType, numbers: Numbers): Uint8Array {
  switch (dtype) {
    case "f32":
      return view(numbers instanceof Float32Array ? numbers : Float32Array.from(numbers));
    case "f64":
      return view(numbers instanceof Float64Array ? numbers : Float64Array.from(numbers));
    case "i32":
      return view(Int32Array.from(numbers));
    case "i64":
      return view(BigInt64Array.from(numbers as Iterable<number>, (value: number) => BigInt(value)));
    case "bool":
      return Uint8Array.from(numbers, (value) => (value === 0 ? 0 : 1));
    case "f16":
      return view(Uint16Array.from(numbers, (value) => toSmallFloat(value, half)));
    case "bf16":
      return view(Uint16Array.from(numbers, (value) => toSmallFloat(value, brain)));
  }
}

/** The elements as numbers: single precision for f32 and smaller floats, double for the rest. */
export function decodeElements(dtype: DType, bytes: Uint8Array): Numbers {
  const count = bytes.byteLength / bytesOf(dtype);
  const buffer = bytes.byteOffset % bytesOf(dtype) === 0 ? bytes : bytes.slice();
  const of = [buffer.buffer, buffer.byteOffset, count] as const;
  switch (dtype) {
    case "f32":
      return new Float32Array(...of);
    case "f64":
      return new Float64Array(...of);
    case "i32":
      return Float64Array.from(new Int32Array(...of));
    case "i64":
      return Float64Array.from(new BigInt64Array(...of), wholeNumber);
    case "bool":
      return Float64Array.from(buffer);
    case "f16":
      return Float32Array.from(new Uint16Array(...of), (bits) => fromSmallFloat(bits, half));
    case "bf16":
      return Float32Array.from(new Uint16Array(...of), (bits) => fromSmallFloat(bits, brain));
  }
}

function view(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function wholeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${String(value)} is too large for an exact number`);
  return number;
}

function toSmallFloat(value: number, { exponentBits, mantissaBits }: SmallFloat): number {
  const sign = value < 0 || Object.is(value, -0) ? 1 << (exponentBits + mantissaBits) : 0;
  const infinity = ((1 << exponentBits) - 1) << mantissaBits;
  if (Number.isNaN(value)) return infinity | (1 << (mantissaBits - 1));
  const size = Math.abs(value);
  if (size === Infinity) return sign | infinity;
  const lowest = 2 - (1 << (exponentBits - 1));
  const exponent = Math.max(exponentOf(size), lowest);
  // Below the lowest exponent the steps stay equal, so subnormal numbers and carries need no case of their own.
  const mantissa = roundToEven(size / 2 ** (exponent - mantissaBits));
  const bits = mantissa + (exponent - lowest) * 2 ** mantissaBits;
  return sign | Math.min(bits, infinity);
}

function fromSmallFloat(bits: number, { exponentBits, mantissaBits }: SmallFloat): number {
  const sign = bits >> (exponentBits + mantissaBits) === 0 ? 1 : -1;
  const field = (bits >> mantissaBits) & ((1 << exponentBits) - 1);
  const mantissa = bits & ((1 << mantissaBits) - 1);
  if (field === (1 << exponentBits) - 1) return mantissa === 0 ? sign * Infinity : NaN;
  const lowest = 2 - (1 << (exponentBits - 1));
  const whole = field === 0 ? mantissa : mantissa + (1 << mantissaBits);
  return sign * whole * 2 ** (Math.max(field - 1, 0) + lowest - mantissaBits);
}

function exponentOf(size: number): number {
  const bits = new Uint32Array(Float64Array.of(size).buffer);
  return (((bits[1] ?? 0) >>> 20) & 0x7ff) - 1023;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
