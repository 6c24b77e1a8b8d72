/** Node 20 reads no TypeScript: what a script needs of the sources is bundled first. Imports nothing before it is asked to. */
export async function bundle(source, outfile, options = {}) {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "warning",
    ...options,
  });
}
