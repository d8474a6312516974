// Expected texts from Go's fmt and strconv documentation and tests (strconv/ftoa_test.go, strconv/quote_test.go).
import { describe, expect, it } from 'vitest'
import { formatOpenMetricsFloat } from '../../../lib/format/text-float.ts'
import { formatFixed, formatGeneral, quote } from '../../../lib/std/go-format.ts'

describe('Go formats', () => {
  it.each<[number, number | undefined, string]>([
    [0, undefined, '0'], [-0, undefined, '-0'], [1, undefined, '1'], [100000, undefined, '100000'], [1000000, undefined, '1e+06'],
    [1234567.8, undefined, '1.2345678e+06'], [400, undefined, '400'], [0.0001, undefined, '0.0001'], [0.00001, undefined, '1e-05'],
    [-7, undefined, '-7'], [-1e-9, undefined, '-1e-09'], [0.25, undefined, '0.25'], [47108096, undefined, '4.7108096e+07'],
    [1e100, undefined, '1e+100'], [NaN, undefined, 'NaN'], [Infinity, undefined, '+Inf'], [-Infinity, undefined, '-Inf'],
    [1024.5, 4, '1024'], [1023.5, 4, '1024'], [-2.5, 1, '-2'], [9.5, 1, '1e+01'], [1.2345, 4, '1.234'], [12.345, 4, '12.35'],
    [0.012, 2, '0.012'], [0.0123, 2, '0.012'], [123, 2, '1.2e+02'], [10, 2, '10'], [5, 2, '5'], [0.5, 2, '0.5'], [99.6, 2, '1e+02'],
  ])('%g of %d, precision %s', (x, precision, want) => {
    expect(formatGeneral(x, precision)).toBe(want)
  })

  it.each<[number, string]>([[0, '0.000000'], [-0, '-0.000000'], [1.5, '1.500000'], [-2, '-2.000000'], [1e22, '10000000000000000000000.000000'], [NaN, 'NaN'], [Infinity, '+Inf']])(
    '%%f of %d', (x, want) => expect(formatFixed(x, 6)).toBe(want))

  it.each<[string, string]>([['', '""'], ['abc', '"abc"'], ['\u0007\b\f\r\n\t\v', '"\\a\\b\\f\\r\\n\\t\\v"'], ['\\"', '"\\\\\\""'], ['☺', '"☺"'], ['\u0001\u007f\u200b', '"\\x01\\x7f\\u200b"'], ['\u{10ffff}', '"\\U0010ffff"']])(
    '%%q of %j', (text, want) => expect(quote(text)).toBe(want))

  it.each<[number, string]>([[0, '0.0'], [-0, '0.0'], [1, '1.0'], [0.25, '0.25'], [1e-5, '1e-05'], [NaN, 'NaN'], [Infinity, '+Inf']])(
    'OpenMetrics form of %d', (x, want) => expect(formatOpenMetricsFloat(x)).toBe(want))
})
