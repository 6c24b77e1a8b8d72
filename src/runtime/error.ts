/**
 * The error of something a user gave: a file, a manifest, a picture, weights. Its text is complete and says the way out;
 * the commands print it and end with status 1. Faults of engines are `EngineError`; anything else is a fault of archc.
 */
export class InputError extends Error {
  /** Sentences or commands that would help, each on its own line. */
  readonly help: readonly string[];

  constructor(message: string, ...help: readonly string[]) {
    super(message);
    this.name = "InputError";
    this.help = help;
  }
}

/** Node's text for a failed file operation, without its call and path: "no such file", "permission denied". */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const known: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    EACCES: "it may not be read or written by you",
    EISDIR: "it is a folder",
    ENOTDIR: "a part of its path is not a folder",
    ENOSPC: "the disk is full",
    EEXIST: "it is there already",
    EROFS: "its disk is read-only",
  };
  if (typeof code === "string" && code in known) return known[code] as string;
  return error instanceof Error ? error.message : String(error);
}
