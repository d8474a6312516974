// The lower half of the grammar: durations, times, numbers; and the running of a rule, with the making of errors
// (grammar.ts explains them). A class of its own only because files have a size.
import { EmbeddedActionsParser, type IOrAlt, type IToken, type ParserMethod } from 'chevrotain'
import type { AtModifier, Duration, DurationExpr, Expr } from './ast.ts'
import { durationBinder, durationNumber, literalValue, offsetBinder, positiveDuration, toDuration, wrapDuration } from './build-duration.ts'
import { atTime } from './build-selector.ts'
import { Chain } from './chain.ts'
import { NESTING_MAX } from './limits.ts'
import { Fault } from './parse-error.ts'
import * as t from './tokens.ts'

export const STEP_WORDS = 'in subquery selector, expected number, duration, step(), range(), or "]"'

/** Words for a failure somewhere below a rule. */
const CONTEXTS: ReadonlyMap<string, string> = new Map([
  ['rangeDuration', 'in subquery or range selector, expected number, duration, step(), or range()'],
  ['stepDuration', STEP_WORDS],
  ['offsetValue', 'in offset, expected number, duration, step(), or range()'],
  ['timestamp', 'in @, expected timestamp'],
  ['aggregate', 'in aggregation'],
])

/** Chevrotain's own words are not used: '' stands for "no ERR_MSG here". */
const messages = {
  buildMismatchTokenMessage: () => '',
  buildNotAllInputParsedMessage: () => '',
  buildNoViableAltMessage: (options: { customUserDescription?: string }) => options.customUserDescription ?? '',
  buildEarlyExitMessage: () => '',
}

function failIfWrong(token: IToken): void {
  if (token.tokenType === t.Wrong) throw new Fault(t.spanOf(token), String(token.payload))
}

/** Rules for durations. The grammar on top of it calls performSelfAnalysis. */
export class DurationGrammar extends EmbeddedActionsParser {
  protected depth = 0
  #durations: IOrAlt<DurationExpr>[] | undefined

  constructor() {
    super(t.VOCABULARY, { maxLookahead: 1, errorMessageProvider: messages })
  }

  /** Throws Fault. */
  run<T>(rule: ParserMethod<[], T>, tokens: IToken[]): T {
    this.input = tokens
    this.depth = 0
    const result = rule.call(this)
    const error = this.errors[0]
    if (error === undefined) return result
    const { token } = error
    failIfWrong(token)
    const where = error.message || error.context.ruleStack.toReversed().map((name) => CONTEXTS.get(name)).find((words) => words !== undefined)
    throw new Fault(t.spanOf(token), `unexpected ${t.describe(token)}${where ? ` ${where}` : ''}`)
  }

  /** Prometheus' parser reads one token ahead before the check that follows: what the lexer has against it goes first. */
  protected needNext(): void {
    failIfWrong(this.LA(1))
  }

  /** Opens a level of nesting; whoever opens it takes it off `depth` again. */
  protected enter(): void {
    if (++this.depth > NESTING_MAX) throw new Fault(t.spanOf(this.LA(1)), `expression nests deeper than ${NESTING_MAX}`)
  }

  readonly rangeDuration: ParserMethod<[], Duration> = this.RULE('rangeDuration', () => {
    const expr = this.SUBRULE(this.duration)
    return this.ACTION(() => positiveDuration(expr))
  })

  readonly stepDuration: ParserMethod<[], Duration> = this.RULE('stepDuration', () => {
    const expr = this.SUBRULE(this.duration)
    return this.ACTION(() => positiveDuration(expr))
  })

  /**
   * What follows `offset`. Operators behind it belong to the expression (`foo offset 5m - 8` subtracts from foo),
   * but behind a parenthesis without sign, or after two signs, to the duration: `foo offset (5m) - 8` is an offset of
   * 292 s. So Prometheus reads it.
   */
  readonly offsetValue: ParserMethod<[], Duration> = this.RULE('offsetValue', () => {
    const first = this.LA(1).tokenType
    const hasSigns = first === t.PlusMinus && this.LA(2).tokenType === t.PlusMinus
    const isWhole = hasSigns || first === t.LeftParen
    const chain = new Chain(hasSigns ? durationBinder : offsetBinder)
    this.MANY(() => {
      const sign = this.CONSUME(t.Sign)
      this.ACTION(() => chain.sign(sign))
    })
    chain.operand(this.SUBRULE(this.durationPrimary))
    this.MANY2({
      GATE: () => isWhole,
      DEF: () => this.SUBRULE(this.durationTail, { ARGS: [chain] }),
    })
    return this.ACTION(() => {
      if (isWhole) this.needNext()
      return toDuration(chain.finish())
    })
  })

  readonly durationTail: ParserMethod<[Chain<DurationExpr, never>], void> = this.RULE('durationTail', (chain: Chain<DurationExpr, never>) => {
    const operator = this.CONSUME(t.DurationOperator)
    this.ACTION(() => chain.operator(operator, undefined))
    this.MANY(() => {
      const sign = this.CONSUME(t.Sign)
      this.ACTION(() => chain.sign(sign))
    })
    const operand = this.SUBRULE(this.durationPrimary)
    this.ACTION(() => chain.operand(operand))
  })

  readonly duration: ParserMethod<[], DurationExpr> = this.RULE('duration', () => {
    this.ACTION(() => this.enter())
    const chain = new Chain(durationBinder)
    this.MANY(() => {
      const sign = this.CONSUME(t.Sign)
      this.ACTION(() => chain.sign(sign))
    })
    chain.operand(this.SUBRULE(this.durationPrimary))
    this.MANY2(() => this.SUBRULE(this.durationTail, { ARGS: [chain] }))
    this.depth--
    return this.ACTION(() => {
      this.needNext()
      return chain.finish()
    })
  })

  readonly durationPrimary: ParserMethod<[], DurationExpr> = this.RULE('durationPrimary', () => this.OR(this.#durations ??= [
    {
      ALT: (): DurationExpr => {
        const sign = this.LA(-1).tokenType === t.Offset ? this.LA(0) : null
        const token = this.CONSUME(t.Numeral)
        return this.ACTION(() => durationNumber(token, sign))
      },
    },
    {
      ALT: (): DurationExpr => {
        const word = this.CONSUME(t.StepWord)
        this.CONSUME(t.LeftParen)
        const close = this.CONSUME(t.RightParen)
        const kind = word.image.toLowerCase() === 'step' ? 'step' : 'range'
        return { kind, span: { start: word.startOffset, end: t.endOf(close) } }
      },
    },
    {
      ALT: (): DurationExpr => {
        const word = this.CONSUME(t.PickWord)
        this.CONSUME2(t.LeftParen)
        const left = this.SUBRULE(this.duration)
        this.CONSUME(t.Comma)
        const right = this.SUBRULE2(this.duration)
        this.CONSUME2(t.RightParen)
        const kind = word.image.toLowerCase() === 'min_of' ? 'min_of' : 'max_of'
        // Errors name the place of the arguments, as Prometheus' do.
        return this.ACTION(() => ({ kind, left, right, span: { start: left.span.start, end: right.span.end } }))
      },
    },
    {
      ALT: (): DurationExpr => {
        this.CONSUME3(t.LeftParen)
        const inner = this.SUBRULE3(this.duration)
        this.CONSUME3(t.RightParen)
        return this.ACTION(() => wrapDuration(inner))
      },
    },
  ]))

  readonly timestamp: ParserMethod<[Expr], AtModifier> = this.RULE('timestamp', (expr: Expr) => this.OR([
    {
      ALT: (): AtModifier => {
        const word = this.CONSUME(t.TimeWord)
        this.CONSUME(t.LeftParen)
        this.CONSUME(t.RightParen)
        return { kind: word.image.toLowerCase() === 'start' ? 'start' : 'end' }
      },
    },
    {
      ALT: (): AtModifier => {
        const seconds = this.SUBRULE(this.signedNumber)
        return this.ACTION(() => atTime(expr, seconds))
      },
    },
  ]))

  readonly signedNumber: ParserMethod<[], number> = this.RULE('signedNumber', () => {
    const sign = this.OPTION(() => this.CONSUME(t.Sign))
    const token = this.CONSUME(t.Numeral)
    return this.ACTION(() => (sign?.image === '-' ? -literalValue(token) : literalValue(token)))
  })
}
