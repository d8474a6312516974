// Scrapes with type-and-unit-labels against what Prometheus 3.14 answers after the same ones (test/golden/type-unit.json.gz, recorded).
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plainAnswer } from '../../golden/protobuf-scrape-answers.ts'
import { queriesOf } from '../../golden/protobuf-scrape-cases.ts'
import { CASES } from '../../golden/type-unit-cases.ts'
import { ScrapeWorld } from '../../support/scrape-world.ts'

const recorded = JSON.parse(zlib.gunzipSync(fs.readFileSync(path.resolve(import.meta.dirname, '../../golden/type-unit.json.gz'))).toString()) as Record<string, { answers: Record<string, string[]> }>

describe('scrapes with labels of type and unit', () => {
  const world = new ScrapeWorld(CASES, { labelsFamilies: true })
  beforeAll(() => world.scrape(), 120_000)
  afterAll(() => world.close())

  it('have a recording of every case', () => {
    expect(CASES.map(({ name }) => name)).toEqual(Object.keys(recorded))
  })

  it.each(CASES.map((one) => [one.name, one] as const))('are answered for as by Prometheus: %s', (name, one) => {
    const ups = world.answer(`up{job=${JSON.stringify(name)}}[5m]`, world.clock.now()).data.result[0]!.values!
    const answers = queriesOf(one).map((query) => [query, ups.map(([t]) => plainAnswer(world.answer(query, Math.round(t * 1000))))])
    expect(Object.fromEntries(answers)).toEqual(recorded[name]!.answers)
  })
})

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0'

/** A case and the labels, but for `job` and `instance`, that its series have at each scrape. */
interface ChangingCase {
  name: string
  bodies: string[]
  want: string[]
}

/** Prometheus keeps the labels of a line until it has been missing, or the server starts again; and the unit for all families behind. */
const CHANGING: ChangingCase[] = [
  { name: 'TYPE', bodies: ['# TYPE a gauge\na 1\n', '# TYPE a info\na 1\n', 'a 1\n', '# TYPE a counter\na 1\n', '# TYPE a counter\na 1\n'], want: ['a/gauge', 'a/info', 'a', 'a/counter', 'a/counter'] },
  {
    name: 'TYPE before an equal UNIT', want: ['a_m/gauge/m', 'a_m/info/m', 'a_m/counter/m', 'a_m/counter/m', 'a_m/gauge/m'],
    bodies: ['gauge', 'info', 'counter', 'counter', 'gauge'].map((type) => `# TYPE a_m ${type}\n# UNIT a_m m\na_m 1\n`),
  },
  {
    name: 'UNIT', want: ['a_m/gauge', 'a_m/gauge/m', 'a_m/gauge/m', 'a_m/gauge', 'a_m/gauge'],
    bodies: ['', 'm', 'm', '-', ''].map((unit) => `# TYPE a_m gauge\n${unit === '-' ? '' : `# UNIT a_m ${unit}\n`}a_m 1\n`),
  },
  {
    name: 'UNIT for HELP before an equal TYPE', want: ['a_m/gauge', 'a_m/gauge/m', 'a_m/gauge', 'a_m/gauge/m', 'a_m/gauge/m'],
    bodies: ['HELP', 'UNIT', 'HELP', 'UNIT', 'UNIT'].map((word) => `# ${word} a_m m\n# TYPE a_m gauge\na_m 1\n`),
  },
  { name: 'nothing; the unit ends with its family', want: Array.from({ length: 5 }, () => 'a_m/gauge/m b/gauge d e'), bodies: Array.from({ length: 5 }, () => '# TYPE a_m gauge\n# UNIT a_m m\na_m 1\n# TYPE b gauge\nb 1\n# TYPE d unknown\nd 1\ne 1\n') },
  {
    name: 'the series behind known lines', want: ['a_m/gauge/m', 'a_m/gauge/m a_m/gauge/m', 'a_m/gauge/m a_m/gauge/m b_s/info/s', 'a_m/gauge/m', 'a_m/gauge/m b_s/info/s b_s/info/s'],
    bodies: [[1, 0], [2, 0], [2, 1], [1, 0], [1, 2]].map(([a, b]) => {
      const lines = (name: string, count: number): string => Array.from({ length: count }, (_, i) => `${name}{x="${i}"} 1\n`).join('')
      return `# TYPE a_m gauge\n# UNIT a_m m\n${lines('a_m', a!)}# TYPE b_s info\n# UNIT b_s s\n${lines('b_s', b!)}`
    }),
  },
  { name: 'UNIT behind a family without TYPE', want: ['b a_m/gauge/m', 'b a_m/gauge/m', 'b a_m/gauge/m', 'b a_m/gauge/m', 'a_m/gauge/m b/gauge'], bodies: [0, 0, 0, 0, 1].map((i) => ['b 1\n', '# UNIT a_m m\n# TYPE a_m gauge\na_m 1\n'].map((_, k, all) => all[(i + k) % 2]).join('')) },
]

describe('labels of type and unit', () => {
  const cases = CHANGING.map(({ name, bodies }) => ({ name, config: {}, contentType: OPENMETRICS, isTimed: false, queries: [], body: (scrape: number) => `${bodies[scrape]}# EOF\n` }))
  const world = new ScrapeWorld(cases, { labelsFamilies: true })
  beforeAll(() => world.scrape(), 120_000)
  afterAll(() => world.close())

  it.each(CHANGING)('are those of the scrape that changed $name', ({ name, want }) => {
    const ups = world.answer(`up{job=${JSON.stringify(name)}}[5m]`, world.clock.now()).data.result[0]!.values!
    const found = ups.map(([t]) => {
      const { result } = world.answer(`{job=${JSON.stringify(name)}, __name__!~"up|scrape_.*"}`, Math.round(t * 1000)).data
      return result.map(({ metric }) => ['__name__', '__type__', '__unit__'].flatMap((label) => metric[label] ?? []).join('/')).toSorted()
    })
    expect(found).toEqual(want.map((one) => one.split(' ').toSorted()))
  })
})
