// Scrapes of the protobuf format against what Prometheus 3.14 answers after the same ones (test/golden/protobuf-scrape.json.gz,
// recorded): from the socket to the query's reply, over a real store, on a clock turned by hand.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import zlib from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { loadConfig } from '../../../lib/config/load.ts'
import { ScrapeManager } from '../../../lib/scrape/manager.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { Database } from '../../../storage/database.ts'
import { StoreQueryable } from '../../../storage/store-querier.ts'
import { plainAnswer, plainExemplars, type PrometheusAnswer } from '../../golden/protobuf-scrape-answers.ts'
import { CASES, SCRAPES, STEP_MS, casePath, caseServer, queriesOf } from '../../golden/protobuf-scrape-cases.ts'
import { group } from '../../support/scrape-fixture.ts'

interface Recorded {
  accept: string
  answers: Record<string, string[]>
  exemplars: string[]
  metadata: string[]
}

const recorded = JSON.parse(zlib.gunzipSync(fs.readFileSync(path.resolve(import.meta.dirname, '../../golden/protobuf-scrape.json.gz'))).toString()) as Record<string, Recorded>
const INTERVAL_MS = 2000

/** All cases scraped, each a job with one target. */
class World {
  readonly clock = new FakeClock(1_700_000_000_000)
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-test-'))
  readonly db: Database
  readonly #queryable: StoreQueryable
  readonly #engine = new Engine()
  readonly manager: ScrapeManager
  baseMs = 0
  accepts: Map<string, string> = new Map()

  constructor() {
    this.db = new Database({ folder: this.#folder, retentionMs: Infinity, headBytesMax: 64 * 2 ** 20, clock: this.clock, exemplarsMax: 10_000 })
    this.#queryable = new StoreQueryable(this.db.handle(), 1)
    this.manager = new ScrapeManager({ appender: this.db, clock: this.clock, logger: silentLogger, metrics: new Metrics(), version: 'test' })
  }

  async scrape(): Promise<void> {
    this.baseMs = this.clock.now()
    const { server, address, accepts } = await caseServer(this.baseMs)
    this.accepts = accepts
    const jobs = CASES.map((one) => ({ job_name: one.name, metrics_path: casePath(one), scrape_interval: '2s', scrape_timeout: '2s', ...one.config }))
    const { config } = loadConfig(JSON.stringify({ scrape_configs: jobs }), 'cases.yml', { strict: true, env: {} })
    try {
      this.manager.applyConfig(config)
      for (const { name } of CASES) this.manager.updateTargets(name, [group([{ __address__: address }])])
      for (let scrape = 1; scrape <= SCRAPES; scrape++) {
        await this.clock.advance(INTERVAL_MS)
        await vi.waitFor(() => expect(this.#count('count_over_time(up[5m])')).toBe(CASES.length * scrape), { timeout: 30_000, interval: 20 })
      }
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  answer(query: string, timeMs: number): PrometheusAnswer {
    const { body } = this.#engine.run({ kind: 'instant', query, timeMs, lookbackMs: 300_000, stats: '', timeoutMs: 30_000, limit: 0 }, this.#queryable)
    return JSON.parse(Buffer.from(body).toString()) as PrometheusAnswer
  }

  exemplars(query: string): unknown {
    const { body } = this.#engine.run({ kind: 'exemplars', query, startMs: this.baseMs - 60_000, endMs: this.baseMs + 60_000, limit: 0, timeoutMs: 5000 }, this.#queryable)
    return body.length === 0 ? { data: [] } : JSON.parse(Buffer.from(body).toString())
  }

  async close(): Promise<void> {
    await this.manager.stop()
    this.#queryable.close()
    await this.db.close()
    fs.rmSync(this.#folder, { recursive: true })
  }

  #count(query: string): number {
    return this.answer(query, this.clock.now()).data.result.reduce((sum, { value }) => sum + Number(value![1]), 0)
  }
}

describe('scrapes of the protobuf format', () => {
  const world = new World()
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
