// Query texts gone wrong: valid ones of every kind, cut, spliced, repeated, with foreign tokens and extreme numbers in
// them. The text of one number is the same each time for the same seed.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'

/** Every construct of the language. */
const VALID: readonly string[] = (JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../golden/promql-format.json'), 'utf8')) as { query: string; error?: string }[])
  .filter((row) => row.error === undefined).map((row) => row.query)

const TOKENS: readonly string[] = [
  '(', ')', '[', ']', '{', '}', ',', ':', '::', '@', '"', '\'', '`', '\\', '#', '\n', '=', '=~', '!~', '!=', '==', '</', '>/', '^', '-', '+', '*', '/', '%',
  'bool', 'on', 'ignoring', 'group_left', 'group_right', 'by', 'without', 'offset', 'anchored', 'smoothed', 'fill(0)', 'fill_left(NaN)', 'and', 'or', 'unless', 'atan2',
  'start()', 'end()', 'step()', 'range()', 'min_of(', 'max_of(', 'inf', 'NaN', 'sum', 'sum(', 'rate(', 'info(', 'absent(', 'label_replace(', 'quantile_over_time(',
  '[5m]', '[1s:1ms]', '[10y:1d]', '[5m:]', '[1y:1ms]', '[290y:1ms]', '[290y]', '@ 9.2e18', '@ -9.2e18', 'offset -290y', '@ 1e15', '@ -1e12', 'offset 100y', 'offset -100y', '{job=~"(a+)+$"}', '{job=~"["}', '{__name__=~".+"}', '{}', '"x"', '"\\xff"',
  '\u0000', '\u00e9', '\ud800', '\u{1f600}', '\ufeff', '__proto__', 'constructor', '_', '.5', '0x', '1e', '08', '1_', '5m5', '1y1y', 'foo', 'h', 'topk(1e9,', 'limit_ratio(-2,', 'vector(', 'count_values("v",', 'quantile(1e308,',
  `{job=~"${'a?'.repeat(300)}${'a'.repeat(300)}"}`, `{job=~"${'(x+'.repeat(200)}${')+'.repeat(200)}"}`, 'n'.repeat(3000), '9'.repeat(3000), `"${'\\x41'.repeat(1000)}"`, 'y1'.repeat(300),
]
/** Each makes more of what it is put around, again and again. */
const WRAPPERS: readonly (readonly [string, string])[] = [
  ['label_replace(', ', "job", "$1$1$1$1$1$1$1$1", "job", "(.*)")'], ['label_join(', ', "job", "", "job", "job", "job", "job")'], ['(', ')'], ['-', ''], ['max_over_time(', '[1h:1s])'],
  ['avg_over_time(', '[5m:])'], ['count_values("v", ', ')'], ['', ' or foo'], ['', ' + on () group_left () foo'], ['foo ^ ', ''], ['absent(', ')'], ['sum by (a, b, job) (', ')'], ['topk(1e308, ', ')'],
]
const NUMBERS: readonly string[] = ['0', '-0', '1e308', '1e-308', '-1e9', '9223372036854775807', '18446744073709551616', '1e999', '0.1', 'NaN', '-Inf', '1ms', '292y', '2147483648', '0x7fffffffffffffff']

/** Query `index` of a run. */
export function mutatedQuery(seed: number, index: number): string {
  const random = new Random((seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0)
  let text = random.pick(VALID)
  for (let changes = random.int(4); changes > 0; changes--) text = mutate(text, random)
  return text
}

function mutate(text: string, random: Random): string {
  const from = random.int(text.length + 1)
  const to = Math.min(text.length, from + 1 + random.int(12))
  const [head, cut, tail] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
  switch (random.int(11)) {
    case 0: return head + tail
    case 1: return head + cut + cut + tail
    case 2: case 3: return `${head} ${random.pick(TOKENS)} ${cut}${tail}`
    case 4: return text.replace(/\d+(?:\.\d+)?/, random.pick(NUMBERS))
    case 5: {
      const other = random.pick(VALID)
      return head + other.slice(random.int(other.length))
    }
    case 6: return `${random.pick(['-', 'sum(', 'abs(', '(', 'rate(', 'max_over_time(', 'scalar(', 'absent('])}${text}${random.pick(['', ')', '[5m])', '[5m:1s])', '))'])}`
    case 7: return `${text} ${random.pick(['+', '/ on (job)', '* on () group_left ()', 'and', 'or', '== bool', '^', '>/', '/ fill (0)'])} ${random.pick(VALID)}`
    case 8: return `(${text})[${random.pick(['5m', '1h', '10y', '1ms', 'step()'])}:${random.pick(['', '1s', '1ms', '1y'])}]`
    case 9: {
      const [open, close] = random.pick(WRAPPERS)
      const times = random.pick([2, 5, 20, 150])
      return open.repeat(times) + text + close.repeat(times)
    }
    default: {
      const words = text.split(/\b/)
      const [a, b] = [random.int(words.length), random.int(words.length)]
      ;[words[a], words[b]] = [words[b]!, words[a]!]
      return words.join('')
    }
  }
}
