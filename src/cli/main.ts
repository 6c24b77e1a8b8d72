/**
 * The entry point of `archc`: runs one command and ends with its status. Commands load what they need when they run, so
 * that a short one is short.
 */
import { report } from "./fail.ts";
import { program } from "./program.ts";

// Whoever reads our output may stop early (`archc params … | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// Not awaited here: a script, which the bundle is, awaits nothing at its top.
program(process.argv[2])
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = report(error);
  });
