// Where engines are kept, per user: $ARCHC_CACHE, else $XDG_CACHE_HOME/archc, else ~/.cache/archc.
// Only names places; it creates nothing.
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** The folder of everything archc keeps between runs. Safe to delete at any time. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env["ARCHC_CACHE"];
  if (own !== undefined && own !== "") return resolve(own);
  const shared = env["XDG_CACHE_HOME"];
  // The XDG rules say that a relative path is to be ignored.
  if (shared !== undefined && isAbsolute(shared)) return join(shared, "archc");
  return join(homedir(), ".cache", "archc");
}

export function enginesFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), "engines");
}
