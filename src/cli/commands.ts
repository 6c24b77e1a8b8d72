/** The commands, in the order in which help lists them. */
import type { Command } from "commander";
import { check } from "./commands/check.ts";
import { compile } from "./commands/compile.ts";
import { data } from "./commands/data.ts";
import { doctor } from "./commands/doctor.ts";
import { engine } from "./commands/engine.ts";
import { explain } from "./commands/explain.ts";
import { fmt } from "./commands/fmt.ts";
import { gradcheck } from "./commands/gradcheck.ts";
import { create } from "./commands/new.ts";
import { params } from "./commands/params.ts";
import { predict } from "./commands/predict.ts";
import { run } from "./commands/run.ts";
import { summary } from "./commands/summary.ts";
import { train } from "./commands/train.ts";
import { variants } from "./commands/variants.ts";
import { verify } from "./commands/verify.ts";
import { weights } from "./commands/weights.ts";

export const COMMANDS: ReadonlyMap<string, () => Command> = new Map([
  ["new", create],
  ["check", check],
  ["fmt", fmt],
  ["explain", explain],
  ["compile", compile],
  ["summary", summary],
  ["params", params],
  ["variants", variants],
  ["weights", weights],
  ["run", run],
  ["verify", verify],
  ["gradcheck", gradcheck],
  ["data", data],
  ["train", train],
  ["predict", predict],
  ["engine", engine],
  ["doctor", doctor],
]);
