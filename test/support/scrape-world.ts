// Cases of scrapes (test/golden/protobuf-scrape-cases.ts) from the socket to the query's reply, over a real store, on a clock
// turned by hand.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, vi } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { loadConfig } from '../../lib/config/load.ts'
import { ScrapeManager } from '../../lib/scrape/manager.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { PrometheusAnswer } from '../golden/protobuf-scrape-answers.ts'
import { SCRAPES, casePath, caseServer, type ProtobufCase } from '../golden/protobuf-scrape-cases.ts'
import { group } from './scrape-fixture.ts'

const INTERVAL_MS = 2000

/** All cases scraped, each a job with one target. */
export class ScrapeWorld {
  readonly clock: FakeClock = new FakeClock(1_700_000_000_000)
  readonly #cases: readonly ProtobufCase[]
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-test-'))
  readonly db: Database
  readonly #queryable: StoreQueryable
  readonly #engine = new Engine()
  readonly manager: ScrapeManager
  baseMs = 0
  accepts: Map<string, string> = new Map()

  constructor(cases: readonly ProtobufCase[], options: { labelsFamilies?: boolean } = {}) {
    this.#cases = cases
    this.db = new Database({ folder: this.#folder, retentionMs: Infinity, headBytesMax: 64 * 2 ** 20, clock: this.clock, exemplarsMax: 10_000 })
    this.#queryable = new StoreQueryable(this.db.handle(), 1)
    this.manager = new ScrapeManager({ appender: this.db, clock: this.clock, logger: silentLogger, metrics: new Metrics(), version: 'test', ...options })
  }

  async scrape(): Promise<void> {
    this.baseMs = this.clock.now()
    const { server, address, accepts } = await caseServer(this.#cases, this.baseMs)
    this.accepts = accepts
    const jobs = this.#cases.map((one) => ({ job_name: one.name, metrics_path: casePath(one), scrape_interval: '2s', scrape_timeout: '2s', ...one.config }))
    const { config } = loadConfig(JSON.stringify({ scrape_configs: jobs }), 'cases.yml', { strict: true, env: {} })
    try {
      this.manager.applyConfig(config)
      for (const { name } of this.#cases) this.manager.updateTargets(name, [group([{ __address__: address }])])
      for (let scrape = 1; scrape <= SCRAPES; scrape++) {
        await this.clock.advance(INTERVAL_MS)
        await vi.waitFor(() => expect(this.#count('count_over_time(up[5m])')).toBe(this.#cases.length * scrape), { timeout: 30_000, interval: 20 })
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
