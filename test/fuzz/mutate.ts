/** Wrong specs made from right ones, by a seeded generator: tokens deleted, doubled, swapped, put in; files that end early. */
import { scan } from "../../src/compiler/syntax/scan.ts";

/** Mulberry32: small, seeded, the same everywhere. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Piece {
  readonly start: number;
  readonly end: number;
}

export class Mutator {
  readonly #text: string;
  readonly #tokens: readonly Piece[];
  readonly #next: () => number;

  constructor(text: string, seed: number) {
    this.#text = text;
    this.#tokens = scan({ name: "mutant", text }).tokens.map((t) => ({
      start: t.startOffset,
      end: (t.endOffset ?? t.startOffset) + 1,
    }));
    this.#next = generator(seed);
  }

  /** The next mutant and what was done. */
  mutant(): { readonly text: string; readonly what: string } {
    const [a, b] = [this.#pick(), this.#pick()];
    const [first, second] = a.start <= b.start ? [a, b] : [b, a];
    switch (Math.floor(this.#next() * 6)) {
      case 0:
        return this.#made(`delete ${this.#of(a)} at ${a.start}`, this.#replace(a, ""));
      case 1:
        return this.#made(`double ${this.#of(a)} at ${a.start}`, this.#replace(a, `${this.#of(a)} ${this.#of(a)}`));
      case 2:
        return this.#made(`put ${this.#of(b)} before ${a.start}`, this.#replace(a, `${this.#of(b)} ${this.#of(a)}`));
      case 3:
        return this.#made(`put ${this.#of(b)} for ${this.#of(a)} at ${a.start}`, this.#replace(a, this.#of(b)));
      case 4: {
        if (first.start === second.start) return this.#made("nothing", this.#text);
        const middle = this.#text.slice(first.end, second.start);
        const swapped = `${this.#of(second)}${middle}${this.#of(first)}`;
        return this.#made(
          `swap the tokens at ${first.start} and ${second.start}`,
          this.#text.slice(0, first.start) + swapped + this.#text.slice(second.end),
        );
      }
      default:
        return this.#made(`end at ${a.start}`, this.#text.slice(0, a.start));
    }
  }
  #made(what: string, text: string): { readonly text: string; readonly what: string } {
    return { what, text };
  }
  #pick(): Piece {
    const place = Math.floor(this.#next() * this.#tokens.length);
    return this.#tokens[place] ?? { start: 0, end: 0 };
  }
  #of({ start, end }: Piece): string {
    return this.#text.slice(start, end);
  }
  #replace({ start, end }: Piece, by: string): string {
    return `${this.#text.slice(0, start)}${by}${this.#text.slice(end)}`;
  }
}
