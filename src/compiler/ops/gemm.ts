/**
 * The matrix product that matmul and the convolutions share: blocks and packs, and leaves the multiplying to the kernel of
 * `gemm-module.ts`. Operands are given as functions that write one line of them, so that no operand (as the patches of a
 * convolution) need ever exist as a whole.
 */
import { bytesInPanel, instantiateGemm, rowsInPanel } from "./gemm-module.ts";
import type { Numbers } from "./tensor.ts";

/** Writes the `count` members from `depth` on of line `line` to `out[at]`, `out[at + step]` … */
export type Line = (line: number, depth: number, count: number, out: Numbers, at: number, step: number) => void;

/** Takes `count` results of row `row`, from column `column` on; they lie in `values` from `at` on. */
export type Store = (row: number, column: number, count: number, values: Numbers, at: number) => void;

export interface Gemm {
  /**
   * C = A B. `left(i, …)` writes row i of A, `right(j, …)` column j of B, both along the axis that is summed, which has
   * `depth` members. `store` gets each place of C once.
   */
  multiply(rows: number, columns: number, depth: number, left: Line, right: Line, store: Store): void;
}

const pageBytes = 65536;
/** Blocks that keep a block of A and one of B in a second-level cache of 1 MiB. */
const rowBlock = 128;
const columnBlock = 256;
const depthBlock = 256;

export function createGemm(precision: "f64" | "f32"): Gemm {
  const { memory, block } = instantiateGemm(precision);
  const size = precision === "f64" ? 8 : 4;
  const panelColumns = bytesInPanel / size;
  const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;
  let view = viewOf(memory.buffer);

  function viewOf(buffer: ArrayBuffer): Numbers {
    return precision === "f64" ? new Float64Array(buffer) : new Float32Array(buffer);
  }
  function reserve(elements: number): void {
    const missing = Math.ceil((elements * size - memory.buffer.byteLength) / pageBytes);
    if (missing > 0) {
      memory.grow(missing);
      view = viewOf(memory.buffer);
    }
  }

  return {
    multiply(rows, columns, depth, left, right, store) {
      if (rows === 0 || columns === 0) return;
      const startB = rowBlock * depthBlock;
      const startC = startB + columnBlock * depthBlock;
      const paddedRows = roundUp(rows, rowsInPanel);
      const pitch = roundUp(Math.min(columns, columnBlock), panelColumns);
      reserve(startC + paddedRows * pitch);
      for (let column = 0; column < columns; column += columnBlock) {
        const width = Math.min(columnBlock, columns - column);
        const panels = Math.ceil(width / panelColumns);
        view.fill(0, startC, startC + paddedRows * pitch);
        for (let from = 0; from < depth; from += depthBlock) {
          const deep = Math.min(depthBlock, depth - from);
          pack(right, column, width, panelColumns, from, deep, startB);
          for (let row = 0; row < rows; row += rowBlock) {
            const height = Math.min(rowBlock, rows - row);
            pack(left, row, height, rowsInPanel, from, deep, 0);
            const atC = (startC + row * pitch) * size;
            block(0, startB * size, atC, Math.ceil(height / rowsInPanel), panels, deep, pitch * size);
          }
        }
        for (let row = 0; row < rows; row++) store(row, column, width, view, startC + row * pitch);
      }
    },
  };

  /** Lays lines side by side in panels of `inPanel`; the last panel is filled up with zeros. */
  function pack(
    line: Line,
    first: number,
    count: number,
    inPanel: number,
    depth: number,
    deep: number,
    at: number,
  ): void {
    for (let i = 0; i < count; i++) {
      const within = i % inPanel;
      line(first + i, depth, deep, view, at + (i - within) * deep + within, inPanel);
    }
    for (let i = count; i % inPanel !== 0; i++) {
      const within = i % inPanel;
      const start = at + (i - within) * deep + within;
      for (let k = 0; k < deep; k++) view[start + k * inPanel] = 0;
    }
  }
}

/** A line of a matrix in memory whose members along the summed axis are `step` apart. */
export function matrixLine(data: Numbers, offset: number, lineStep: number, depthStep: number): Line {
  return (line, depth, count, out, at, step) => {
    let from = offset + line * lineStep + depth * depthStep;
    for (let i = 0, to = at; i < count; i++, to += step, from += depthStep) out[to] = data[from]!;
  };
}
/** Stores rows of a row-major matrix. */
export function matrixStore(out: Numbers, offset: number, pitch: number): Store {
  return (row, column, count, values, at) => {
    out.set(values.subarray(at, at + count), offset + row * pitch + column);
  };
}
