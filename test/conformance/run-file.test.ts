// The runner must find what is wrong: each expectation below differs from the truth in one respect.
import { describe, expect, it } from 'vitest'
import { engineSubject } from './engine-subject.ts'
import { runTestFile } from './run-file.ts'
import { parseNumber, parseTestFile } from './test-file.ts'

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

  it('reads every way to write values', () => {
    const [load] = parseTestFile('load 10s\n  x 1 -2x1 1+2x2 5-1x1 _ _x2 stale Inf -inf NaN 1e-3 5m {{sum:1 count:2}}x1\n')
    expect(load!.kind === 'load' && load!.series[0]!.items.map((item) => (item.kind === 'float' ? item.v : item.kind))).toEqual([
      1, -2, -2, 1, 3, 5, 5, 4, 'gap', 'gap', 'gap', 'stale', Infinity, -Infinity, NaN, 0.001, 300, 'histogram', 'histogram',
    ])
    expect(['1_000', '.5', '-1h30m', '+Inf'].map(parseNumber)).toEqual([1000, 0.5, -5400, Infinity])
  })

  it('names what a failing case lacks', () => {
    const source = 'load 1m\n  h {{sum:1 count:1}}\n  f 1\n\neval instant at 0 sum(h)\n  {} 1\n\neval instant at 0 info(f)\n  f 1\n\neval instant at 0 f\n  f 2\n'
    expect(runTestFile(source, engineSubject()).map(({ reason }) => reason)).toEqual(['native histograms', 'function info', 'bug'])
  })
})
