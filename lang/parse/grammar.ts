// The grammar of PromQL on Chevrotain: reads tokens, builds the tree at once (no CST), one token of lookahead.
//
//   query ─▶ expression ─▶ (sign* suffixed) operator modifiers? (sign* suffixed) …        precedence: chain.ts
//                              suffixed ─▶ primary [range] offset @ anchored …
//
// Errors. Prometheus' grammar (goyacc, generated_parser.y) has error productions: on a token it cannot use it goes
// back to the nearest of them, and that one words the message: `unexpected <token> in <where>, expected <what>`. Here
// the same words sit on the CONSUME or OR that fails (ERR_MSG) or, for a failure anywhere below a rule, in CONTEXTS
// (grammar-duration.ts).
// What it checks while reading throws Fault at the same moment here; the first error is the only one reported.
import type { IOrAlt, IToken, ParserMethod } from 'chevrotain'
import type { Expr, ParserFeatures, VectorMatching, VectorSelector } from './ast.ts'
import {
  type BinaryModifiers, buildAggregate, buildCall, buildNumber, exprBinder, type GroupingClause, groupingLabel, noModifiers,
} from './build.ts'
import {
  type Braces, buildMatcher, buildMatrix, buildSelector, buildSubquery, setAt, setExtended, setOffset,
} from './build-selector.ts'
import { type Binder, Chain } from './chain.ts'
import { NO_FEATURES } from './features.ts'
import { DurationGrammar, STEP_WORDS } from './grammar-duration.ts'
import { unquote } from './literals.ts'
import { Fault } from './parse-error.ts'
import * as t from './tokens.ts'

const IN_LABELS = 'in label matching, expected'
const IN_GROUPING = 'in grouping opts, expected'
const NEEDS_NAME = { ERR_MSG: `${IN_LABELS} identifier or "}"` }
const NEEDS_BRACE = { ERR_MSG: `${IN_LABELS} "," or "}"` }
const NEEDS_MATCH_OPERATOR = { ERR_MSG: `${IN_LABELS} label matching operator` }
const NEEDS_STRING = { ERR_MSG: `${IN_LABELS} string` }
const NEEDS_LIST = { ERR_MSG: `${IN_GROUPING} "("` }
const NEEDS_LABEL = { ERR_MSG: `${IN_GROUPING} label` }
const NEEDS_PAREN = { ERR_MSG: `${IN_GROUPING} "," or ")"` }
const NEEDS_BRACKET = { ERR_MSG: 'in subquery selector, expected "]"' }
const NEEDS_STEP = { ERR_MSG: STEP_WORDS }
const NEEDS_COLON_OR_BRACKET = 'in subquery or range, expected ":" or "]"'

class Grammar extends DurationGrammar {
  features: ParserFeatures = NO_FEATURES
  #primaries: IOrAlt<Expr>[] | undefined
  readonly #binder: Binder<Expr, BinaryModifiers> = {
    sign: (sign, operand) => exprBinder.sign(sign, operand),
    binary: (operator, modifiers, left, right) => {
      const expr = exprBinder.binary(operator, modifiers, left, right)
      const hasFill = modifiers !== undefined && (modifiers.matching.fillLeft !== null || modifiers.matching.fillRight !== null)
      if (!hasFill || this.features.fillModifiers) return expr
      this.needNext()
      throw new Fault(expr.span, 'binop fill modifiers are experimental and not enabled')
    },
  }

  constructor() {
    super()
    this.performSelfAnalysis()
  }

  readonly query: ParserMethod<[], Expr> = this.RULE('query', () => {
    const expr = this.SUBRULE(this.expression)
    this.CONSUME(t.End)
    return expr
  })

  /** A selector alone, for match[]. */
  readonly selectorOnly: ParserMethod<[], VectorSelector> = this.RULE('selectorOnly', () => {
    const selector = this.SUBRULE(this.selector)
    this.CONSUME(t.End)
    return selector
  })

  readonly expression: ParserMethod<[], Expr> = this.RULE('expression', () => {
    this.ACTION(() => this.enter())
    const chain = new Chain(this.#binder)
    this.MANY(() => {
      const sign = this.CONSUME(t.Sign)
      this.ACTION(() => chain.sign(sign))
    })
    chain.operand(this.SUBRULE(this.suffixed))
    this.MANY2(() => {
      const operator = this.CONSUME(t.BinaryOperator)
      const modifiers = this.OPTION(() => this.SUBRULE(this.modifiers))
      this.ACTION(() => chain.operator(operator, modifiers))
      this.MANY3(() => {
        const sign = this.CONSUME2(t.Sign)
        this.ACTION(() => chain.sign(sign))
      })
      chain.operand(this.SUBRULE2(this.suffixed))
    })
    this.depth--
    return this.ACTION(() => chain.finish())
  })

  readonly suffixed: ParserMethod<[], Expr> = this.RULE('suffixed', () => {
    let expr = this.SUBRULE(this.primary)
    this.MANY(() => {
      expr = this.SUBRULE(this.suffix, { ARGS: [expr] })
    })
    return expr
  })

  readonly primary: ParserMethod<[], Expr> = this.RULE('primary', () => this.OR(this.#primaries ??= [
    { ALT: () => this.SUBRULE(this.selector) },
    { ALT: () => this.SUBRULE(this.call) },
    { ALT: () => this.SUBRULE(this.aggregate) },
    {
      ALT: (): Expr => {
        const token = this.CONSUME(t.Numeral)
        return this.ACTION(() => buildNumber(token))
      },
    },
    { ALT: () => this.SUBRULE(this.paren) },
    {
      ALT: (): Expr => {
        const token = this.CONSUME(t.StringText)
        return this.ACTION(() => ({ type: 'string', value: unquote(token.image), span: t.spanOf(token) }))
      },
    },
  ]))

  readonly paren: ParserMethod<[], Expr> = this.RULE('paren', (): Expr => {
    const open = this.CONSUME(t.LeftParen)
    const expr = this.SUBRULE(this.expression)
    const close = this.CONSUME(t.RightParen)
    return { type: 'paren', expr, span: { start: open.startOffset, end: t.endOf(close) } }
  })

  readonly selector: ParserMethod<[], VectorSelector> = this.RULE('selector', () => this.OR([
    {
      ALT: () => {
        const name = this.CONSUME(t.MetricName)
        const braces = this.OPTION(() => this.SUBRULE(this.braces))
        return this.ACTION(() => buildSelector(name, braces))
      },
    },
    {
      ALT: () => {
        const braces = this.SUBRULE2(this.braces)
        return this.ACTION(() => buildSelector(undefined, braces))
      },
    },
  ]))

  readonly braces: ParserMethod<[], Braces> = this.RULE('braces', () => {
    const braces: Braces = { matchers: [], span: { start: 0, end: 0 } }
    const open = this.CONSUME(t.LeftBrace)
    let isOpen = true
    this.MANY({
      GATE: () => isOpen,
      DEF: () => {
        this.SUBRULE(this.matcher, { ARGS: [braces] })
        isOpen = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined
      },
    })
    const close = this.CONSUME(t.RightBrace, isOpen ? NEEDS_NAME : NEEDS_BRACE)
    braces.span = { start: open.startOffset, end: t.endOf(close) }
    return braces
  })

  readonly matcher: ParserMethod<[Braces], void> = this.RULE('matcher', (braces: Braces) => {
    const add = (name: IToken, op: IToken, value: IToken): void => {
      this.ACTION(() => braces.matchers.push(buildMatcher(name, op, value)))
    }
    this.OR([
      {
        ALT: () => {
          const name = this.CONSUME(t.Identifier)
          const op = this.CONSUME(t.MatchOperator, NEEDS_MATCH_OPERATOR)
          add(name, op, this.CONSUME(t.StringText, NEEDS_STRING))
        },
      },
      {
        ALT: () => {
          const name = this.CONSUME2(t.StringText)
          let isMatcher = false
          this.OPTION(() => {
            isMatcher = true
            const op = this.CONSUME2(t.MatchOperator)
            add(name, op, this.CONSUME3(t.StringText, NEEDS_STRING))
          })
          this.ACTION(() => {
            if (!isMatcher) braces.matchers.push({ name: '__name__', op: '=', value: unquote(name.image) })
          })
        },
      },
    ])
  })

  readonly call: ParserMethod<[], Expr> = this.RULE('call', () => {
    const name = this.CONSUME(t.FunctionName)
    const args: Expr[] = []
    const end = this.SUBRULE(this.callArguments, { ARGS: [args] })
    return this.ACTION(() => buildCall(name, args, end, this.features))
  })

  /** Returns the place behind the closing parenthesis. */
  readonly callArguments: ParserMethod<[Expr[]], number> = this.RULE('callArguments', (args: Expr[]) => {
    this.CONSUME(t.LeftParen)
    this.OPTION(() => {
      const first = this.SUBRULE(this.expression)
      this.ACTION(() => args.push(first))
      this.MANY(() => {
        const comma = this.CONSUME(t.Comma)
        const next = this.OPTION2(() => this.SUBRULE2(this.expression))
        this.ACTION(() => {
          if (next === undefined) {
            this.needNext()
            throw new Fault(t.spanOf(comma), 'trailing commas not allowed in function call args')
          }
          args.push(next)
        })
      })
    })
    return t.endOf(this.CONSUME(t.RightParen))
  })

  readonly aggregate: ParserMethod<[], Expr> = this.RULE('aggregate', () => {
    const op = this.CONSUME(t.Aggregator)
    const args: Expr[] = []
    const before = this.OPTION(() => this.SUBRULE(this.grouping))
    const end = this.SUBRULE(this.callArguments, { ARGS: [args] })
    const after = this.OPTION2({ GATE: () => before === undefined, DEF: () => this.SUBRULE2(this.grouping) })
    return this.ACTION(() => {
      if (before === undefined && after === undefined) this.needNext()
      return buildAggregate(op, before ?? after, args, after?.end ?? end, this.features)
    })
  })

  readonly grouping: ParserMethod<[], GroupingClause> = this.RULE('grouping', () => {
    const word = this.CONSUME(t.Grouping)
    const grouping: string[] = []
    const end = this.SUBRULE(this.labels, { ARGS: [grouping] })
    return { isWithout: word.image.toLowerCase() === 'without', grouping, end }
  })

  /** Returns the place behind the closing parenthesis. */
  readonly labels: ParserMethod<[string[]], number> = this.RULE('labels', (labels: string[]) => {
    this.CONSUME(t.LeftParen, NEEDS_LIST)
    let isOpen = true
    this.MANY({
      GATE: () => isOpen,
      DEF: () => {
        const label = this.CONSUME(t.LabelName)
        this.ACTION(() => labels.push(groupingLabel(label)))
        isOpen = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined
      },
    })
    return t.endOf(this.CONSUME(t.RightParen, isOpen ? NEEDS_LABEL : NEEDS_PAREN))
  })

  /** Range, subquery, offset, @, anchored, smoothed: the expression with it. */
  readonly suffix: ParserMethod<[Expr], Expr> = this.RULE('suffix', (expr: Expr) => this.OR([
    { ALT: () => this.SUBRULE(this.bracket, { ARGS: [expr] }) },
    {
      ALT: () => {
        this.CONSUME(t.Offset)
        const offset = this.SUBRULE(this.offsetValue)
        return this.ACTION(() => setOffset(expr, offset, this.#lastEnd()))
      },
    },
    {
      ALT: () => {
        this.CONSUME(t.At)
        const at = this.SUBRULE(this.timestamp, { ARGS: [expr] })
        return this.ACTION(() => setAt(expr, at, this.#lastEnd()))
      },
    },
    {
      ALT: () => {
        const word = this.CONSUME(t.Extended)
        return this.ACTION(() => setExtended(expr, word, this.features.extendedRangeSelectors))
      },
    },
  ]))

  #lastEnd(): number {
    return t.endOf(this.LA(0))
  }

  readonly bracket: ParserMethod<[Expr], Expr> = this.RULE('bracket', (expr: Expr) => {
    const open = this.CONSUME(t.LeftBracket)
    const range = this.SUBRULE(this.rangeDuration)
    return this.OR({
      DEF: [
        {
          ALT: (): Expr => {
            const close = this.CONSUME(t.RightBracket)
            return this.ACTION(() => buildMatrix(expr, range, { start: open.startOffset, end: t.endOf(close) }))
          },
        },
        {
          ALT: (): Expr => {
            this.CONSUME(t.Colon)
            const step = this.OPTION(() => this.SUBRULE(this.stepDuration))
            const close = this.CONSUME2(t.RightBracket, step ? NEEDS_BRACKET : NEEDS_STEP)
            return this.ACTION(() => buildSubquery(expr, range, step ?? null, t.endOf(close)))
          },
        },
      ],
      ERR_MSG: NEEDS_COLON_OR_BRACKET,
    })
  })

  readonly modifiers: ParserMethod<[], BinaryModifiers> = this.RULE('modifiers', () => {
    const modifiers = noModifiers()
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Bool)
          modifiers.returnBool = true
          this.OPTION(() => this.SUBRULE(this.matching, { ARGS: [modifiers.matching] }))
          this.OPTION2(() => this.SUBRULE(this.fills, { ARGS: [modifiers.matching] }))
        },
      },
      {
        ALT: () => {
          this.SUBRULE2(this.matching, { ARGS: [modifiers.matching] })
          this.OPTION3(() => this.SUBRULE2(this.fills, { ARGS: [modifiers.matching] }))
        },
      },
      { ALT: () => this.SUBRULE3(this.fills, { ARGS: [modifiers.matching] }) },
    ])
    return modifiers
  })

  readonly matching: ParserMethod<[VectorMatching], void> = this.RULE('matching', (matching: VectorMatching) => {
    const word = this.CONSUME(t.Matching)
    const labels: string[] = []
    this.SUBRULE(this.labels, { ARGS: [labels] })
    const include: string[] = []
    const group = this.OPTION(() => {
      const token = this.CONSUME(t.Group)
      const hasLabels = this.OPTION2(() => this.SUBRULE2(this.labels, { ARGS: [include] })) !== undefined
      this.ACTION(() => {
        // Without a list the right side, or fill, must follow at once; else Prometheus misses the list first.
        const next = this.LA(1)
        if (hasLabels || next.tokenType === t.Fill || t.startsOperand(next)) return
        this.needNext()
        throw new Fault(t.spanOf(next), `unexpected ${t.describe(next)} ${NEEDS_LIST.ERR_MSG}`)
      })
      return token
    })
    this.ACTION(() => {
      matching.isOn = word.image.toLowerCase() === 'on'
      matching.labels = labels
      matching.include = include
      if (group) matching.card = group.image.toLowerCase() === 'group_left' ? 'many-to-one' : 'one-to-many'
    })
  })

  /** `fill(x)`, or `fill_left(x)` and `fill_right(y)` in either order, each once. */
  readonly fills: ParserMethod<[VectorMatching], void> = this.RULE('fills', (matching: VectorMatching) => {
    const first = this.SUBRULE(this.fill, { ARGS: [matching] })
    this.OPTION({
      GATE: () => first !== 'fill' && this.LA(1).image.toLowerCase() === (first === 'fill_left' ? 'fill_right' : 'fill_left'),
      DEF: () => this.SUBRULE2(this.fill, { ARGS: [matching] }),
    })
  })

  /** Returns the word. */
  readonly fill: ParserMethod<[VectorMatching], string> = this.RULE('fill', (matching: VectorMatching) => {
    const token = this.CONSUME(t.Fill)
    this.CONSUME(t.LeftParen)
    const value = this.SUBRULE(this.signedNumber)
    this.CONSUME(t.RightParen)
    const word = token.image.toLowerCase()
    this.ACTION(() => {
      if (word !== 'fill_right') matching.fillLeft = value
      if (word !== 'fill_left') matching.fillRight = value
    })
    return word
  })
}

let made: Grammar | null = null

/** Made for the first text: looking through its rules takes 30 ms of a start, and the main thread of most has no text. */
function theGrammar(): Grammar {
  return (made ??= new Grammar())
}

/** The tree of a whole expression, not yet checked for types. Throws Fault. Not reentrant, which synchronous code cannot notice. */
export function readExpr(tokens: IToken[], features: ParserFeatures): Expr {
  const grammar = theGrammar()
  grammar.features = features
  return grammar.run(grammar.query, tokens)
}

/** The tree of a selector and nothing else. Throws Fault. */
export function readSelector(tokens: IToken[]): VectorSelector {
  const [first, second] = tokens
  // What would be called is a name here, and it is the parenthesis that is out of place.
  if (first !== undefined && second !== undefined && t.isCalled(first)) throw new Fault(t.spanOf(second), `unexpected ${t.describe(second)}`)
  const grammar = theGrammar()
  return grammar.run(grammar.selectorOnly, tokens)
}
