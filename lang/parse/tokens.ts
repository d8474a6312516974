// The words of PromQL as Chevrotain token types, and how Prometheus names each in an error
// (promql/parser/lex.go: ItemType, key, Item.desc).
//
//   text ─▶ lexer ─▶ Token[] ─▶ grammar ─▶ Expr
//
// Most keywords are also names. A token therefore has one type and several categories: what it may stand for. The lexer settles by the next token whether
// `sum` is an aggregation and `rate` a function, which leaves the grammar with one token of lookahead.
import { createToken, type IToken, type TokenType } from 'chevrotain'
import { quote } from '../../lib/std/go-format.ts'
import type { Span } from './ast.ts'

const category = (name: string): TokenType => createToken({ name })

/** May stand where a metric name may. */
export const MetricName: TokenType = category('MetricName')
/** May stand in a list of labels: on (…), by (…). */
export const LabelName: TokenType = category('LabelName')
export const BinaryOperator: TokenType = category('BinaryOperator')
/** May stand between two durations. */
export const DurationOperator: TokenType = category('DurationOperator')
export const Sign: TokenType = category('Sign')
export const MatchOperator: TokenType = category('MatchOperator')
/** A number or duration. */
export const Numeral: TokenType = category('Numeral')
/** A name before `(`. */
export const FunctionName: TokenType = category('FunctionName')
/** `start`, `end`, as a time after `@`. */
export const TimeWord: TokenType = category('TimeWord')
/** `step`, `range`, in a duration. */
export const StepWord: TokenType = category('StepWord')
/** `min_of`, `max_of`, in a duration. */
export const PickWord: TokenType = category('PickWord')

/** How an error shows a token: `<bool>`, `<op:+>`, `<aggr:sum>`, `"("`, `identifier "x"`. */
type Look = 'keyword' | 'operator' | 'aggregator' | 'symbol' | 'identifier' | 'metric identifier' | 'number' | 'duration' | 'string'

const looks = new Map<TokenType, Look>()

function token(name: string, look: Look, ...categories: TokenType[]): TokenType {
  const type = createToken({ name, categories })
  looks.set(type, look)
  return type
}

export const End: TokenType = token('End', 'symbol')
/** Where the lexer gave up; always the last token. `payload` is the error's text. */
export const Wrong: TokenType = token('Wrong', 'symbol')

export const Identifier: TokenType = token('Identifier', 'identifier', MetricName, LabelName)
export const MetricIdentifier: TokenType = token('MetricIdentifier', 'metric identifier', MetricName, LabelName)
export const NumberText: TokenType = token('NumberText', 'number', Numeral)
export const DurationText: TokenType = token('DurationText', 'duration', Numeral)
export const StringText: TokenType = token('StringText', 'string', LabelName)

export const LeftParen: TokenType = token('LeftParen', 'symbol')
export const RightParen: TokenType = token('RightParen', 'symbol')
export const LeftBrace: TokenType = token('LeftBrace', 'symbol')
export const RightBrace: TokenType = token('RightBrace', 'symbol')
export const LeftBracket: TokenType = token('LeftBracket', 'symbol')
export const RightBracket: TokenType = token('RightBracket', 'symbol')
export const Comma: TokenType = token('Comma', 'symbol')
export const Colon: TokenType = token('Colon', 'symbol')
export const At: TokenType = token('At', 'operator')

export const Equal: TokenType = token('Equal', 'symbol', MatchOperator)
/** `!=`: compares outside braces, matches inside. */
export const NotEqual: TokenType = token('NotEqual', 'operator', MatchOperator, BinaryOperator)
/** `=~`, `!~`. */
export const RegexOperator: TokenType = token('RegexOperator', 'operator', MatchOperator)
/** `+`, `-`. */
export const PlusMinus: TokenType = token('PlusMinus', 'operator', BinaryOperator, DurationOperator, Sign)
/** `*` `/` `%` `^`. */
export const Arithmetic: TokenType = token('Arithmetic', 'operator', BinaryOperator, DurationOperator)
/** `==` `<` `<=` `>` `>=` `</` `>/`. */
export const Comparison: TokenType = token('Comparison', 'operator', BinaryOperator)
/** `and`, `or`, `unless`. */
const SetOperator: TokenType = token('SetOperator', 'operator', BinaryOperator, MetricName, LabelName)
const Atan2: TokenType = token('Atan2', 'operator', BinaryOperator, LabelName)

/** `sum` where it is a name. */
export const AggregatorName: TokenType = token('AggregatorName', 'aggregator', MetricName, LabelName)
/** `sum` before `(`, `by` or `without`, where it begins an aggregation. */
export const Aggregator: TokenType = token('Aggregator', 'aggregator', LabelName)

/** `by`, `without`. */
export const Grouping: TokenType = category('Grouping')
const By: TokenType = token('By', 'keyword', Grouping, MetricName, LabelName)
/** The one keyword that is a metric's name and yet no label's in a list. */
const Without: TokenType = token('Without', 'keyword', Grouping, MetricName)
export const Offset: TokenType = token('Offset', 'keyword', MetricName, LabelName)
/** `anchored`, `smoothed`. */
export const Extended: TokenType = token('Extended', 'keyword', MetricName, LabelName)
export const Bool: TokenType = token('Bool', 'keyword', LabelName)
/** `on`, `ignoring`. */
export const Matching: TokenType = token('Matching', 'keyword', LabelName)
/** `group_left`, `group_right`. */
export const Group: TokenType = token('Group', 'keyword', LabelName)
/** `fill`, `fill_left`, `fill_right`; keywords only before `(`, and names also there where no operator is before them. */
export const Fill: TokenType = token('Fill', 'keyword', MetricName, LabelName)

const StartOrEnd: TokenType = token('StartOrEnd', 'symbol', TimeWord, MetricName, LabelName)
const StepOrRange: TokenType = token('StepOrRange', 'symbol', StepWord, MetricName, LabelName)
const MinOrMaxOf: TokenType = token('MinOrMaxOf', 'symbol', PickWord, MetricName, LabelName)

/** What a word becomes before `(`. */
export const BEFORE_PAREN: ReadonlyMap<TokenType, TokenType> = new Map([
  [Identifier, token('IdentifierCall', 'identifier', FunctionName, LabelName)],
  [StartOrEnd, token('StartOrEndCall', 'symbol', FunctionName, TimeWord, LabelName)],
  [StepOrRange, token('StepOrRangeCall', 'symbol', FunctionName, StepWord, LabelName)],
  [MinOrMaxOf, token('MinOrMaxOfCall', 'symbol', FunctionName, PickWord, LabelName)],
  [AggregatorName, Aggregator],
])

/** Whether the token is a word that the parenthesis behind it made a call. */
export function isCalled({ tokenType }: IToken): boolean {
  return [...BEFORE_PAREN.values()].includes(tokenType)
}

const AGGREGATORS = [
  'sum', 'avg', 'count', 'min', 'max', 'group', 'stddev', 'stdvar', 'topk', 'bottomk', 'count_values', 'quantile', 'limitk', 'limit_ratio',
]

/** By the word in lower case. `fill…` only before `(`. */
export const KEYWORDS: ReadonlyMap<string, TokenType> = new Map([
  ...AGGREGATORS.map((word): [string, TokenType] => [word, AggregatorName]),
  ['and', SetOperator], ['or', SetOperator], ['unless', SetOperator], ['atan2', Atan2],
  ['by', By], ['without', Without], ['on', Matching], ['ignoring', Matching], ['bool', Bool],
  ['group_left', Group], ['group_right', Group], ['offset', Offset], ['anchored', Extended], ['smoothed', Extended],
  ['fill', Fill], ['fill_left', Fill], ['fill_right', Fill],
  ['start', StartOrEnd], ['end', StartOrEnd], ['step', StepOrRange], ['range', StepOrRange], ['min_of', MinOrMaxOf], ['max_of', MinOrMaxOf],
  ['inf', NumberText], ['nan', NumberText],
])

/** Every type and category, for the parser. */
export const VOCABULARY: TokenType[] = [
  MetricName, LabelName, BinaryOperator, DurationOperator, Sign, MatchOperator, Numeral, FunctionName, TimeWord, StepWord, PickWord, Grouping, ...looks.keys(),
]

/** Whether an operand, or the sign before one, may begin with this token. */
export function startsOperand(token: IToken): boolean {
  const type = token.tokenType
  return OPERAND_STARTS.has(type) || (type.CATEGORIES?.some((parent) => OPERAND_STARTS.has(parent)) ?? false)
}

const OPERAND_STARTS: ReadonlySet<TokenType> = new Set([
  MetricName, FunctionName, Aggregator, Numeral, StringText, LeftParen, LeftBrace, Sign,
])

/** The place of a token in the query text. */
export function spanOf(token: IToken): Span {
  return { start: token.startOffset, end: endOf(token) }
}

export function endOf(token: IToken): number {
  return token.startOffset + token.image.length
}

/** Longest text an error quotes in full. */
const SHOWN_RUNES_MAX = 10

/** The token as Prometheus' errors name it: `end of input`, `<by>`, `<op:*>`, `identifier "x"`, `string "\"abcdefghi"...`. */
export function describe(token: IToken): string {
  const { image } = token
  const look = looks.get(token.tokenType)!
  if (token.tokenType === End) return 'end of input'
  if (look === 'keyword') return `<${image}>`
  if (look === 'operator') return `<op:${image}>`
  if (look === 'aggregator') return `<aggr:${image}>`
  const shown = look !== 'identifier' && look !== 'metric identifier' && Buffer.byteLength(image) > SHOWN_RUNES_MAX
    ? `${quote(Array.from(image).slice(0, SHOWN_RUNES_MAX).join(''))}...`
    : quote(image)
  return look === 'symbol' ? shown : `${look} ${shown}`
}
