/** `archc doctor`: which engines and versions are present, and what to do about those that are not. Changes nothing. */
import { availableParallelism, totalmem } from "node:os";
import { Command } from "commander";
import { example, type ReportFlags, withReport } from "../flags.ts";
import { Ui } from "../ui.ts";

export function doctor(): Command {
  const command = new Command("doctor").description("what is present on this machine, and how to get what is not");
  return example(withReport(command), "archc doctor").action(run);
}

async function run(flags: ReportFlags): Promise<void> {
  const ui = new Ui(flags);
  const { probeEngines, findTools, enginesFolder } = await import("../../runtime/engine/index.ts");
  const { ownVersion, packageRoot } = await import("../../runtime/package-root.ts");
  const [engines, tools] = await Promise.all([probeEngines(), findTools()]);
  const machine = {
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memory: totalmem(),
  };
  ui.result({
    archc: { version: ownVersion(), path: packageRoot() },
    node: process.versions.node,
    machine,
    cache: enginesFolder(),
    engines,
    tools,
  });
  const { out } = ui;
  const mark = (good: boolean): string => (good ? out.green("✓") : out.red("✗"));
  const lines = [
    `archc ${ownVersion()} on Node ${process.versions.node}, ${machine.platform}, ${machine.cores} cores, ${Math.round(machine.memory / 2 ** 30)} GiB`,
    "",
  ];
  for (const { name, library, present, version, device, path, problem, ways } of engines) {
    if (present)
      lines.push(`${mark(true)} ${name}: ${library} ${version ?? ""} on the ${device ?? "cpu"}, ${path ?? ""}`);
    else {
      lines.push(`${mark(false)} ${name}: ${library} is not usable: ${problem ?? "unknown"}`);
      for (const way of ways) lines.push(`    ${way.text}`, ...way.commands.map((command) => `        ${command}`));
    }
  }
  lines.push("", "To build the TensorFlow engine:");
  for (const tool of tools) lines.push(`${mark(tool.found)} ${tool.name} ${tool.version ?? tool.problem ?? ""}`);
  lines.push("", `Engines are kept in ${enginesFolder()} (safe to delete).`);
  ui.print(lines.join("\n"));
}
