/** Calls of `fn` declarations: static in, static out. */
import type { Argument, CallExpr, Param, TypeNode } from "../syntax/ast.ts";
import { reportUnknownSetting, reportWrongSetting } from "./mistakes.ts";
import { spanText } from "../source/source.ts";
import { floatValue, toNumber } from "../types/static.ts";
import { evaluateBody } from "./bodies.ts";
import { type Environment, extend } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { fileEnvironment } from "./files.ts";
import { checkSlot } from "./slots.ts";
import { type FnVal, hasUnknown, unknown, type Val } from "./values.ts";

export function callFunction(evaluator: Evaluator, fn: FnVal, call: CallExpr, env: Environment): Val {
  const { context } = evaluator;
  const { declaration, scope } = fn;
  const given = new Map<Param, { readonly value: Val; readonly arg: Argument }>();
  let position = 0;
  let failed = false;
  for (const arg of call.args) {
    const param = arg.name
      ? declaration.params.find((p) => p.name.text === arg.name?.text)
      : declaration.params[position++];
    const value = evaluator.argument(arg.value, env, param?.type?.kind === "block");
    if (param === undefined) {
      failed = true;
      reportUnknownSetting(context, declaration.name.text, arg, declaration.params);
    } else if (given.has(param))
      context.report("E0217", { callee: declaration.name.text, name: param.name.text }, arg.span);
    else given.set(param, { value, arg });
  }
  // what is missing may be what has no place
  if (failed) return unknown;
  const locals = new Map<string, Val>();
  const inner = extend(fileEnvironment(evaluator, scope), locals);
  for (const param of declaration.params) {
    const { value = param.default && evaluator.plain(param.default, inner), arg } = given.get(param) ?? {};
    if (value === undefined) {
      context.report("E0218", { callee: declaration.name.text, missing: [param.name.text] }, call.span);
      return unknown;
    }
    if (hasUnknown(value)) return unknown;
    const fitted = fitStatic(value, param.type);
    if (fitted === undefined) {
      const { name } = declaration;
      if (arg) reportWrongSetting(context, name.text, param, arg, value, declaration.params);
      return unknown;
    }
    if (arg && !checkSlot(context, declaration.name.text, param, fitted, arg.value.span)) return unknown;
    locals.set(param.name.text, fitted);
  }
  return context.within({ span: call.callee.span, name: declaration.name.text }, () => {
    const result = evaluateBody(evaluator, declaration.body, inner, {});
    return hasUnknown(result) ? unknown : (fitStatic(result, declaration.result) ?? result);
  });
}

/** A static value as the type wants it (ints become floats); undefined where it does not fit. */
export function fitStatic(value: Val, type: TypeNode | undefined): Val | undefined {
  if (type === undefined) return value;
  switch (type.kind) {
    case "tensor": {
      if (type.dims !== undefined) return value.kind === "tensor" ? value : undefined;
      switch (type.name.text) {
        case "int":
          return value.kind === "int" ? value : undefined;
        case "float":
          return value.kind === "int" ? floatValue(toNumber(value)) : value.kind === "float" ? value : undefined;
        case "bool":
          return value.kind === "bool" ? value : undefined;
        case "string":
          return value.kind === "string" ? value : undefined;
        case "dtype":
          return value.kind === "dtype" ? value : undefined;
        default:
          return value; // `any`, `loader`, `augmentation`: records of the library
      }
    }
    case "list": {
      if (value.kind !== "collection" && value.kind !== "tuple") return undefined;
      const members = value.members.map((m) => fitStatic(m, type.member));
      if (!members.every((m) => m !== undefined)) return undefined;
      return { ...value, members };
    }
    case "tuple": {
      // one number where a tuple of numbers is asked stands for each: `kernel: 3` is `kernel: (3, 3)`
      if (value.kind === "int" || value.kind === "float") return fitEach(value, type);
      if ((value.kind !== "tuple" && value.kind !== "collection") || value.members.length !== type.members.length)
        return undefined;
      const members = value.members.map((m, i) => fitStatic(m, type.members[i]));
      return members.every((m) => m !== undefined) ? { kind: "tuple", members } : undefined;
    }
    case "choice":
      return value.kind === "string" && type.values.some((v) => v.value === value.value) ? value : undefined;
    case "block":
      return value.kind === "block" ? value : undefined;
    case "bad":
      return value;
  }
}

function fitEach(value: Val, type: TypeNode & { readonly kind: "tuple" }): Val | undefined {
  const members = type.members.map((member) => (member.kind === "tensor" ? fitStatic(value, member) : undefined));
  return members.every((m) => m !== undefined) ? { kind: "tuple", members } : undefined;
}

export function showTypeNode(type: TypeNode | undefined): string {
  if (type === undefined) return "a tensor";
  const words: Record<string, string> = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    string: "a string",
    dtype: "an element type",
  };
  if (type.kind === "tensor" && type.dims === undefined) return words[type.name.text] ?? `a ${type.name.text}`;
  if (type.kind === "choice") return type.values.map((v) => JSON.stringify(v.value)).join(" or ");
  if (type.kind === "block") return "a block";
  if (type.kind === "list") {
    const member = showTypeNode(type.member);
    const many: Record<string, string> = {
      "a whole number": "whole numbers",
      "a number": "numbers",
      "a string": "strings",
      "true or false": "true and false",
    };
    return type.member.kind === "tensor" && type.member.dims !== undefined
      ? `a list of tensors ${spanText(type.member.span)}`
      : `a list of ${many[member] ?? member}`;
  }
  if (type.kind === "tuple" && isPair(type)) return "a whole number or a pair of them";
  return spanText(type.span);
}
function isPair(type: TypeNode & { readonly kind: "tuple" }): boolean {
  const whole = (m: TypeNode): boolean => m.kind === "tensor" && m.dims === undefined && m.name.text === "int";
  return type.members.length === 2 && type.members.every(whole);
}
