/** `archc engine`: sets the TensorFlow engine up in the user's cache, and lists what is present. */
import { Command } from "commander";
import { UsageError } from "../fail.ts";
import { example, type ReportFlags, withReport } from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { type Progress, table, Ui } from "../ui.ts";

export function engine(): Command {
  return new Command("engine")
    .description("the engines that compute: set up and list")
    .addCommand(install())
    .addCommand(list());
}

interface InstallFlags extends ReportFlags {
  readonly gpu?: boolean;
  readonly force?: boolean;
}

function install(): Command {
  const command = new Command("install")
    .description("build the real TensorFlow addon in your cache; nothing to do where it is there")
    .argument("<engine>", "tensorflow")
    .option("--gpu", "for CUDA (5 GB more to download)")
    .option("--force", "build it anew");
  return example(withReport(command), "archc engine install tensorflow").action(runInstall);
}

async function runInstall(name: string, flags: InstallFlags): Promise<void> {
  const ui = new Ui(flags);
  if (name !== "tensorflow")
    throw new UsageError(`There is no engine \`${name}\` to install.`, "archc engine install tensorflow");
  const { installTensorflow } = await import("../../runtime/engine/index.ts");
  const { signal } = interruption();
  let bar: Progress | undefined;
  const device = flags.gpu === true ? "gpu" : undefined;
  const result = await installTensorflow({ device, force: flags.force === true, signal }, (event) => {
    if (event.kind === "step") {
      bar?.stop();
      bar = undefined;
      ui.note(event.text);
      return;
    }
    bar ??= ui.progress(event.text, Math.round(event.total / 1e6));
    bar.update(Math.round(event.done / 1e6), "MB");
  });
  bar?.stop();
  const { location, status } = result;
  ui.print(
    `TensorFlow ${location.version ?? ""} is ${status === "present" ? "there already" : "ready"}: ${location.folder}`,
  );
  ui.result({
    engines: [{ name: "tfjs", version: location.version, device: location.device, path: location.addon }],
    status,
  });
}

function list(): Command {
  const command = new Command("list").description("what is present: name, version, device, place");
  return example(withReport(command), "archc engine list --json").action(runList);
}

async function runList(flags: ReportFlags): Promise<void> {
  const ui = new Ui(flags);
  const { probeEngines } = await import("../../runtime/engine/index.ts");
  const engines = (await probeEngines()).filter(({ present }) => present);
  const rows = engines.map(({ name, library, version, device, path }) => [
    name,
    `${library} ${version ?? ""}`,
    device ?? "",
    path ?? "",
  ]);
  ui.print(table(["engine", "library", "device", "place"], rows));
  ui.result({ engines: engines.map(({ name, version, device, path }) => ({ name, version, device, path })) });
}
