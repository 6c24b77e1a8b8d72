/**
 * What checks of one program after another share: outlines of applications of the library's blocks. An editor checks a file
 * at every keystroke, and most of it is what it was. Nothing of a user's own files is kept, for any of them may change.
 */
import type { Outline } from "./outlines.ts";

/** Numbers for the objects of a key. */
export class Ids {
  readonly #ids = new WeakMap<object, number>();
  #next = 0;

  of(object: object): number {
    const known = this.#ids.get(object);
    if (known !== undefined) return known;
    this.#ids.set(object, this.#next);
    return this.#next++;
  }
}

export interface Remembered {
  readonly path: string;
  readonly outline: Outline;
}

/** Far more than a program has, far less than a machine holds. */
const most = 20_000;

export class CheckMemo {
  readonly ids = new Ids();
  readonly #known = new Map<string, Remembered>();

  get(key: string): Remembered | undefined {
    return this.#known.get(key);
  }
  set(key: string, remembered: Remembered): void {
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(key, remembered);
  }
}
