/**
 * The command line as one value: every command, its flags and its help. Running it is `main.ts`'s.
 */
import { Command } from "commander";
import { ownVersion } from "../runtime/package-root.ts";
import { COMMANDS } from "./commands.ts";

/** With `only`, the name of a command, the others are not made: most calls need one. */
export function program(only?: string): Command {
  const root = new Command("archc")
    .description("checks and compiles .arch files: neural architectures, to TensorFlow training graphs and to ONNX")
    .version(ownVersion(), "-V, --version", "archc's version")
    .helpCommand("help [command]", "how to use a command");
  const one = only === undefined ? undefined : COMMANDS.get(only);
  for (const make of one === undefined ? COMMANDS.values() : [one]) root.addCommand(make());
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
