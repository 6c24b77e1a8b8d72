/**
 * The abstract syntax of `.arch`. Plain immutable data, one type a form, each with the span it was read from.
 * A tree that came out of recovery is still a well-formed tree: what could not be read is left out, or is a `bad`
 * expression. Nothing here knows names, types or meaning.
 */
import type { SourceFile, Span } from "../source/source.ts";

interface Located {
  readonly span: Span;
}

/** A name as written, with its place. The text is empty where the name is missing, which was reported. */
export interface Name extends Located {
  readonly text: string;
}

export interface Comment extends Located {
  /** The comment with its slashes. */
  readonly text: string;
  readonly doc: boolean;
}

export interface FileNode extends Located {
  readonly file: SourceFile;
  readonly declarations: readonly Declaration[];
  /** Every comment of the file in order, doc comments too. */
  readonly comments: readonly Comment[];
}

// --- top level ------------------------------------------------------------------------------------------------------

export interface Annotation extends Located {
  readonly name: Name;
  readonly args: readonly Argument[] | undefined;
}

interface Annotated extends Located {
  readonly annotations: readonly Annotation[];
  /** The text of the `///` lines right before, without the slashes; undefined where there are none. */
  readonly doc: string | undefined;
}

export type Declaration = ImportDecl | ConstDecl | FnDecl | PrimDecl | BlockDecl | ModelDecl | VariantDecl;

export interface ImportName extends Located {
  readonly name: Name;
  readonly as: Name | undefined;
}
export interface ImportDecl extends Annotated {
  readonly kind: "import";
  readonly names: readonly ImportName[];
  /** The text between the quotes: `std:nn` or a relative path. */
  readonly from: Name;
}
export interface ConstDecl extends Annotated {
  readonly kind: "const";
  readonly name: Name;
  readonly type: TypeNode | undefined;
  readonly value: Expr;
}
export interface FnDecl extends Annotated {
  readonly kind: "fn";
  readonly name: Name;
  readonly params: readonly Param[];
  readonly result: TypeNode;
  readonly where: readonly Expr[];
  readonly body: Body;
}
export interface PrimDecl extends Annotated {
  readonly kind: "prim";
  readonly name: Name;
  readonly lists: readonly (readonly Param[])[];
  readonly result: TypeNode | undefined;
  readonly where: readonly Expr[];
}
export interface BlockDecl extends Annotated {
  readonly kind: "block";
  readonly name: Name;
  /** One or two parameter lists as written. Which one is static is decided by the types of its parameters (3.1). */
  readonly lists: readonly (readonly Param[])[];
  readonly result: TypeNode | undefined;
  readonly where: readonly Expr[];
  readonly body: Body;
}
export interface Param extends Located {
  readonly name: Name;
  readonly type: TypeNode | undefined;
  readonly default: Expr | undefined;
}
export interface ModelDecl extends Annotated {
  readonly kind: "model";
  readonly name: Name;
  readonly params: readonly Param[];
  readonly items: readonly Item[];
}
export interface VariantDecl extends Annotated {
  readonly kind: "variant";
  readonly name: Name;
  readonly of: Name;
  readonly edits: readonly Edit[];
}

// --- bodies and lines -----------------------------------------------------------------------------------------------

export interface Body extends Located {
  readonly lines: readonly Line[];
  /** `bad` where the body's `=> …` is missing or could not be read. */
  readonly result: Expr;
  readonly braces: boolean;
}

export type Line = LetLine | SharedLine | ParamLine | StateLine | UpdateLine | AssertLine;

export interface LetLine extends Annotated {
  readonly kind: "let";
  readonly target: Target;
  readonly type: TypeNode | undefined;
  readonly value: Expr;
}
export interface SharedLine extends Annotated {
  readonly kind: "shared";
  readonly name: Name;
  readonly value: Expr;
}
export interface ParamLine extends Annotated {
  readonly kind: "param";
  readonly name: Name;
  readonly type: TypeNode;
  readonly value: Expr;
}
export interface StateLine extends Annotated {
  readonly kind: "state";
  readonly name: Name;
  readonly type: TypeNode;
  readonly value: Expr;
}
export interface UpdateLine extends Annotated {
  readonly kind: "update";
  readonly name: Name;
  readonly value: Expr;
}
export interface AssertLine extends Annotated {
  readonly kind: "assert";
  readonly condition: Expr;
  readonly message: string | undefined;
}

export type Target = NameTarget | TupleTarget;
export interface NameTarget extends Located {
  readonly kind: "name";
  /** `_` for the wildcard. */
  readonly text: string;
}
export interface TupleTarget extends Located {
  readonly kind: "tuple";
  readonly members: readonly Target[];
}

// --- model items ----------------------------------------------------------------------------------------------------

export type Item =
  Line | DimItem | PortItem | RegionsItem | BranchItem | HeadItem | OutputItem | TrainItem | DataItem | PretrainedItem;

export interface DimItem extends Annotated {
  readonly kind: "dim";
  readonly name: Name;
  readonly range: Expr;
}
export interface PortItem extends Annotated {
  readonly kind: "input" | "target";
  readonly name: Name;
  readonly type: TypeNode;
}
export interface FieldNode extends Annotated {
  readonly kind: "field";
  readonly name: Name;
  readonly value: Expr;
}
export interface RegionsItem extends Annotated {
  readonly kind: "regions";
  readonly name: Name;
  readonly of: Expr;
  readonly type: TypeNode;
  readonly fields: readonly FieldNode[];
}
export interface ForClause extends Located {
  readonly key: Name | undefined;
  readonly target: Target;
  readonly in: Expr;
  readonly if: Expr | undefined;
}
export interface BranchItem extends Annotated {
  readonly kind: "branch";
  readonly name: Name;
  readonly for: ForClause;
  readonly body: Body;
  readonly fuse: Expr | undefined;
}
export interface HeadItem extends Annotated {
  readonly kind: "head";
  readonly name: Name;
  readonly for: ForClause | undefined;
  readonly lines: readonly (Line | OutputItem)[];
}
export interface OutputItem extends Annotated {
  readonly kind: "loss" | "predict" | "metric";
  /** A loss may be unnamed; it is then called `loss`. */
  readonly name: Name | undefined;
  readonly value: Expr;
}
export interface TrainItem extends Annotated {
  readonly kind: "train";
  readonly lines: readonly (FieldNode | OptimizeLine | FreezeLine | StepNode)[];
}
export interface OptimizeLine extends Annotated {
  readonly kind: "optimize";
  readonly patterns: readonly StringNode[];
  readonly for: readonly PathNode[];
  readonly by: Expr;
  readonly at: Expr;
}
export interface FreezeLine extends Annotated {
  readonly kind: "freeze";
  readonly patterns: readonly StringNode[];
}
export interface StepNode extends Annotated {
  readonly kind: "step";
  readonly name: Name;
  readonly lines: readonly OptimizeLine[];
}
export interface DataItem extends Annotated {
  readonly kind: "data";
  readonly fields: readonly FieldNode[];
}
export interface PretrainedItem extends Annotated {
  readonly kind: "pretrained";
  readonly name: Name;
  readonly from: StringNode;
  readonly rules: readonly RuleLine[];
}
export type RuleLine = MapRule | FreshRule;
export interface MapRule extends Annotated {
  readonly kind: "map";
  readonly pattern: StringNode;
  readonly value: Expr;
}
export interface FreshRule extends Annotated {
  readonly kind: "fresh" | "unused";
  readonly patterns: readonly StringNode[];
}

// --- variants -------------------------------------------------------------------------------------------------------

export type Edit = SetEdit | KeepEdit | RemoveEdit | AddEdit;
export interface PathNode extends Located {
  /** Words and `*`. */
  readonly parts: readonly Name[];
}
export interface SetEdit extends Annotated {
  readonly kind: "set";
  readonly path: PathNode;
  readonly value: Expr;
}
export interface KeepEdit extends Annotated {
  readonly kind: "keep";
  readonly paths: readonly PathNode[];
}
export interface RemoveEdit extends Annotated {
  readonly kind: "remove";
  readonly paths: readonly PathNode[];
}
export interface AddEdit extends Annotated {
  readonly kind: "add";
  readonly in: PathNode | undefined;
  readonly item: Item | FieldNode | OptimizeLine | FreezeLine | RuleLine;
}

// --- types ----------------------------------------------------------------------------------------------------------

export type TypeNode = TensorTypeNode | ListTypeNode | TupleTypeNode | ChoiceTypeNode | BlockTypeNode | BadTypeNode;

/** `float`, `f32[B, 3]`, `loader`. `dims` is undefined without brackets, empty for `float[]`. */
export interface TensorTypeNode extends Located {
  readonly kind: "tensor";
  readonly name: Name;
  readonly dims: readonly DimNode[] | undefined;
  /** `in 0 ..< K` */
  readonly range: Expr | undefined;
}
export interface ListTypeNode extends Located {
  readonly kind: "list";
  readonly member: TypeNode;
  readonly range: Expr | undefined;
}
export interface TupleTypeNode extends Located {
  readonly kind: "tuple";
  readonly members: readonly TypeNode[];
  readonly range: Expr | undefined;
}
/** `"in" | "out"` */
export interface ChoiceTypeNode extends Located {
  readonly kind: "choice";
  readonly values: readonly StringNode[];
  readonly range: Expr | undefined;
}
export interface BlockTypeNode extends Located {
  readonly kind: "block";
  readonly lists: readonly (readonly Param[])[];
  readonly result: TypeNode;
  readonly range: Expr | undefined;
}
export interface BadTypeNode extends Located {
  readonly kind: "bad";
}

export type DimNode =
  | ({ readonly kind: "any" } & Located) // `_`
  | ({ readonly kind: "run"; readonly of: Expr | undefined } & Located) // `...S`, `...`, `...broadcast(S, R)`
  | ({ readonly kind: "expr"; readonly value: Expr } & Located);

// --- expressions ----------------------------------------------------------------------------------------------------

export type Expr =
  | NumberNode
  | StringNode
  | BoolNode
  | TrainingNode
  | NameExpr
  | BranchExpr
  | TupleExpr
  | ListExpr
  | ComprehensionExpr
  | MapExpr
  | CallExpr
  | IndexExpr
  | MemberExpr
  | StarExpr
  | PickExpr
  | WithExpr
  | PipeExpr
  | LabelExpr
  | UnaryExpr
  | BinaryExpr
  | IfExpr
  | FoldExpr
  | BlockExpr
  | BadExpr;

export interface NumberNode extends Located {
  readonly kind: "number";
  readonly text: string;
  readonly value: number;
  /** Written without point and exponent. */
  readonly int: boolean;
}
export interface StringNode extends Located {
  readonly kind: "string";
  /** Escapes resolved. */
  readonly value: string;
}
export interface BoolNode extends Located {
  readonly kind: "bool";
  readonly value: boolean;
}
export interface TrainingNode extends Located {
  readonly kind: "training";
}
export interface NameExpr extends Located {
  readonly kind: "name";
  readonly text: string;
}
/** The keyword `branch` as the namespace of all branches. */
export interface BranchExpr extends Located {
  readonly kind: "branch";
}
/** `(a, b)`, also `()`; a parenthesised single expression is that expression itself, not a tuple. */
export interface TupleExpr extends Located {
  readonly kind: "tuple";
  readonly members: readonly Expr[];
}
export interface ListMember {
  readonly spread: boolean;
  readonly value: Expr;
}
export interface ListExpr extends Located {
  readonly kind: "list";
  readonly members: readonly ListMember[];
}
/** `[e for x in xs if c]` */
export interface ComprehensionExpr extends Located {
  readonly kind: "comprehension";
  readonly member: Expr;
  readonly for: ForClause;
}
export interface MapEntry extends Located {
  readonly key: Name;
  readonly value: Expr;
}
export interface MapExpr extends Located {
  readonly kind: "map";
  readonly entries: readonly MapEntry[];
}
export interface Argument extends Located {
  readonly name: Name | undefined;
  readonly value: Expr;
}
export interface CallExpr extends Located {
  readonly kind: "call";
  readonly callee: Expr;
  readonly args: readonly Argument[];
  /** From `(` to `)`. */
  readonly argsSpan: Span;
}
export type IndexItem =
  | ({ readonly kind: "all" } & Located) // `:`
  | ({ readonly kind: "rest" } & Located) // `...`
  | ({ readonly kind: "new" } & Located) // `new`
  | ({ readonly kind: "at"; readonly value: Expr } & Located); // an int or a range
export interface IndexExpr extends Located {
  readonly kind: "index";
  readonly of: Expr;
  readonly items: readonly IndexItem[];
}
export interface MemberExpr extends Located {
  readonly kind: "member";
  readonly of: Expr;
  readonly name: Name;
}
/** `x.*` */
export interface StarExpr extends Located {
  readonly kind: "star";
  readonly of: Expr;
}
/** `x.{a, b}` */
export interface PickExpr extends Located {
  readonly kind: "pick";
  readonly of: Expr;
  readonly names: readonly Name[];
}
export interface WithExpr extends Located {
  readonly kind: "with";
  readonly of: Expr;
  readonly map: Expr;
}
/** `input |> target`; a label stands around it: `LabelExpr(PipeExpr)`. */
export interface PipeExpr extends Located {
  readonly kind: "pipe";
  readonly input: Expr;
  readonly target: Expr;
}
/** `e as name` */
export interface LabelExpr extends Located {
  readonly kind: "label";
  readonly of: Expr;
  readonly name: Name;
}
export interface UnaryExpr extends Located {
  readonly kind: "unary";
  readonly op: "-" | "not";
  readonly of: Expr;
}
export type BinaryOp =
  "+" | "-" | "*" | "/" | "%" | "^" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or" | "..<" | "..=";
export interface BinaryExpr extends Located {
  readonly kind: "binary";
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  readonly opSpan: Span;
}
export interface IfExpr extends Located {
  readonly kind: "if";
  readonly condition: Expr;
  readonly then: Expr;
  readonly else: Expr;
}
export interface FoldExpr extends Located {
  readonly kind: "fold";
  readonly target: Target;
  readonly type: TypeNode | undefined;
  readonly start: Expr;
  readonly for: ForClause;
  readonly body: Body;
}
export interface BlockExpr extends Located {
  readonly kind: "block";
  readonly params: readonly Param[];
  readonly body: Body;
}
/** Stands where an expression was expected and could not be read; it was reported, so later phases stay silent. */
export interface BadExpr extends Located {
  readonly kind: "bad";
}
