/** The commands, in the order in which help lists them. */
import type { Command } from "commander";
import { data } from "./commands/data.ts";
import { doctor } from "./commands/doctor.ts";
import { engine } from "./commands/engine.ts";

export const COMMANDS: readonly (() => Command)[] = [data, engine, doctor];
