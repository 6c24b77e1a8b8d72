// What this machine has of the tools that build the TensorFlow engine, and how to get the rest.
// Looks only; installs nothing.
import { readFileSync } from "node:fs";
import { runCommand } from "../command.ts";
import type { WayOut } from "../error.ts";
import { GLIBC_NEEDED } from "./pins.ts";

export type ToolName = "platform" | "python3" | "pip" | "g++";

export interface Tool {
  readonly name: ToolName;
  readonly found: boolean;
  /** Version, or the platform's name. */
  readonly version: string | null;
  /** What the engine needs it for, to follow "needed to". */
  readonly use: string;
  /** Why it does not do, when it does not. */
  readonly problem: string | null;
  readonly ways: readonly WayOut[];
}

/** The Python that fetches and unpacks the wheel; any version with pip will do. */
export function pythonCommand(env: NodeJS.ProcessEnv = process.env): string {
  const own = env["PYTHON"];
  return own === undefined || own === "" ? "python3" : own;
}

/** The C++ compiler with its leading arguments, as `CXX="ccache g++"` gives them. */
export function compilerCommand(env: NodeJS.ProcessEnv = process.env): readonly [string, ...string[]] {
  const [command, ...rest] = (env["CXX"] ?? "").split(/\s+/).filter((word) => word !== "");
  return command === undefined ? ["g++"] : [command, ...rest];
}

/** Looks for everything that building the engine needs. Runs four small programs at once. */
export async function findTools(env: NodeJS.ProcessEnv = process.env): Promise<readonly Tool[]> {
  return Promise.all([findPlatform(env), findPython(env), findPip(env), findCompiler(env)]);
}

async function findPlatform(env: NodeJS.ProcessEnv): Promise<Tool> {
  const needed = `Linux on x86-64 with glibc ${GLIBC_NEEDED.join(".")} or newer`;
  const tool = { name: "platform", use: "run TensorFlow's library" } as const;
  const here = `${process.platform} ${process.arch}`;
  const elsewhere: WayOut = {
    text: "The other engines work here. For TensorFlow use a Linux x86-64 machine, a container, or WSL 2 on Windows.",
    commands: [],
  };
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { ...tool, found: false, version: here, problem: `this is ${here}, not ${needed}`, ways: [elsewhere] };
  }
  const { stdout } = await runCommand("getconf", ["GNU_LIBC_VERSION"], { env });
  const match = /^glibc (\d+)\.(\d+)/.exec(stdout);
  if (match === null) {
    return {
      ...tool,
      found: false,
      version: here,
      problem: `this Linux has no glibc (needs ${needed})`,
      ways: [elsewhere],
    };
  }
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const version = `${here}, glibc ${String(major)}.${String(minor)}`;
  if (major < GLIBC_NEEDED[0] || (major === GLIBC_NEEDED[0] && minor < GLIBC_NEEDED[1])) {
    return { ...tool, found: false, version, problem: `this is ${version}, not ${needed}`, ways: [elsewhere] };
  }
  return { ...tool, found: true, version, problem: null, ways: [] };
}

async function findPython(env: NodeJS.ProcessEnv): Promise<Tool> {
  const command = pythonCommand(env);
  const result = await runCommand(command, ["-c", "import platform, zipfile, zlib; print(platform.python_version())"], {
    env,
  });
  const tool = { name: "python3", use: "unpack TensorFlow's wheel" } as const;
  if (result.status === 0) return { ...tool, found: true, version: result.stdout.trim(), problem: null, ways: [] };
  const problem = result.absent
    ? `there is no ${command}`
    : `${command} does not run, or lacks its zipfile and zlib modules`;
  return { ...tool, found: false, version: null, problem, ways: [packageWay("python3")] };
}

async function findPip(env: NodeJS.ProcessEnv): Promise<Tool> {
  const command = pythonCommand(env);
  const result = await runCommand(command, ["-m", "pip", "--version"], { env });
  const tool = { name: "pip", use: "fetch TensorFlow's wheel and check its hash" } as const;
  const version = /^pip (\S+)/.exec(result.stdout)?.[1];
  if (result.status === 0 && version !== undefined) return { ...tool, found: true, version, problem: null, ways: [] };
  return { ...tool, found: false, version: null, problem: `${command} has no pip`, ways: [packageWay("pip")] };
}

async function findCompiler(env: NodeJS.ProcessEnv): Promise<Tool> {
  const [command, ...args] = compilerCommand(env);
  const result = await runCommand(command, [...args, "-dumpfullversion", "-dumpversion"], { env });
  const tool = { name: "g++", use: "compile tfjs-node's addon" } as const;
  if (result.status === 0) return { ...tool, found: true, version: result.stdout.trim(), problem: null, ways: [] };
  const problem = result.absent ? `there is no ${command}` : `${command} does not run`;
  return { ...tool, found: false, version: null, problem, ways: [packageWay("g++")] };
}

const PACKAGES = {
  apt: { command: "apt-get install -y", python3: "python3", pip: "python3-pip", "g++": "g++" },
  dnf: { command: "dnf install -y", python3: "python3", pip: "python3-pip", "g++": "gcc-c++" },
  zypper: { command: "zypper install -y", python3: "python3", pip: "python3-pip", "g++": "gcc-c++" },
  pacman: { command: "pacman -S --needed", python3: "python", pip: "python-pip", "g++": "gcc" },
} as const;

const MANAGER_OF_DISTRIBUTION: Readonly<Record<string, keyof typeof PACKAGES>> = {
  debian: "apt",
  ubuntu: "apt",
  fedora: "dnf",
  rhel: "dnf",
  centos: "dnf",
  suse: "zypper",
  opensuse: "zypper",
  arch: "pacman",
};

function packageWay(tool: "python3" | "pip" | "g++"): WayOut {
  const manager = packageManager();
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  if (manager === undefined) return { text: `Install ${tool} with your system's package manager.`, commands: [] };
  const { command, [tool]: name } = PACKAGES[manager];
  return { text: `Install ${tool}:`, commands: [`${sudo}${command} ${name}`] };
}

function packageManager(): keyof typeof PACKAGES | undefined {
  let text: string;
  try {
    text = readFileSync("/etc/os-release", "utf8");
  } catch {
    return undefined;
  }
  for (const line of text.split("\n")) {
    const match = /^ID(?:_LIKE)?="?([^"]*)"?$/.exec(line);
    for (const word of match?.[1]?.split(" ") ?? []) {
      const manager = MANAGER_OF_DISTRIBUTION[word];
      if (manager !== undefined) return manager;
    }
  }
  return undefined;
}
