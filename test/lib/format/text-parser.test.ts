// Truth: Prometheus 3.5's own parsers (model/textparse), asked once about each of these bodies; a run of 140,000 random
// mutations agreed but for the exceptions that text-parser.ts names. And the OpenMetrics specification's cases.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FloatReader, formatOpenMetricsFloat, parseFloatText } from '../../../lib/format/text-float.ts'
import { ENTRY_END, ENTRY_HELP, ENTRY_SAMPLE, ENTRY_TYPE, ENTRY_UNIT, ExpositionError, type TextFormat } from '../../../lib/format/exposition-entry.ts'
import { TextParser } from '../../../lib/format/text-parser.ts'
import { labelsFromMap } from '../../../lib/model/labels.ts'
import { fc } from '../../support/property.ts'

type Row = readonly (string | number | null)[]

function parseAll(body: string | Uint8Array, format: TextFormat): Row[] {
  const given = Buffer.from(body)
  const bytes = given.at(-1) === 10 ? given : Buffer.concat([given, Buffer.from('\n')])
  const parser = new TextParser()
  parser.reset(bytes, bytes.length, format)
  const rows: Row[] = []
  for (;;) {
    const entry = parser.next()
    if (entry === ENTRY_END) return rows
    if (entry === ENTRY_TYPE) rows.push(['type', parser.metadataName(), parser.type])
    if (entry === ENTRY_HELP) rows.push(['help', parser.metadataName(), parser.metadataText()])
    if (entry === ENTRY_UNIT) rows.push(['unit', parser.metadataName(), parser.metadataText()])
    if (entry === ENTRY_SAMPLE) rows.push([parser.value, parser.hasTime ? parser.timeMs : null, ...labelsFromMap(parser.labels())])
  }
}

describe('the text parser', () => {
  const f = (body: string, ...want: Row[]): void => {
    it(`reads ${JSON.stringify(body)}`, () => expect(parseAll(body, 'text')).toEqual(want))
  }
  f('a 1', [1, null, '__name__', 'a'])
  f('a 1 1700000000123\n', [1, 1700000000123, '__name__', 'a'])
  f('\ta \t 1.5\t12 \n\n', [1.5, 12, '__name__', 'a'])
  f('a:b_0{x="y" , z="w" ,} 5', [5, null, '__name__', 'a:b_0', 'x', 'y', 'z', 'w'])
  f('a{x="1"y="2"}3', [3, null, '__name__', 'a', 'x', '1', 'y', '2'])
  f('a {} 1', [1, null, '__name__', 'a'])
  f('a{x="\\"\\\\\\n\\t"} 1', [1, null, '__name__', 'a', 'x', '"\\\n\\t'])
  f('a{x="one\ntwo"} 1\nb 2', [1, null, '__name__', 'a', 'x', 'one\ntwo'], [2, null, '__name__', 'b'])
  f('{"a.b","c.d"="v"} 1', [1, null, '__name__', 'a.b', 'c.d', 'v'])
  f('{x="y","ü"} 1', [1, null, '__name__', 'ü', 'x', 'y'])
  f('a{__proto__="x"} 1', [1, null, '__name__', 'a', '__proto__', 'x'])
  f('a NaN\na +Inf\na -inf\na infinity', [NaN, null, '__name__', 'a'], [Infinity, null, '__name__', 'a'], [-Infinity, null, '__name__', 'a'], [Infinity, null, '__name__', 'a'])
  f('a+1\na -.5\na 5.\na 1e5\na -0', [1, null, '__name__', 'a'], [-0.5, null, '__name__', 'a'], [5, null, '__name__', 'a'], [1e5, null, '__name__', 'a'], [-0, null, '__name__', 'a'])
  f('# HELP a b \\\\ \\n c\n# TYPE a counter\n# some TYPE a nonsense\n#HELP x y\n# HELPx\n', ['help', 'a', 'b \\ \n c'], ['type', 'a', 'counter'])
  f('# HELP a\n# TYPE "a.b" untyped', ['help', 'a', ''], ['type', 'a.b', 'unknown'])
  f('# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf",quantile="1"} 2', ['type', 'h', 'histogram'],
    [1, null, '__name__', 'h_bucket', 'le', '1.0'], [2, null, '__name__', 'h_bucket', 'le', '+Inf', 'quantile', '1'])
  f('# TYPE s summary\ns{quantile="0.50"} 1\ns{quantile="x"} 1', ['type', 's', 'summary'], [1, null, '__name__', 's', 'quantile', '0.5'], [1, null, '__name__', 's', 'quantile', 'x'])
  f('a{le="1"} 1\n# TYPE a gauge\na{le="1"} 1', [1, null, '__name__', 'a', 'le', '1'], ['type', 'a', 'gauge'], [1, null, '__name__', 'a', 'le', '1'])
  f('a{x="\0"} 1', [1, null, '__name__', 'a', 'x', '\0'])

  const bad = (body: string | Uint8Array, message: string): void => {
    it(`refuses ${JSON.stringify(Buffer.from(body).toString('latin1'))}`, () => {
      expect(() => parseAll(body, 'text')).toThrow(ExpositionError)
      expect(() => parseAll(body, 'text')).toThrow(message)
    })
  }
  bad('a 1\nb\nc 3', 'line 2: expected value after metric')
  bad('a 1 -5', 'line 1: expected timestamp or new line')
  bad('a 1 2 3', 'expected new line after timestamp')
  bad('a 1 99999999999999999999', 'timestamp out of range')
  bad('a 0x1', 'cannot read "0x1" as a number')
  bad('a 1_0', 'cannot read "1_0" as a number')
  bad('a 1e400', 'as a number')
  bad('a 1\r\n', 'as a number')
  bad('a{x="1" 1', 'expected label name')
  bad('a{x="1', 'string without closing quote')
  bad('a{x=1} 1', 'expected quoted label value')
  bad('a{x} 1', 'expected "="')
  bad('a{,x="1"} 1', 'expected label name')
  bad('a{"b"} 1', 'metric name already set')
  bad('{x="1"} 1', 'metric name not set')
  bad('a{x="1",x="2"} 1', 'label name "x" is not unique')
  bad('a{x="1"}{y="2"} 1', 'expected value')
  bad('<html>', 'expected a metric name')
  bad('# TYPE a sausage', 'invalid metric type "sausage"')
  bad('# TYPE a  counter', 'invalid metric type " counter"')
  bad('# HELP \n', 'expected metric name after HELP')
  bad('ok 1\n\0', 'line 2: expected a metric name')
  bad(Buffer.from('a{x="\xff"} 1', 'latin1'), 'line 1: invalid UTF-8')
  bad(Buffer.from('{"\xff"} 1', 'latin1'), 'line 1: invalid UTF-8')
  bad(Buffer.from('# HELP a \xc3\n', 'latin1'), 'line 1: invalid UTF-8 in help text')
})

describe('the OpenMetrics parser', () => {
  const f = (body: string, ...want: Row[]): void => {
    it(`reads ${JSON.stringify(body)}`, () => expect(parseAll(body, 'openmetrics')).toEqual(want))
  }
  f('# EOF')
  f('a_total{x="y",} 1 1.5 # {trace="a b"} 0.5 1.25\n# EOF\n', [1, 1500, '__name__', 'a_total', 'x', 'y'])
  f('a 1 -1.0015\n{"b.c"} 2\n# EOF', [1, -1001, '__name__', 'a'], [2, null, '__name__', 'b.c'])
  f('# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds x \\"q\\"\na_seconds_total 1\na_seconds_created 1.5\n# EOF\n',
    ['type', 'a_seconds', 'counter'], ['unit', 'a_seconds', 'seconds'], ['help', 'a_seconds', 'x "q"'],
    [1, null, '__name__', 'a_seconds_total'], [1.5, null, '__name__', 'a_seconds_created'])

  const bad = (body: string, message: string): void => {
    it(`refuses ${JSON.stringify(body)}`, () => expect(() => parseAll(body, 'openmetrics')).toThrow(message))
  }
  bad('a 1\n', 'line 1: data does not end with # EOF')
  bad('a 1\n# EOF\nb 1\n', 'line 3: unexpected data after # EOF')
  bad('\n# EOF\n', 'line 1: expected a metric name')
  bad('# comment\n# EOF\n', 'expected # HELP')
  bad('a  1\n# EOF\n', 'expected value')
  bad('a 1 \n# EOF\n', 'expected timestamp')
  bad('a 1 NaN\n# EOF\n', 'invalid timestamp')
  bad('a{x="1" ,y="2"} 1\n# EOF\n', 'expected "," or "}"')
  bad('a{x="1\n"} 1\n# EOF\n', 'string without closing quote')
  bad('a 1 # {a="b"}1\n# EOF\n', 'expected value after exemplar labels')
  bad('a 1 # {a="b" 1\n# EOF\n', 'expected "," or "}"')
  bad('# UNIT a seconds\n# EOF\n', 'not a suffix')
  bad('# TYPE a untyped\n# EOF\n', 'invalid metric type')

  const corpus = path.resolve(import.meta.dirname, '../../../../shared/openmetrics/cases.json')
  it.skipIf(!existsSync(corpus))('reads every valid case of the specification (skipped without ../shared)', () => {
    const cases = JSON.parse(readFileSync(corpus, 'utf8')) as { name: string; shouldParse: boolean; text: string }[]
    const valid = cases.filter((one) => one.shouldParse)
    expect(valid.length).toBeGreaterThan(20)
    for (const one of valid) expect(() => parseAll(one.text, 'openmetrics'), one.name).not.toThrow()
  })
})

describe('floats', () => {
  it('reads what Number reads, to the bit', () => {
    const reader = new FloatReader()
    const check = (text: string): void => {
      const value = reader.read(Buffer.from(`${text} `), 0, false)
      expect(reader.end, text).toBe(text.length)
      expect(Object.is(value, Number(text)), text).toBe(true)
    }
    for (const text of ['9007199254.740993', '9007199254740993', '9007199254740992', '123456789012345678901234567890', '0.1e-30', '1e23', '8.5e22', '4.9e-324', '1.7976931348623157e+308']) check(text)
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => check(String(x))), { seed: 1 })
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 19n }), fc.integer({ min: 1, max: 18 }), (digits, point) => {
      const text = digits.toString().padStart(20, '0')
      check(`${text.slice(0, point)}.${text.slice(point)}`)
    }), { seed: 2 })
  })

  it('takes only spellings that Go takes', () => {
    for (const text of ['', '.', '-', 'e5', '1e', '1e+', '0x10', '1_000', 'infin', '+nan', ' 1', '1f', '١']) expect(parseFloatText(text), text).toBeNull()
    for (const text of ['NaN', 'nan', 'NAN']) expect(parseFloatText(text)).toBeNaN()
  })

  it('writes bucket bounds as Go does', () => {
    // strconv.FormatFloat(f, 'g', -1, 64), `.0` added to integers.
    const f = (value: number, want: string): void => expect(formatOpenMetricsFloat(value)).toBe(want)
    f(0, '0.0')
    f(1, '1.0')
    f(-1, '-1.0')
    f(0.0001, '0.0001')
    f(0.00001, '1e-05')
    f(123456, '123456.0')
    f(999999.5, '999999.5')
    f(1e6, '1e+06')
    f(1234567.5, '1.2345675e+06')
    f(1e21, '1e+21')
    f(Infinity, '+Inf')
    f(NaN, 'NaN')
  })
})
