/** Puts mismatches between arguments and signatures in words, with the places that forced each side. */
import type { Fix, Related } from "../diagnostics/diagnostic.ts";
import type { FileScope } from "../resolve/modules.ts";
import { type Span, spanText } from "../source/source.ts";
import type { Param, TypeNode } from "../syntax/ast.ts";
import { Dim } from "../types/dim.ts";
import type { ArgumentType, Bindings, Failure, Mismatch } from "../types/signature.ts";
import { type DType, dtypeClasses, isDType, isDTypeClass, isFloat, showType } from "../types/tensor.ts";
import type { Operand, Site } from "./operands.ts";
import type { Context } from "./context.ts";
import { showTypeNode } from "./functions.ts";
import { axisNoun, nounOf } from "./tensors.ts";
import type { Val } from "./values.ts";
import { castTo, type Way, waysToRank, waysToSize } from "./ways.ts";

export interface Application {
  readonly callee: string;
  readonly tensors: readonly Param[];
  readonly operands: readonly Operand[];
  readonly bindings: Bindings;
  readonly site: Site;
  readonly scope: FileScope;
}

export function reportMismatch(context: Context, application: Application, { param, mismatch }: Failure): void {
  const { callee, tensors, operands, site } = application;
  const index = tensors.indexOf(param);
  const operand = operands[index];
  const what = operand?.expr ? nounOf(operand.expr) : `\`${param.name.text}\``;
  switch (mismatch.kind) {
    case "range": {
      const bound = mismatch.name === undefined ? undefined : application.bindings.places.get(mismatch.name);
      const scores = bound && bound.param >= 0 ? operands[bound.param] : undefined;
      const labels = operand?.value;
      const related: Related[] = [];
      let help = "";
      let fixes: readonly Fix[] = [];
      if (scores?.value.kind === "tensor" && bound) {
        const reason = scores.value.reasons[bound.axis];
        if (reason) {
          related.push({
            span: context.place(reason.span),
            label: `${nounOf(scores.expr)} is ${showType(scores.value.type)}`,
          });
          const callee = spanText(reason.span).replace(/\(.*/s, "");
          help = `${callee}(${mismatch.actual.to.toString()})`;
        }
      }
      const to = mismatch.actual.to.toString();
      const declared = labels?.kind === "tensor" ? context.rangeDeclaration(labels) : undefined;
      if (declared) {
        const upTo = declared.text.includes("..=");
        const last = upTo ? mismatch.actual.to.minus(Dim.one).toString() : to;
        const known = declared.size === last || /^[\d_ .=<]+$/.test(declared.text);
        related.push({
          span: declared.span,
          label: `${what} is in ${declared.text}${known ? "" : `, which is ${last}`}`,
        });
        const count = declared.size === undefined ? undefined : upTo ? oneMore(declared.size) : declared.size;
        if (help !== "" && count !== undefined) help = help.replace(/\(.*\)$/, `(${count})`);
        const first = mismatch.actual.from.constant;
        if (help !== "" && first !== undefined && first < 0)
          help = `labels count from 0; a loss that leaves out those below it takes them:   masked_cross_entropy(logits, label)`;
        else if (help !== "" && first !== 0)
          help = `labels count from 0:   ${what} in 0 ..< ${declared.size ?? last}   or a score for 0 as well:   ${help}`;
        const argument =
          bound && scores?.value.kind === "tensor" ? scores.value.reasons[bound.axis]?.argument : undefined;
        // the size goes by its name only where the model's names are in scope
        const size = argument && within(argument, declared.model) ? count : undefined;
        const text = size ?? to;
        if (argument && argument.file === site.span.file && mismatch.actual.from.constant === 0)
          fixes = [{ title: `write ${text}`, span: argument, text }];
      }
      const where = mismatch.name === undefined ? "" : ` (${application.scope.file.name}, \`${mismatch.name}\`)`;
      context.report(
        "E0307",
        {
          scores: mismatch.expected.to.toString(),
          from: mismatch.actual.from.toString(),
          to: mismatch.actual.to.toString(),
          where,
          help,
          setting: bound === undefined ? mismatch.name : undefined,
        },
        site.span,
        { related, fixes },
      );
      return;
    }
    case "size":
      reportSize(context, application, param, operand, mismatch);
      return;
    case "rank": {
      const { declared, whole } = mismatch;
      const dims = declared.kind === "tensor" ? (declared.dims ?? []) : [];
      const open = dims.some((d) => d.kind === "run");
      const fits = declared.kind === "tensor" && whole.kind === "tensor" && takes(declared.name.text, whole.type.dtype);
      const { help, fixes } =
        swapped(application) ??
        labelWay(application, param, operand) ??
        pixelWay(application) ??
        batchWay(operand, dims.length) ??
        (whole.kind === "tensor" && fits && !open
          ? waysToRank(operand?.expr, whole.type.shape, dims.length, lastLayer(operand))
          : noWay);
      context.report(
        "E0303",
        {
          what: `\`${callee}\``,
          wanted: spanText(mismatch.declared.span),
          given: showArgument(mismatch.whole),
          type: showArgument(mismatch.whole),
          help,
        },
        operand?.expr?.span ?? site.span,
        { fixes },
      );
      return;
    }
    case "run": {
      const place = application.bindings.places.get(mismatch.name);
      reportShapes(context, application, operand, operands[place?.param ?? -1]);
      return;
    }
    case "dtype": {
      const { help, fixes } =
        labelWay(application, param, operand) ??
        numberWay(mismatch) ??
        castTo(mismatch.bound ?? mismatch.wanted, operand?.expr);
      context.report(
        "E0308",
        {
          callee,
          param: param.name.text,
          wanted: mismatch.bound ?? mismatch.wanted,
          given: showArgument(mismatch.whole),
          help,
        },
        operand?.expr?.span ?? site.span,
        { fixes },
      );
      return;
    }
    case "form": {
      const help = formWay(application, mismatch.declared, mismatch.whole, operand);
      context.report(
        "E0206",
        {
          what: `\`${callee}\``,
          wanted: showTypeNode(mismatch.declared),
          given: showArgument(mismatch.whole),
          help,
        },
        operand?.expr?.span ?? site.span,
      );
    }
  }
}

/** How the model declares an operand that is an input or a target. */
function isPort(operand: Operand | undefined): boolean {
  const reason = operand?.value.kind === "tensor" ? operand.value.reasons[0] : undefined;
  return operand?.expr?.kind === "name" && /^declared by `(input|target) /.test(reason?.text ?? "");
}

function reportSize(
  context: Context,
  application: Application,
  param: Param,
  operand: Operand | undefined,
  mismatch: Mismatch & { kind: "size" },
): void {
  const { callee, operands, bindings, site } = application;
  const shape = mismatch.whole.kind === "tensor" ? mismatch.whole.type.shape : undefined;
  const rank = shape?.length ?? 0;
  const value = operand?.value;
  const declared = mismatch.wanted ? spanText(mismatch.wanted.span) : "";
  const shown = declared === "" || declared === mismatch.expected.toString() ? "" : ` (\`${declared}\`)`;
  const member =
    param.type?.kind === "list" && value?.kind === "collection" ? oddMember(value, mismatch.whole) : undefined;
  const of = operand?.expr ? nounOf(operand.expr) : `\`${param.name.text}\``;
  const reason = value?.kind === "tensor" ? value.reasons[mismatch.axis] : undefined;
  const related: Related[] = reason ? [{ span: context.place(reason.span), label: reason.text }] : [];
  // the tensor that came first and said how many there are to be
  const runs = param.type?.kind === "tensor" ? (param.type.dims ?? []) : [];
  const run = runs.flatMap((d) => (d.kind === "run" && d.of?.kind === "name" ? [d.of.text] : []))[0] ?? "";
  const first = operands[bindings.places.get(declared === "" ? run : declared)?.param ?? -1];
  if (first?.expr && first !== operand && first.value.kind === "tensor")
    related.push({ span: first.expr.span, label: `${nounOf(first.expr)} is ${showType(first.value.type)}` });
  const args = {
    callee,
    what: member === undefined ? of : `member ${member} of ${of}`,
    noun: `${axisNoun(rank - 1 - mismatch.axis, rank)}${member === undefined ? "" : " in each member"}`,
    wanted: `${mismatch.expected.toString()}${shown}`,
    given: mismatch.actual.toString(),
    type: showArgument(mismatch.whole),
    help:
      member === undefined
        ? waysToSize(operand?.expr, callee, rank, mismatch.axis, mismatch.expected, shape)
        : `make the members alike: what gives \`${member}\` should give ${mismatch.expected.toString()}`,
  };
  context.report("E0302", args, operand?.expr?.span ?? site.span, { related });
}

/** The key of the member that is of this type. */
function oddMember(list: Val & { kind: "collection" }, whole: ArgumentType): string | undefined {
  if (whole.kind !== "tensor") return undefined;
  const at = list.members.findIndex((m) => m.kind === "tensor" && showType(m.type) === showType(whole.type));
  return list.keys[at] ?? String(at);
}

/** The layer that gave the last axis alone its size, such as a `linear` over every pixel. */
function lastLayer(operand: Operand | undefined): string | undefined {
  const reasons = operand?.value.kind === "tensor" ? operand.value.reasons : [];
  const [before, last] = reasons.slice(-2);
  if (last?.argument === undefined || before === undefined || before.span === last.span) return undefined;
  return spanText(last.span).replace(/\(.*/s, "");
}

/** Labels that are declared as something else than whole numbers of a range. */
function labelWay({ bindings }: Application, param: Param, operand: Operand | undefined): Way | undefined {
  const { type } = param;
  const value = operand?.value;
  if (type?.kind !== "tensor" || type.range?.kind !== "binary" || value?.kind !== "tensor") return undefined;
  if (!isPort(operand) || !isFloat(value.type.dtype)) return undefined;
  const { right } = type.range;
  const bound = right.kind === "name" ? bindings.values.get(right.text) : undefined;
  const to = bound?.kind === "int" ? bound.dim.toString() : spanText(right.span);
  const rank = type.dims?.some((d) => d.kind === "run") === true ? value.type.shape.length : (type.dims?.length ?? 0);
  const whole = `i32[${value.type.shape
    .slice(0, rank)
    .map((d) => d.toString())
    .join(", ")}] in 0 ..< ${to}`;
  const name = nounOf(operand?.expr);
  const rows =
    value.type.shape.length === rank + 1
      ? `   or take the largest of each row:   ${name} |> argmax(axis: ${String(rank)})`
      : "";
  return { help: `declare it as whole numbers:   ${name}: ${whole}${rows}`, fixes: [] };
}

/** Maps of scores and of labels where a row a sample is taken: each pixel is a sample. */
function pixelWay({ tensors, operands, callee }: Application): Way | undefined {
  const more = tensors.map(({ type }, i) => {
    const value = operands[i]?.value;
    const declared =
      type?.kind === "tensor" && type.dims?.every((d) => d.kind === "expr") === true ? type.dims.length : 0;
    return value?.kind === "tensor" ? value.type.shape.length - declared : 0;
  });
  const [scores, labels] = operands.map((o) => (o.value.kind === "tensor" ? o.value.type.shape : []));
  const [first, second] = operands.map((o) => (o.expr ? nounOf(o.expr) : "…"));
  if (more.length !== 2 || more.some((m) => m !== 2) || scores?.length !== 4 || labels?.length !== 3) return undefined;
  const [b, k, h, w] = scores.map((d) => d.toString());
  const count = [b, h, w].join(" * ");
  const rows = `${first ?? ""} |> transpose([0, 2, 3, 1]) |> reshape([${count}, ${k ?? ""}])`;
  return { help: `a row a pixel:   ${callee}(${rows}, ${second ?? ""} |> reshape([${count}]))`, fixes: [] };
}

/** An input without the axis of the batch. */
function batchWay(operand: Operand | undefined, wanted: number): Way | undefined {
  const shape = operand?.value.kind === "tensor" ? operand.value.type.shape : [];
  if (!isPort(operand) || shape.length !== wanted - 1 || shape[0]?.constant === undefined) return undefined;
  const type = operand?.value.kind === "tensor" ? operand.value.type : undefined;
  if (type === undefined) return undefined;
  const sizes = shape.map((d) => d.toString()).join(", ");
  return { help: `declare the axis of the batch:   ${nounOf(operand?.expr)}: ${type.dtype}[B, ${sizes}]`, fixes: [] };
}

/** A literal of another kind than the element type that is asked for. */
function numberWay({ wanted, bound, whole }: Mismatch & { kind: "dtype" }): Way | undefined {
  if (whole.kind !== "static") return undefined;
  const dtype = bound ?? wanted;
  const help =
    dtype === "bool"
      ? "`true` or `false`, or a comparison:   x > 0.0"
      : whole.of === "bool"
        ? "a number: 1 or 0"
        : `a fraction never becomes whole: a whole number, or floats:   x |> cast(to: f32)`;
  return { help, fixes: [] };
}

/** A tensor where a list is taken, or a list where a tensor is. */
function formWay({ site }: Application, declared: TypeNode, whole: ArgumentType, operand: Operand | undefined): string {
  const text = operand?.expr ? spanText(operand.expr.span) : "…";
  const block = spanText(site.span);
  if (declared.kind === "list" && whole.kind === "tensor") {
    const rank = declared.member.kind === "tensor" ? declared.member.dims?.length : undefined;
    return whole.type.shape.length === (rank ?? 0) + 1
      ? `a list of its steps along axis 1:   ${text} |> unstack |> ${block}`
      : `tensors as one argument are a list:   [${text}] |> ${block}`;
  }
  const tensors = whole.kind === "list" && whole.members.some((m) => m.kind === "tensor");
  return declared.kind === "tensor" && tensors
    ? `make one tensor of the list before:   block(zs: list[float[B, D]]) => zs |> concat |> ${block}`
    : declared.kind === "tensor" && isNumbers(whole)
      ? `numbers become a tensor by \`tensor\`:   tensor(${text.replace(/^\((.*)\)$/s, "[$1]")})`
      : "";
}
/** A list or tuple of numbers, or of such. */
function isNumbers(argument: ArgumentType): boolean {
  if (argument.kind !== "list" && argument.kind !== "tuple") return argument.kind === "static";
  return argument.members.length > 0 && argument.members.every(isNumbers);
}

/** Two tensors that a block takes in one shape, with more axes the one than the other. */
function reportShapes(
  context: Context,
  { callee, site }: Application,
  second: Operand | undefined,
  first: Operand | undefined,
): void {
  const [a, b] = [first, second].map((o) => (o?.value.kind === "tensor" ? o.value.type.shape : []));
  const [large, small] = (a?.length ?? 0) > (b?.length ?? 0) ? [first, second] : [second, first];
  const [more, fewer] = [large, small].map((o) => (o?.value.kind === "tensor" ? o.value.type : undefined));
  const [most, least] = [large, small].map((o, i) => (o?.expr ? nounOf(o.expr) : i === 0 ? "one" : "the other"));
  const given = [first, second].map((o) => (o?.value.kind === "tensor" ? showType(o.value.type) : "a number"));
  const oneOver = more !== undefined && fewer !== undefined && more.shape.length === fewer.shape.length + 1;
  const single = oneOver && more.shape.at(-1)?.constant === 1;
  const { help, fixes } =
    more !== undefined && (single || !oneOver)
      ? waysToRank(large?.expr, more.shape, fewer?.shape.length ?? 0)
      : {
          help: `bring ${most ?? ""} to the shape of ${least ?? ""}, such as by a last layer of 1 and   [:, 0]`,
          fixes: [],
        };
  const args = {
    what: `\`${callee}\``,
    wanted: "tensors of one shape",
    given: given.join(" and "),
    type: more === undefined ? "" : `${most ?? ""} is ${showType(more)}`,
    help,
  };
  const related =
    fewer !== undefined && small?.expr
      ? [{ span: small.expr.span, label: `${least ?? ""} is ${showType(fewer)}` }]
      : [];
  context.report("E0303", args, large?.expr?.span ?? site.span, { related, fixes });
}

function takes(name: string, dtype: DType): boolean {
  return isDTypeClass(name) ? dtypeClasses[name](dtype) : !isDType(name) || name === dtype;
}

/** Two tensors in each other's places. */
function swapped({ callee, tensors, operands, site }: Application): Way | undefined {
  const [first, second] = operands;
  if (tensors.length !== 2 || !first?.expr || !second?.expr) return undefined;
  const fits = tensors.every(({ type }, i) => {
    const value = (i === 0 ? second : first).value;
    return (
      type?.kind === "tensor" &&
      value.kind === "tensor" &&
      type.dims?.length === value.type.shape.length &&
      takes(type.name.text, value.type.dtype)
    );
  });
  if (!fits) return undefined;
  const [a, b] = [spanText(second.expr.span), spanText(first.expr.span)];
  const { expr } = site;
  const inCall = expr.kind === "call" && expr.args.length === 2 ? expr.args : undefined;
  const [from, to] = [inCall?.[0]?.span, inCall?.[1]?.span];
  const fixes =
    from && to ? [{ title: "change their places", span: { ...from, end: to.end }, text: `${a}, ${b}` }] : [];
  return { help: `the other way round:   ${callee}(${a}, ${b})`, fixes };
}

const noWay = { help: "", fixes: [] };

function oneMore(size: string): string {
  return /^\d+$/.test(size) ? String(Number(size) + 1) : `${size} + 1`;
}

function within(inner: Span, outer: Span): boolean {
  return inner.file === outer.file && outer.start <= inner.start && inner.end <= outer.end;
}

function showArgument(argument: ArgumentType): string {
  switch (argument.kind) {
    case "tensor":
      return showType(argument.type);
    case "static":
      return { int: "a whole number", float: "a number", bool: "true or false" }[argument.of];
    case "list":
      return `a list of ${String(argument.members.length)} ${argument.members.some((m) => m.kind === "tensor") ? "tensors" : isNumbers(argument) ? "numbers" : "members"}`;
    case "tuple":
      return `a tuple of ${String(argument.members.length)}`;
    case "unknown":
      return "an unknown value";
  }
}
