/** Work on many things, some at a time, in order of their places. */

export interface Watch {
  readonly onDone?: ((done: number, of: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Enough to keep the library's threads busy while others wait for a disk. */
const AT_ONCE = 16;

export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, place: number) => Promise<R>,
  { onDone, signal }: Watch = {},
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let [next, done] = [0, 0];
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      signal?.throwIfAborted();
      const place = next;
      next += 1;
      results[place] = await work(items[place] as T, place);
      done += 1;
      onDone?.(done, items.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
  return results;
}
