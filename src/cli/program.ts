/**
 * The whole command line as one value: every command, its flags and its help. Running it is `main.ts`'s.
 */
import { Command } from "commander";
import { ownVersion } from "../runtime/package-root.ts";
import { COMMANDS } from "./commands.ts";

export function program(): Command {
  const root = new Command("archc")
    .description("checks and compiles .arch files: neural architectures, to TensorFlow training graphs and to ONNX")
    .version(ownVersion(), "-V, --version", "archc's version")
    .helpCommand("help [command]", "how to use a command");
  for (const make of COMMANDS) root.addCommand(make());
  settle(root);
  return root;
}

/** Errors are thrown, not exits; long texts follow the terminal; a mistyped command is answered with what was meant. */
function settle(command: Command): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: process.stdout.isTTY ? process.stdout.columns : 100, showGlobalOptions: false });
  if (command.commands.length === 0)
    command.showHelpAfterError(`(archc ${pathOf(command)} --help shows the flags and an example)`);
  for (const child of command.commands) settle(child);
}

function pathOf(command: Command): string {
  const { parent } = command;
  const isTop = (parent?.parent ?? undefined) === undefined;
  return parent === null || isTop ? command.name() : `${pathOf(parent)} ${command.name()}`;
}
