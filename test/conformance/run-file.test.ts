// The runner must find what is wrong: each expectation below differs from the truth in one respect.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { HINT_GAUGE, HINT_NOT_RESET, HINT_UNKNOWN } from '../../lib/model/histogram.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { engineSubject, type Subject } from './engine-subject.ts'
import { histogramText, parseHistogram, parseHistograms } from './histogram-text.ts'
import { parseNumber } from './numbers.ts'
import { runParserCases } from './parser-cases.ts'
import { runTestFile } from './run-file.ts'
import { TestStore } from './store.ts'
import { parseTestFile, type LoadCommand } from './test-file.ts'

const LOAD = 'load 1m\n  m{i="1"} 1 2 3\n  m{i="2"} 4 _ stale\n\n'

function failures(evals: string): number {
  return runTestFile(LOAD + evals, engineSubject()).filter(({ mismatch }) => mismatch !== null).length
}

describe('the conformance runner', () => {
  it.each([
    'eval instant at 0 m\n  m{i="1"} 1\n  m{i="2"} 4',
    'eval instant at 0 m\n  m{i="2"} 4\n  m{i="1"} 1.0000001',
    'eval range from 0 to 2m step 1m m\n  m{i="1"} 1 2 3\n  m{i="2"} 4 4',
    'eval instant at 0 sort_desc(m)\n  expect ordered\n  m{i="2"} 4\n  m{i="1"} 1',
    'eval instant at 2m m{i="2"}',
    'eval instant at 0 1 / 0\n  Inf',
    'eval instant at 0 "a\\tb"\n  expect string "a\\tb"',
    'eval instant at 1m m{i="1"}[2m]\n  expect range vector from 0 to 1m step 1m\n  m{i="1"} 1 2',
    'eval_fail instant at 0 m + on () m',
    'eval instant at 0 sum(m) + on () m\n  expect fail regex: found duplicate series .* not allowed',
    'eval instant at 0 quantile(2, m)\n  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)\n  {} +Inf',
    'eval instant at 2m rate(m{i="1"}[5m])\n  expect info\n  expect no_warn\n  {i="1"} 0.008333333333333333',
    'eval instant at 0 1 + 1\n  2\neval instant at 1m 2 * 3\n  6\n# a comment\nEVAL instant at 2m m{i="2"}',
    "eval instant at 0 'a\\x41\\101'\n  expect string `aAA`",
    'eval instant at 0 sum(\n  expect fail',
    'eval_fail instant at 0 m + on () m\n  expect_fail_regexp found duplicate series .*',
    'eval_ordered instant at 0 sort_desc(m)\n  m{i="2"} 4\n  m{i="1"} 1',
    'eval_warn instant at 0 quantile(2, m)\n  {} +Inf',
    'eval_info instant at 2m rate(m{i="1"}[5m])\n  {i="1"} 0.008333333333333333',
    'eval range from 0 to 2m step 1m label_replace(m{i="1"}, "u.8", "\\"ü", "", "")\n  {__name__="m", i=\'1\', "u.8"="\\x22\\u00fc"} 1+1x2',
    'load 1m\n  m{i="1"} _ _ _ 9\n\neval instant at 3m m{i="1"}\n  m{i="1"} 9\n\nclear\n\neval instant at 3m m',
  ])('passes what is right: %s', (text) => expect(failures(text)).toBe(0))

  it.each([
    'eval instant at 0 m\n  m{i="1"} 1',
    'eval instant at 0 m{i="1"}\n  m{i="1"} 1\n  m{i="2"} 4',
    'eval instant at 0 m{i="1"}\n  m{i="1"} 1.00001',
    'eval instant at 0 m{i="1"}\n  m{i="1"} NaN',
    'eval instant at 0 m{i="1"}\n  {i="1"} 1',
    'eval range from 0 to 2m step 1m m\n  m{i="1"} 1 2 3\n  m{i="2"} 4 4 4',
    'eval range from 0 to 2m step 1m m{i="1"}\n  m{i="1"} 1 _ 3',
    'eval instant at 0 sort_desc(m)\n  expect ordered\n  m{i="1"} 1\n  m{i="2"} 4',
    'eval instant at 0 1 / 0\n  0',
    'eval instant at 0 "a"\n  expect string "b"',
    'eval instant at 1m m{i="1"}[2m]\n  expect range vector from 0 to 1m step 1m\n  m{i="1"} 1 3',
    'eval_fail instant at 0 m',
    'eval instant at 0 m + on () m\n  expect fail msg: something else',
    'eval instant at 0 quantile(2, m)\n  expect no_warn\n  {} +Inf',
    'eval instant at 0 quantile(0.5, m)\n  expect warn\n  {} 2.5',
    'eval instant at 0 quantile(2, m)\n  expect warn msg: PromQL warning: another (1:10)\n  {} +Inf',
    'eval instant at 2m rate(m{i="1"}[5m])\n  expect no_info\n  {i="1"} 0.008333333333333333',
  ])('fails what is wrong: %s', (text) => expect(failures(text)).toBe(1))

  it('goes on behind what it cannot read, and says so', () => {
    const results = runTestFile(`${LOAD}evaluate m\n\neval instant at soon m\n\neval instant at 0 m{i="1"}\n  m{i="1"} one\n\neval instant at 0 m{i="1"}\n  m{i="1"} 1`, engineSubject())
    expect(results.map(({ line, mismatch }) => [line, mismatch?.got])).toEqual([
      [5, 'cannot read the command: no eval: evaluate m'], [7, 'cannot read the command: no duration: soon'],
      [9, 'cannot read the command: no value: one'], [12, undefined],
    ])
  })

  it('reads every way to write values', () => {
    const [load] = parseTestFile('load 10s\n  x 1 -2x1 1+2x2 5-1x1 _ _x2 stale Inf -inf NaN 1e-3 5m {{sum:1 count:2}}x1\n')
    expect(load!.kind === 'load' && load!.series[0]!.items.map((item) => (item.kind === 'float' ? item.v : item.kind))).toEqual([
      1, -2, -2, 1, 3, 5, 5, 4, 'gap', 'gap', 'gap', 'stale', Infinity, -Infinity, NaN, 0.001, 300, 'histogram', 'histogram',
    ])
    expect(['1_000', '.5', '-1h30m', '+Inf'].map(parseNumber)).toEqual([1000, 0.5, -5400, Infinity])
  })

  it('runs instant cases again, pinned and in ranges', () => {
    const strict = (evals: string): number[] => runTestFile(LOAD + evals, engineSubject(), { isStrict: true }).map(({ runs, mismatch }) => (mismatch === null ? runs : -1))
    // The case, five pinned ones and a range query of each.
    expect(strict('eval instant at 1m sum(m)\n  {} 6')).toEqual([12])
    // At 0 there are three.
    expect(strict('eval instant at 0 sum(m)\n  {} 5')).toEqual([8])
    // No range query of what speaks of order, no pinning of time().
    expect(strict('eval instant at 0 sort(m)\n  expect ordered\n  m{i="1"} 1\n  m{i="2"} 4')).toEqual([4])
    expect(strict('eval instant at 1m time()\n  60')).toEqual([2])
    expect(strict('eval instant at 1m m{i="1"}[step()]\n  expect range vector from 1m to 1m step 1m\n')).toHaveLength(1)
  })

  it('tells a pinned run that differs', () => {
    const moving: Subject = { ...engineSubject(), evaluate: (question, storage) => engineSubject().evaluate({ ...question, expr: 'm{i="1"}' }, storage) }
    const [result] = runTestFile(`${LOAD}eval instant at 1m m{i="1"}\n  m{i="1"} 2`, moving, { isStrict: true })
    expect(result!.rerun).toBe('m{i="1"} @ 60.000 at -600')
    expect(result!.mismatch).toEqual({ got: 'empty vector', want: 'm{i="1"} 2@60' })
  })

  it('keeps what load_with_nhcb collates, hints and start times', () => {
    const storage = new TestStore()
    const [load] = parseTestFile([
      'load_with_nhcb 1m', 'h_bucket{le="1",a="b"} 1 2 1', 'h_bucket{le="+Inf",a="b"} 3 5 2', 'h_sum{a="b"} 4 7 9', 'h_count{a="b"} 3 5 2',
      'c@st _ -30s 0', 'c 1 2 3',
    ].join('\n'))
    storage.load(load as LoadCommand)
    const dump = storage.storage.dump()
    const native = dump.find(({ labels }) => labels.join() === '__name__,h,a,b')!
    expect(native.samples.map(({ h }) => [[...h!.customValues], [...h!.positive.count], h!.sum, h!.count, h!.hint])).toEqual([
      [[1], [1, 2], 4, 3, HINT_UNKNOWN], [[1], [2, 3], 7, 5, HINT_NOT_RESET], [[1], [1, 1], 9, 2, HINT_UNKNOWN],
    ])
    expect(dump.find(({ labels }) => labels[1] === 'c')!.samples.map(({ startMs }) => startMs)).toEqual([0, 30_000, 120_000])
  })
})

describe('start times in a load', () => {
  it.each([
    ['c@st -1m', 'an @st line without its samples'], ['c@st -1m\nc@st -1m\nc 1', 'an @st line without its samples'], ['c@st -1m\nd 1', 'an @st line of another series'],
    ['c@st -1m -2m\nc 1', '2 start times for 1 samples'], ['c@st soon\nc 1', 'no duration: soon'],
  ])('are refused: %j', (lines, reason) => {
    expect(parseTestFile(`load 1m\n${lines}`)).toEqual([{ kind: 'unreadable', line: 1, text: 'load 1m', reason }])
  })

  it.each<[string, (number | null)[]]>([['_x2 -30sx1 0s', [null, null, -30_000, -30_000, 0]], ['-1m-30sx2', [-60_000, -90_000, -120_000]], ['1m+5sx1', [60_000, 65_000]]])('%s', (offsets, want) => {
    const [load] = parseTestFile(`load 1m\nc@st ${offsets}\nc ${want.map((_, i) => i).join(' ')}`)
    expect((load as LoadCommand).series[0]!.startOffsets).toEqual(want)
  })
})

describe('the runner of parser cases', () => {
  const f = (text: string, want: string): void => {
    const file = path.join(tempFolder(), 'cases.json')
    writeFileSync(file, text)
    const lines: string[] = []
    const { passed, failed } = runParserCases(file, (line) => lines.push(line))
    expect(`${passed} ${failed} ${lines.slice(1).join(' ').replace(/\s+/g, ' ').trim()}`.trim()).toBe(want)
  }

  it('tells what is accepted and refused otherwise, or in other words', () => {
    f('[{"input":"1+","fail":true,"error":"unexpected end of input"},{"input":"1 + 1","fail":false},{"input":"foo smoothed","fail":false}]', '3 0')
    f('[{"input":"foo smoothed","fail":true,"error":"smoothed modifier is experimental and not enabled"}]', '1 0')
    f('[{"input":"1+","fail":false}]', '0 1 cases.json: "1+" got unexpected end of input want accepted')
    f('[{"input":"1","fail":true}]', '0 1 cases.json: "1" got accepted want an error')
    f('[{"input":"1+","fail":true,"error":"else"}]', '0 1 cases.json: "1+" got unexpected end of input want else')
    f('[{"name":"x"}]', '0 1')
    f('{', '0 1')
  })
})

describe('the notation of native histograms', () => {
  it('is read whole', () => {
    const { h, isHintWritten } = parseHistogram('{{schema:1 sum:-0.3 count:32.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 0 7] offset:-3 n_buckets:[4.1 5] n_offset:-5 counter_reset_hint:gauge}}')
    expect(h).toEqual({
      schema: 1, sum: -0.3, count: 32.1, zeroCount: 7.1, zeroThreshold: 0.05, hint: HINT_GAUGE, customValues: new Float64Array(0),
      positive: { index: Int32Array.of(-3, -2, -1), count: Float64Array.of(5.1, 0, 7) }, negative: { index: Int32Array.of(-5, -4), count: Float64Array.of(4.1, 5) },
    })
    expect(isHintWritten).toBe(true)
    expect(parseHistogram('{{schema:-53 custom_values:[5 10] buckets:[1 4 1]}}').h.customValues).toEqual(Float64Array.of(5, 10))
    expect(parseHistogram('{{}}').h.count).toBe(0)
  })

  it('is read back from what is shown', () => {
    for (const text of ['{{schema:0 count:8 sum:4 z_bucket:1 z_bucket_w:0.5 offset:-1 buckets:[4 0 4]}}', '{{schema:-53 count:3 sum:1 custom_values:[5] buckets:[1 2]}}', '{{schema:3 count:0 sum:+Inf counter_reset_hint:reset}}']) {
      expect(histogramText(parseHistogram(text).h)).toBe(text)
    }
  })

  it('counts on in steps', () => {
    const shown = (text: string): string[] => parseHistograms(text).map(({ h }) => histogramText(h))
    expect(shown('{{count:1 buckets:[1]}}x1')).toEqual(['{{schema:0 count:1 sum:0 buckets:[1]}}', '{{schema:0 count:1 sum:0 buckets:[1]}}'])
    expect(shown('{{count:1 sum:2 buckets:[1]}}+{{count:2 sum:1 buckets:[0 2]}}x2')).toEqual([
      '{{schema:0 count:1 sum:2 buckets:[1]}}', '{{schema:0 count:3 sum:3 buckets:[1 2]}}', '{{schema:0 count:5 sum:4 buckets:[1 4]}}',
    ])
    expect(shown('{{count:3 buckets:[3]}}-{{count:1 buckets:[1]}}x1').at(-1)).toContain('count:2')
  })

  it.each([
    ['{{schema:1 colour:red}}'], ['{{count:1 count:2}}'], ['{{counter_reset_hint:maybe}}'], ['{{schema:2}}+{{schema:1}}x2'], ['{{count:1}'], ['{{count:one}}'],
  ])('refuses %s', (text) => expect(() => parseHistograms(text)).toThrow())

  it.each([
    ['h 1', 'h {{count:1 sum:1 buckets:[1]}}'],
    ['h {{count:1 sum:1 buckets:[2]}}', 'h {{count:1 sum:1 buckets:[1]}}'],
    ['h {{schema:1 count:1 sum:1 buckets:[1]}}', 'h {{count:1 sum:1 buckets:[1]}}'],
    ['h {{count:1 sum:1 offset:1 buckets:[1]}}', 'h {{count:1 sum:1 buckets:[1]}}'],
    ['h {{count:1 sum:1 z_bucket_w:0.1 buckets:[1]}}', 'h {{count:1 sum:1 buckets:[1]}}'],
    ['h {{count:1 sum:1.001 buckets:[1]}}', 'h {{count:1 sum:1 buckets:[1]}}'],
    ['h {{count:1 sum:1 counter_reset_hint:reset buckets:[1]}}', 'h {{count:1 sum:1 buckets:[1]}}'],
    ['h {{schema:-53 count:1 sum:1 custom_values:[6] buckets:[1]}}', 'h {{schema:-53 count:1 sum:1 custom_values:[5] buckets:[1]}}'],
  ])('tells %s from what is stored', (wanted, stored) => {
    const run = (line: string): boolean => runTestFile(`load 1m\n  ${stored}\n\neval instant at 0 h\n  ${line}`, engineSubject())[0]!.mismatch === null
    expect(run(wanted)).toBe(false)
    expect(run(stored)).toBe(true)
  })
})
