/**
 * Lookahead that is computed when a rule first needs it: most programs use half of the grammar, and computing all of it
 * takes longer than reading one. What it decides is Chevrotain's own.
 */
import { type BaseParser, type IOrAlt, LLkLookaheadStrategy } from "chevrotain";

type Strategy = InstanceType<typeof LLkLookaheadStrategy>;
type Alternation = ReturnType<Strategy["buildLookaheadForAlternation"]>;
type Optional = ReturnType<Strategy["buildLookaheadForOptional"]>;

export class LazyLookahead extends LLkLookaheadStrategy {
  override buildLookaheadForAlternation(options: Parameters<Strategy["buildLookaheadForAlternation"]>[0]): Alternation {
    let decide: Alternation | undefined;
    const build = (): Alternation => super.buildLookaheadForAlternation(options);
    return function (this: BaseParser, alternatives?: IOrAlt<unknown>[]) {
      decide ??= build();
      return decide.call(this, alternatives as never);
    };
  }
  override buildLookaheadForOptional(options: Parameters<Strategy["buildLookaheadForOptional"]>[0]): Optional {
    let decide: Optional | undefined;
    const build = (): Optional => super.buildLookaheadForOptional(options);
    return function (this: BaseParser) {
      decide ??= build();
      return decide.call(this);
    };
  }
}
