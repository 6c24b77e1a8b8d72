/**
 * Reports of mistakes with names, settings and calls, each with the way out and, where one edit mends the program, with
 * that edit. It evaluates nothing and decides nothing: whoever calls has found the mistake.
 */
import { foreignMember, foreignName, foreignSetting } from "../diagnostics/foreign-names.ts";
import type { Fix } from "../diagnostics/diagnostic.ts";
import { nearest, suggest, type Suggestion } from "../diagnostics/suggest.ts";
import type { FileScope } from "../resolve/modules.ts";
import { type Span, spanText } from "../source/source.ts";
import type { Argument, CallExpr, Expr, IfExpr, Param, TypeNode } from "../syntax/ast.ts";
import { staticFunctions } from "../types/shapes.ts";
import type { Operand, Site } from "./operands.ts";
import type { Context } from "./context.ts";
import { labelled, pipeInstead } from "./edits.ts";
import { type Environment, join } from "./environment.ts";
import { fitStatic, showTypeNode } from "./functions.ts";
import { describe, holdsTensor, type Val } from "./values.ts";

// --- names ------------------------------------------------------------------------------------------------------------

export function reportUnknownName(context: Context, name: string, span: Span, env: Environment): void {
  const removed = env.removed?.(name);
  if (removed) {
    const reader = env.reader ?? env.weights.label;
    const help = env.readsAsBranch === true ? `keep branch.${reader}` : `set ${reader} = …`;
    context.report("E0502", { reader, name, help, keeps: env.readsAsBranch === true }, removed, {
      related: [{ span, label: "read here" }],
    });
    return;
  }
  const names = [...env.names(), ...Object.keys(staticFunctions)];
  const module = env.file.elsewhere(name);
  if (module !== undefined) {
    const advice = `import it:   import { ${name} } from "${module}"`;
    context.report("E0202", { name, near: [], advice }, span, { fixes: [importing(name, module, env.file)] });
    return;
  }
  const { near, advice, fixes } = suggest(name, span, names, foreignName(name, names));
  const known = near.length > 0 || advice !== "";
  const inPlace = known ? "" : fitsBehind(span, env.file);
  if (inPlace !== "") {
    context.report("E0202", { name, near, advice: inPlace }, span);
    return;
  }
  const further = known ? advice : (sizeAdvice(name, span) ?? ownerAdvice(name, env.file) ?? "");
  context.report("E0202", { name, near, advice: further }, span, { fixes });
}

/** A short name among the sizes of a type: sizes that a tensor brings are written large. */
function sizeAdvice(name: string, { file, start, end }: Span): string | undefined {
  const inType = /[a-z0-9]\[[^\]=>]*$/.test(file.text.slice(0, start)) && /^[^[=>]*\]/.test(file.text.slice(end));
  if (name.length > 2 || !inType) return undefined;
  return name === name.toUpperCase()
    ? "sizes that are not known before have their names from inputs, such as the batch:   B"
    : `a size that comes with the tensor has a name in capitals:   ${name.toUpperCase()}`;
}

/** What may stand behind `at` and `by`, told by the tensors that it takes: the names in scope. */
function fitsBehind({ file, start }: Span, scope: FileScope): string {
  const [, word] = /\b(at|by)\s+$/.exec(file.text.slice(Math.max(0, start - 40), start)) ?? [];
  if (word === undefined) return "";
  const tensors = word === "at" ? ["i64[]", "f32[]"] : ["float[...S]", "float[...S]", "f32[]"];
  const fitting = [...scope.names()].filter((name) => {
    const declared = scope.lookup(name)?.declaration;
    const types = declared?.kind === "block" ? declared.lists.at(-1)?.map((p) => p.type && spanText(p.type.span)) : [];
    return types?.join() === tensors.join();
  });
  return `what can stand behind \`${word}\`:   ${fitting.join(", ")}`;
}

/** A `let` of a head, branch or block is seen there alone. */
function ownerAdvice(name: string, { tree }: FileScope): string | undefined {
  for (const declaration of tree.declarations) {
    if (declaration.kind !== "model") continue;
    for (const item of declaration.items) {
      if (item.kind !== "head" && item.kind !== "branch") continue;
      const lines = item.kind === "head" ? item.lines : item.body.lines;
      if (lines.some((line) => line.kind === "let" && line.target.kind === "name" && line.target.text === name))
        return `the ${item.kind} \`${item.name.text}\` has one, seen there alone; move its line out, into the model`;
    }
  }
  return undefined;
}

/** The name in an import of its module: one that is there, or a new one before the first declaration. */
function importing(name: string, module: string, { file, tree }: FileScope): Fix {
  const title = `import \`${name}\` from "${module}"`;
  const known = tree.declarations.find((d) => d.kind === "import" && d.from.text === module);
  const [first] = known?.kind === "import" ? known.names : [];
  if (first) return { title, span: { ...first.span, end: first.span.start }, text: `${name}, ` };
  // a heading of the file, parted by an empty line from what follows, stays on top
  const heading = /^(?:\/\/.*\n)+\n+/.exec(file.text)?.[0].length ?? 0;
  const start = tree.declarations.find((d) => d.kind === "import")?.span.start ?? heading;
  return {
    title,
    span: { file, start, end: start },
    text: `import { ${name} } from "${module}"\n${start > 0 && start === heading ? "\n" : ""}`,
  };
}

/** `owner.name`, where `owner` has the members `names`; a tensor or number has none. */
export function reportUnknownMember(
  context: Context,
  of: Val,
  member: { readonly owner: string; readonly name: string; readonly names: readonly string[]; readonly span: Span },
  env: Environment,
): void {
  const { owner, name, names, span } = member;
  const removed = env.removed?.(`${owner}.${name}`);
  if (removed) {
    const reader = env.reader ?? env.weights.label;
    const edit = env.readsAsBranch === true ? `${reader}.in` : reader;
    const args = { reader, name: `${owner}.${name}`, help: `set ${edit} = …`, keeps: false };
    context.report("E0502", args, removed, { related: [{ span, label: "read here" }] });
    return;
  }
  const blocks = names.length === 0 ? [...env.names()] : [];
  const foreign = names.length === 0 ? foreignMember(name, blocks) : undefined;
  const [block] = foreign?.names ?? (blocks.includes(name) ? [name] : []);
  const { near, fixes } = suggest(name, span, names, undefined);
  const piped = block === undefined ? "" : `a layer or function is applied with a pipe:   ${owner} |> ${block}`;
  // where the advice has an edit of its own, it says more than the name of the block
  const own = (foreign?.advice ?? "").replaceAll(/\bx \|>/g, () => `${owner} |>`);
  const advice = own.includes("|>") ? own : [piped, own].filter((a) => a !== "").join("\n");
  context.report("E0208", { owner, is: describe(of), name, names, near, advice }, span, { fixes });
}

/** Two applications of one scope whose weights would have one name. */
export function reportEqualNames(context: Context, segment: string, site: Expr, holder: Expr, env: Environment): void {
  const last = segment.lastIndexOf(".");
  const name = segment.slice(last + 1);
  const scope = last === -1 ? env.weights.label : segment.slice(0, last);
  const label = env.weights.freeLabel(name);
  const args = { scope, name, callee: spanText(calleeSpan(site)), path: join(env.weights.path, segment) };
  const related = [{ span: calleeSpan(holder), label: "" }];
  const isPipe = site.kind === "pipe";
  const title = `call this one \`${label}\``;
  const { file, end } = site.span;
  const old = /^(\s*as\s+)(\w+)/.exec(file.text.slice(end));
  const at = end + (old?.[1]?.length ?? 0);
  const fixes =
    old === null
      ? [labelled(title, site.span, isPipe, label)]
      : [{ title, span: { file, start: at, end: at + (old[2]?.length ?? 0) }, text: label }];
  context.report("E0405", args, calleeSpan(site), { related, fixes });
}

/** The name of the block that a site applies: `linear` in `x |> linear(64)`. */
function calleeSpan(site: Expr): Span {
  if (site.kind === "pipe") return calleeSpan(site.target);
  return site.kind === "call" ? calleeSpan(site.callee) : site.span;
}

/** A size that only the use can say, where the use says none. */
export function reportAsked(context: Context, callee: string, asked: readonly string[], span: Span): void {
  const { text } = span.file;
  const start = text.lastIndexOf("\n", span.start - 1) + 1;
  const end = text.indexOf("\n", span.end);
  const [, name, value] = /^\s*let (\w+)\s*=\s*(.*)$/.exec(text.slice(start, end === -1 ? undefined : end)) ?? [];
  const line = name === undefined ? {} : { line: `let ${name}: f32[…] = ${value ?? ""}` };
  context.report("E0309", { callee, asked, ...line }, span);
}

// --- settings ---------------------------------------------------------------------------------------------------------

export function reportUnknownSetting(
  context: Context,
  callee: string,
  arg: Argument,
  settings: readonly Param[],
  instead = "",
): void {
  const names = settings.map((p) => p.name.text);
  const { near, advice, fixes } =
    arg.name === undefined
      ? { near: [], advice: instead, fixes: [] }
      : (inList(arg, settings, names) ??
        suggest(arg.name.text, arg.name.span, names, foreignSetting(arg.name.text, names)));
  const argument = arg.name?.text ?? spanText(arg.value.span);
  context.report("E0216", { callee, argument, names, near, advice }, arg.span, { fixes });
}

/** `dim: 1` for `axis: [1]`: another name, and a list. */
function inList(arg: Argument, settings: readonly Param[], names: readonly string[]): Suggestion | undefined {
  if (arg.name === undefined) return undefined;
  const { text } = arg.name;
  const { near, advice } = suggest(text, arg.name.span, names, foreignSetting(text, names));
  const [only, other] = near;
  const type = settings.find((p) => p.name.text === only)?.type;
  const value = spanText(arg.value.span);
  if (only === undefined || other !== undefined || type?.kind !== "list" || !/^-?\d+$/.test(value)) return undefined;
  const written = `${only}: [${value}]`;
  const fixes = [{ title: `write \`${written}\``, span: arg.span, text: written }];
  return { near: [], advice: advice === "" ? `here it is   ${written}` : advice, fixes };
}

/** The value of a setting is not of its kind. */
export function reportWrongSetting(
  context: Context,
  callee: string,
  param: Param,
  arg: Argument,
  value: Val,
  settings: readonly Param[],
): void {
  const name = param.name.text;
  const { span } = arg.value;
  const mended = fitting(param.type, value, spanText(span));
  const fixes: Fix[] = mended === undefined ? [] : [{ title: `write \`${mended}\``, span, text: mended }];
  const [first] = settings;
  const byPosition =
    arg.name === undefined && first !== undefined && first !== param
      ? `by position the settings of \`${callee}\` are ${settings.map((p) => p.name.text).join(", ")}`
      : "";
  // `unit: x |> bottleneck(64)`: the block alone is the setting
  const [block, isPipe] = [
    arg.value.kind === "pipe" ? spanText(arg.value.target.span) : "",
    param.type?.kind === "block",
  ];
  if (isPipe && block !== "" && holdsTensor(value)) {
    fixes.push({ title: `write \`${block}\``, span, text: block });
    const args = { what: `\`${name}\` of \`${callee}\``, wanted: showTypeNode(param.type), given: describe(value) };
    context.report("E0206", { ...args, help: `the block without what goes in:   ${name}: ${block}` }, span, { fixes });
    return;
  }
  const help = mended === undefined ? byPosition || hintFor(param.type) : `${name}: ${mended}`;
  const what = `\`${name}\` of \`${callee}\``;
  context.report("E0206", { what, wanted: showTypeNode(param.type), given: describe(value), help }, span, { fixes });
}

/** The value of a parameter, constant or `let` is not of the declared kind. */
export function reportWrongValue(
  context: Context,
  name: string,
  type: TypeNode | undefined,
  value: Val,
  expr: Expr,
): void {
  const { span } = expr;
  const mended = fitting(type, value, spanText(span));
  const fixes: Fix[] = mended === undefined ? [] : [{ title: `write \`${mended}\``, span, text: mended }];
  const help = mended === undefined ? hintFor(type) : `${name} = ${mended}`;
  const args = { what: `\`${name}\``, wanted: showTypeNode(type), given: describe(value), help };
  context.report("E0206", args, span, { fixes });
}

/** The value written as the type wants it, where there is one plain way. */
function fitting(type: TypeNode | undefined, value: Val, text: string): string | undefined {
  if (type === undefined) return undefined;
  if (type.kind === "choice") {
    const given = value.kind === "string" ? value.value : text;
    const [near, other] = nearest(
      given,
      type.values.map((v) => v.value),
    );
    return near !== undefined && other === undefined ? JSON.stringify(near) : undefined;
  }
  if (type.kind === "list") return fitStatic(value, type.member) === undefined ? undefined : `[${text}]`;
  const wanted = type.kind === "tensor" && type.dims === undefined ? type.name.text : "";
  const isNumber = wanted === "int" || wanted === "float";
  if (wanted === "int" && value.kind === "float" && Number.isSafeInteger(value.value)) return String(value.value);
  if (isNumber && value.kind === "string" && /^\d+(\.\d+)?$/.test(value.value))
    return wanted === "int" && value.value.includes(".") ? undefined : value.value;
  if (wanted === "bool" && value.kind === "int") return { "0": "false", "1": "true" }[value.dim.toString()];
  if (isNumber && (value.kind === "tuple" || value.kind === "collection")) {
    const [first, ...rest] = value.members.map(shown);
    return first !== undefined && rest.every((m) => m === first) ? first : undefined;
  }
  return undefined;
}
function shown(value: Val): string | undefined {
  return value.kind === "int" ? value.dim.toString() : value.kind === "float" ? String(value.value) : undefined;
}

function hintFor(type: TypeNode | undefined): string {
  if (type?.kind === "block") return "a block by its name, with settings or without:   relu   or   leaky_relu(0.1)";
  if (type?.kind === "list") return "a list stands in brackets:   [1, 2]";
  if (type?.kind === "tuple") return "one number for both, or a pair:   2   or   (2, 1)";
  if (type?.kind === "tensor" && type.dims === undefined && type.name.text === "bool") return "write true or false";
  if (type?.kind === "tensor" && type.dims === undefined && type.name.text === "int")
    return "a whole number, or a computation of one such as floor(n / 2)";
  return "";
}

/** `shared f = x |> block`: what is shared is the block. */
export function reportSharedValue(context: Context, expr: Expr, value: Val): void {
  const block = expr.kind === "pipe" ? spanText(expr.target.span) : "linear(64)";
  const help = `share the block, and apply it where it is used:   ${block}`;
  const fixes = expr.kind === "pipe" ? [{ title: `write \`${block}\``, span: expr.span, text: block }] : [];
  context.report("E0206", { what: "`shared`", wanted: "a block", given: describe(value), help }, expr.span, { fixes });
}

/** `floor` of a tensor: it is a function of numbers, and entries lose their fraction another way. */
export function reportRounding(context: Context, name: string, value: Val, { args, span }: CallExpr): void {
  const of = args[0] === undefined ? "x" : spanText(args[0].value.span);
  const cut = `${/^\w+$/.test(of) ? of : `(${of})`} |> cast(to: i64) |> cast(to: f32)`;
  const help = `entries lose their fraction in a cast, towards zero:   ${cut}`;
  const wanted = "a number known before the network runs";
  context.report("E0206", { what: `\`${name}\``, wanted, given: describe(value), help }, span);
}

// --- calls ------------------------------------------------------------------------------------------------------------

/** A tensor in the list of settings. */
export function reportLevels(
  context: Context,
  callee: string,
  call: CallExpr,
  setting: Param | undefined,
  args: readonly { readonly arg: Argument; readonly value: Val }[],
  taken: readonly Param[],
): void {
  const tensors = args.filter((a) => holdsTensor(a.value));
  const [first] = tensors;
  if (first === undefined) return;
  const others = args.filter((a) => !holdsTensor(a.value)).map((a) => spanText(a.arg.span));
  const complete = others.length > 0;
  const settings = complete ? `(${others.join(", ")})` : setting ? `(${setting.name.text}: …)` : "";
  const given = tensors.map((a) => spanText(a.arg.value.span)).join(", ");
  const isList = taken.length === 1 && taken[0]?.type?.kind === "list";
  const several = isList ? `[${given}]` : `(${given})`;
  const pipe = `${tensors.length > 1 ? several : given} |> ${callee}${settings}`;
  const { span } = first.arg.value;
  const fixes = complete ? [{ title: "pipe the tensor in", span: call.span, text: pipeInstead(call.span, pipe) }] : [];
  context.report(
    "E0201",
    {
      callee,
      wanted: showTypeNode(setting?.type),
      tensor: spanText(span),
      type: describe(first.value),
      help: pipe,
    },
    span,
    { fixes },
  );
}

/** More or fewer tensors than a block takes. */
export function reportCount(
  context: Context,
  callee: string,
  wanted: readonly Param[],
  operands: readonly Operand[],
  { expr, span }: Site,
): void {
  const [only] = wanted;
  const isList = wanted.length === 1 && only?.type?.kind === "list";
  const texts = operands.map((o) => (o.expr === undefined ? undefined : spanText(o.expr.span)));
  const known = operands.length > 1 && texts.every((t) => t !== undefined);
  const args = { callee, wanted: wanted.length, given: operands.length, names: wanted.map((p) => p.name.text) };
  if (!isList) {
    const missing = wanted.slice(operands.length).map((p) => p.name.text);
    const given = [...texts.slice(0, wanted.length), ...missing].map((t, i) => t ?? wanted[i]?.name.text ?? "…");
    const tuple =
      expr.kind === "pipe" && operands.length > 1 && expr.input.kind !== "tuple" ? spanText(expr.input.span) : "";
    const names = operands.map((_, i) => "abcdefgh"[i] ?? "_").join(", ");
    const help =
      tuple !== "" && wanted.length === 1
        ? `take the results apart first:   let (${names}) = ${tuple}`
        : `${wanted.length === 1 ? (given[0] ?? "") : `(${given.join(", ")})`} |> ${callee}`;
    context.report("E0205", { ...args, help }, span);
    return;
  }
  const list = `[${known ? texts.join(", ") : "a, b"}]`;
  const help = `several tensors as one argument are a list:   ${list} |> ${callee}`;
  const isCall = expr.kind === "call" && known && expr.args.length === operands.length;
  const [first, last] = isCall ? [expr.args[0], expr.args.at(-1)] : [];
  const place = first && last && { ...first.span, end: last.span.end };
  context.report("E0205", { ...args, help }, span, {
    fixes: place ? [{ title: "make them a list", span: place, text: list }] : [],
  });
}

/** Something that cannot be applied: `at 0.1` wants a schedule, `x |> 3` a block. */
export function reportNoBlock(context: Context, what: string, value: Val, span: Span, help: string, fix = ""): void {
  const fixes = fix === "" ? [] : [{ title: `write \`${fix}\``, span, text: fix }];
  context.report("E0203", { what, given: describe(value), help }, span, { fixes });
}

/** `if` over something that is known only when the network runs. */
export function reportTensorCondition(context: Context, expr: IfExpr, type: string): void {
  const [condition, then, otherwise] = [expr.condition, expr.then, expr.else].map((e) => spanText(e.span));
  const text = `select(${condition ?? ""}, ${then ?? ""}, ${otherwise ?? ""})`;
  const fixes = [{ title: "choose entry by entry", span: expr.span, text }];
  context.report("E0204", { type, help: `choose entry by entry:   ${text}` }, expr.condition.span, { fixes });
}
