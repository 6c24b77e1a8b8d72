// The error of an engine that is not there or cannot be made. It carries the ways out as commands a
// user can paste; it never carries a stack's worth of a child's output in its message.

/** What a user can do next: a sentence, and commands where there are any. */
export interface WayOut {
  readonly text: string;
  readonly commands: readonly string[];
}

/** An engine is missing, broken or cannot be built on this machine. The commands end with status 3. */
export class EngineError extends Error {
  readonly ways: readonly WayOut[];
  /** The end of what a failed tool printed, for those who want to read it. */
  readonly output: string;

  constructor(message: string, ways: readonly WayOut[] = [], output = "") {
    super(message);
    this.name = "EngineError";
    this.ways = ways;
    this.output = output;
  }
}

/** The error as plain text: message, the tool's last lines, and the ways out. */
export function describeEngineError(error: EngineError): string {
  const lines = [error.message];
  if (error.output !== "") lines.push("", ...error.output.split("\n").map((line) => `  | ${line}`));
  for (const way of error.ways) {
    lines.push("", way.text, ...way.commands.map((command) => `    ${command}`));
  }
  return lines.join("\n");
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
