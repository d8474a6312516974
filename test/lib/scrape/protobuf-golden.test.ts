// Scrapes of the protobuf format against what Prometheus 3.14 answers after the same ones (test/golden/protobuf-scrape.json.gz,
// recorded): from the socket to the query's reply, over a real store, on a clock turned by hand.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plainAnswer, plainExemplars } from '../../golden/protobuf-scrape-answers.ts'
import { CASES, STEP_MS, queriesOf } from '../../golden/protobuf-scrape-cases.ts'
import { ScrapeWorld } from '../../support/scrape-world.ts'

interface Recorded {
  accept: string
  answers: Record<string, string[]>
  exemplars: string[]
  metadata: string[]
}

const recorded = JSON.parse(zlib.gunzipSync(fs.readFileSync(path.resolve(import.meta.dirname, '../../golden/protobuf-scrape.json.gz'))).toString()) as Record<string, Recorded>
describe('scrapes of the protobuf format', () => {
  const world = new ScrapeWorld(CASES)
  beforeAll(() => world.scrape(), 120_000)
  afterAll(() => world.close())

  it('have a recording of every case', () => {
    expect(CASES.map(({ name }) => name)).toEqual(Object.keys(recorded))
  })

  it.each(CASES.map((one) => [one.name, one] as const))('are answered for as by Prometheus: %s', (name, one) => {
    const want = recorded[name]!
    expect(world.accepts.get(name)).toBe(want.accept)
    const ups = world.answer(`up{job=${JSON.stringify(name)}}[5m]`, world.clock.now()).data.result[0]!.values!
    const answers = queriesOf(one).map((query, i) => {
      const times = ups.map(([t], scrape) => (one.isTimed && i >= 4 ? world.baseMs + scrape * STEP_MS : Math.round(t * 1000)))
      return [query, times.map((timeMs) => plainAnswer(world.answer(query, timeMs)))]
    })
    expect(Object.fromEntries(answers)).toEqual(want.answers)
    const found = [...world.manager.metadata()].filter(({ labels }) => labels[labels.indexOf('job') + 1] === name).flatMap(({ metadata }) => [...metadata])
    const rows = found.map(([metric, { type, help, unit }]) => [metric, type, help, unit].join(' | ')).toSorted()
    // Of bodies that failed, or came before the last one, nothing is kept here.
    expect(rows.filter((row) => !want.metadata.includes(row))).toEqual([])
    if (!/come and go|staleness/.test(name) && want.answers[queriesOf(one)[0]!]!.every((row) => row.endsWith('"1"'))) expect(rows).toEqual(want.metadata)
    if (one.isTimed) expect(plainExemplars(world.exemplars(`{job=${JSON.stringify(name)}}`), world.baseMs)).toEqual(want.exemplars)
  })
})
