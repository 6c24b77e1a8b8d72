/** Puts mismatches between arguments and signatures in words, with the places that forced each side. */
import type { Fix, Related } from "../diagnostics/diagnostic.ts";
import type { FileScope } from "../resolve/modules.ts";
import { type Span, spanText } from "../source/source.ts";
import type { Param } from "../syntax/ast.ts";
import type { ArgumentType, Bindings, Failure } from "../types/signature.ts";
import { type DType, dtypeClasses, isDType, isDTypeClass, showType } from "../types/tensor.ts";
import type { Operand, Site } from "./apply.ts";
import type { Context } from "./context.ts";
import { showTypeNode } from "./functions.ts";
import { axisNoun, nounOf } from "./tensors.ts";
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
        related.push({
          span: declared.span,
          label: `${what} is in ${declared.text}${declared.size === to ? "" : `, which is ${to}`}`,
        });
        if (help !== "" && declared.size !== undefined) help = help.replace(/\(.*\)$/, `(${declared.size})`);
        const argument =
          bound && scores?.value.kind === "tensor" ? scores.value.reasons[bound.axis]?.argument : undefined;
        // the size goes by its name only where the model's names are in scope
        const size = argument && within(argument, declared.model) ? declared.size : undefined;
        const text = size ?? mismatch.actual.to.toString();
        if (argument && argument.file === site.span.file) fixes = [{ title: `write ${text}`, span: argument, text }];
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
        },
        site.span,
        { related, fixes },
      );
      return;
    }
    case "size": {
      const rank = mismatch.whole.kind === "tensor" ? mismatch.whole.type.shape.length : 0;
      const noun = axisNoun(rank - 1 - mismatch.axis, rank);
      const value = operand?.value;
      const reason = value?.kind === "tensor" ? value.reasons[mismatch.axis] : undefined;
      const declared = mismatch.wanted ? spanText(mismatch.wanted.span) : "";
      const wanted = declared === "" || declared === mismatch.expected.toString() ? "" : ` (\`${declared}\`)`;
      context.report(
        "E0302",
        {
          callee,
          what,
          noun,
          wanted: `${mismatch.expected.toString()}${wanted}`,
          given: mismatch.actual.toString(),
          type: showArgument(mismatch.whole),
          help: waysToSize(operand?.expr, callee, rank, mismatch.axis, mismatch.expected),
        },
        operand?.expr?.span ?? site.span,
        { related: reason ? [{ span: context.place(reason.span), label: reason.text }] : [] },
      );
      return;
    }
    case "rank": {
      const { declared, whole } = mismatch;
      const dims = declared.kind === "tensor" ? (declared.dims ?? []) : [];
      const open = dims.some((d) => d.kind === "run");
      const fits = declared.kind === "tensor" && whole.kind === "tensor" && takes(declared.name.text, whole.type.dtype);
      const { help, fixes } =
        swapped(application) ??
        (whole.kind === "tensor" && fits && !open ? waysToRank(operand?.expr, whole.type.shape, dims.length) : noWay);
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
    case "dtype": {
      const { help, fixes } = castTo(mismatch.bound ?? mismatch.wanted, operand?.expr);
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
      const isList = mismatch.declared.kind === "list" && mismatch.whole.kind === "tensor" && operand?.expr;
      const text = operand?.expr ? `[${spanText(operand.expr.span)}]` : "";
      context.report(
        "E0206",
        {
          what: `\`${callee}\``,
          wanted: showTypeNode(mismatch.declared),
          given: showArgument(mismatch.whole),
          help: isList ? `tensors as one argument are a list:   ${text} |> ${callee}` : "",
        },
        operand?.expr?.span ?? site.span,
      );
    }
  }
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

function within(inner: Span, outer: Span): boolean {
  return inner.file === outer.file && outer.start <= inner.start && inner.end <= outer.end;
}

function showArgument(argument: ArgumentType): string {
  switch (argument.kind) {
    case "tensor":
      return showType(argument.type);
    case "static":
      return argument.shape.length === 0 ? "a number" : "a list of numbers";
    case "list":
      return `a list of ${String(argument.members.length)} ${argument.members.some((m) => m.kind === "tensor") ? "tensors" : "members"}`;
    case "tuple":
      return `a tuple of ${String(argument.members.length)}`;
    case "unknown":
      return "an unknown value";
  }
}
