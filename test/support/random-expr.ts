// Texts of typed random expressions: every construct of the grammar, valid by construction, for property tests. The
// texts are as people write them (spaces, keyword case, optional parts), not as they are printed.
import { SIGNATURES } from '../../lang/func/signatures.ts'
import type { ValueType } from '../../lang/parse/ast.ts'
import { fc } from './property.ts'

type Text = fc.Arbitrary<string>

const one = (...texts: string[]): Text => fc.constantFrom(...texts)
const join = (...parts: (Text | string)[]): Text => fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((texts) => texts.join(''))
const list = (item: Text, min: number, max: number): Text => fc.array(item, { minLength: min, maxLength: max }).map((texts) => texts.join(', '))
const maybe = (text: Text): Text => fc.oneof({ weight: 2, arbitrary: fc.constant('') }, text)

const NUMBER = one('0', '1', '2.5', '.5', '1e3', '1e-7', '0x1F', '010', '1_000', 'Inf', 'NaN', '5m', '1h30m', '1d', '400d', '1e300')
const STRING = one('""', '"a"', `'it\\'s'`, '`raw\\n`', '"\\u00e9\\n"', '"日本"', '"a.*|b"', '"\\\\d+"')
const NAME = one('foo', 'bar_total', 'job:rate:sum', 'sum', 'by', 'offset', 'and', 'start', 'on_call', 'http_request_duration_seconds_bucket')
const LABEL = one('job', 'instance', 'le', 'on', 'sum', '"a.b"', '"é"', 'bool')
const MATCHER = join(LABEL, maybe(fc.constant(' ')), one('=', '!=', '=~', '!~'), one('"x"', '"a|b"', `''`, '"é\\n"', '`.+`'))
const MATCHERS = list(MATCHER, 0, 3)
const SELECTOR = fc.oneof(
  NAME.filter((name) => name !== 'start'),
  join(NAME, '{', MATCHERS, '}'),
  join('{"foo.bar", ', MATCHERS, '}'),
  join('{job="a"', maybe(join(', ', MATCHER)), '}'),
  fc.constant('{__name__=~"foo|bar"}'),
)

const FIXED = one('5m', '1h30m', '90', '1.5', '0.001', '1d', '2y', '1w2d')
const DURATION = fc.letrec<{ duration: string; factor: string }>((tie) => ({
  duration: fc.oneof({ maxDepth: 3 }, FIXED, one('step()', 'range()'), join('(', tie('duration'), ')'), join('-', tie('factor')), join('+', tie('factor')),
    join(tie('factor'), one(' + ', ' - ', '*', ' / ', ' % ', ' ^ '), tie('factor')), join(one('min_of', 'MAX_OF'), '(', tie('duration'), ', ', tie('duration'), ')')),
  factor: fc.oneof({ maxDepth: 2 }, FIXED, one('step()', 'range()'), join('(', tie('duration'), ')')),
})).duration
const RANGE = fc.oneof({ weight: 3, arbitrary: FIXED }, DURATION)
const OFFSET = fc.oneof({ weight: 3, arbitrary: FIXED }, one('-5m', '+1h', 'step()', '-range()', '+step()'), join('(', DURATION, ')'), join('-(', DURATION, ')'))
const AT = one(' @ 0', ' @ 1234.5678', ' @ -1', ' @ start()', ' @ end()', ' @ 1e9')
const TIMES = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, AT, join(' offset ', OFFSET), join(AT, ' offset ', OFFSET), join(' OFFSET ', FIXED, AT))
const EXTENDED = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, one(' anchored', ' SMOOTHED'))
const LABELS = join('(', list(LABEL, 0, 3), ')')
const GROUPING = join(one('by', 'WITHOUT'), ' ', LABELS)

const NAMES_ONCE = fc.constantFrom<[string, string, string]>(['(job)', '(le)', '("é")'], ['(job, le)', '(instance)', '()'], ['()', '()', '(job)'])
const FILL = one('', '', ' fill (0)', ' fill_left (1e6)', ' fill_right(-Inf)', ' fill_left (5m) fill_right (1)', ' fill_right (2) fill_left (2)')
const MATCHING = fc.tuple(NAMES_ONCE, one('on', 'IGNORING'), one('', '', 'group_left', 'group_right'), fc.boolean(), FILL)
  .map(([[labels, include], word, group, hasList, fill]) => ` ${word} ${labels}${group === '' ? '' : ` ${group}${hasList ? ` ${include}` : ''}`}${fill}`)
const SET_MATCHING = fc.tuple(one('on', 'ignoring'), LABELS).map((parts) => ` ${parts.join(' ')}`)

type Exprs = Record<'vector' | 'scalar' | 'matrix' | 'operand' | 'number', string>

/** Expressions of any type but string; string literals appear as arguments. */
export const randomExpr: Text = fc.letrec<Exprs>((tie) => {
  const argument = (type: ValueType): Text => (type === 'string' ? STRING : tie(type as keyof Exprs))
  const calls = (returns: ValueType): Text[] => [...SIGNATURES.values()].filter((signature) => signature.returns === returns && signature.name !== 'info')
    .map(({ name, args, variadic }) => {
      const extra = variadic === 0 ? [] : args.slice(-1)
      const required = variadic === 0 ? args : args.slice(0, -1)
      const full = [...required, ...extra, ...(variadic < 0 || variadic > 1 ? extra : [])]
      const call = (types: readonly ValueType[]): Text => join(name, '(', ...types.flatMap((type, i) => (i === 0 ? [argument(type)] : [', ', argument(type)])), ')')
      return variadic === 0 ? call(args) : fc.oneof(call(required), call(full))
    })
  const aggregations = [
    join(one('sum', 'avg', 'COUNT', 'group', 'stdvar'), maybe(join(' ', GROUPING)), ' (', tie('vector'), ')'),
    join(one('min', 'max', 'stddev'), '(', tie('vector'), ') ', GROUPING),
    join(one('topk', 'bottomk', 'quantile', 'limitk', 'limit_ratio'), maybe(join(' ', GROUPING)), '(', tie('scalar'), ', ', tie('vector'), ')'),
    join('count_values', maybe(join(' ', GROUPING)), '("v", ', tie('vector'), ')'),
  ]
  const arithmetic = one(' + ', '-', ' * ', ' / ', '%', ' ^ ', ' ATAN2 ')
  const comparison = one(' == ', ' != ', '<', ' >= ')
  return {
    vector: fc.oneof({ maxDepth: 5, depthSize: 'medium' },
      join(SELECTOR, EXTENDED, TIMES), join(SELECTOR, TIMES),
      join('(', tie('vector'), ')'), join(one('-', '+', '- ', '--'), tie('operand')),
      ...aggregations, fc.oneof(...calls('vector')), join('info(', tie('vector'), maybe(one(', {job=~".+"}', ', {__name__="x"}')), ')'),
      join(tie('operand'), arithmetic, tie('operand')), join(tie('operand'), arithmetic, tie('number')), join(tie('number'), arithmetic, tie('operand')),
      join(tie('operand'), fc.tuple(comparison, one('', 'bool ')).map(([op, bool]) => op + (bool === '' ? '' : ` ${bool}`)), tie('number')),
      join(tie('operand'), fc.oneof(one(' </ ', ' >/ '), comparison, join(comparison, ' bool'), arithmetic), MATCHING, ' ', tie('operand')),
      join(tie('operand'), one(' and', ' or', ' UNLESS'), maybe(SET_MATCHING), ' ', tie('operand'))),
    operand: fc.oneof({ maxDepth: 4 }, join(SELECTOR, TIMES), join('(', tie('vector'), ')'), tie('vector')),
    scalar: fc.oneof({ maxDepth: 4 }, tie('number'), join('(', tie('scalar'), ')'), join(one('-', '+'), tie('scalar')), fc.oneof(...calls('scalar')),
      join(tie('scalar'), arithmetic, tie('scalar')), join(tie('scalar'), ' == bool ', tie('number'))),
    number: NUMBER,
    matrix: fc.oneof({ maxDepth: 3 }, join(SELECTOR, '[', RANGE, ']', EXTENDED, TIMES),
      join('(', tie('vector'), ')[', RANGE, ':', maybe(FIXED), ']', TIMES), join(SELECTOR, '[1h:', maybe(DURATION), ']', TIMES)),
  }
}).vector
