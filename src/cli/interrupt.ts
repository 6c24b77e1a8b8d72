/** Ctrl-C as an abort signal. The first one asks the work to end; a second one ends the process at once. */
import { STATUS } from "./fail.ts";

export function interruption(): AbortController {
  const controller = new AbortController();
  let asked = false;
  process.on("SIGINT", () => {
    if (asked) process.exit(STATUS.interrupted);
    asked = true;
    controller.abort();
  });
  return controller;
}
