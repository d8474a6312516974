// What a `.test` file has loaded, in the real store: written to a folder, closed, and opened again.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FakeClock } from '../../lib/std/clock.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { MemoryStorage } from '../support/memory-storage.ts'

const HEAD_BYTES = 64 * 2 ** 20

/** One copy at a time. */
export class RealStore {
  #folder = ''
  #database: Database | null = null
  #queryable: StoreQueryable | null = null

  /** A copy of all that `storage` holds; the copy before goes. */
  async copyOf(storage: MemoryStorage): Promise<Queryable> {
    await this.close()
    this.#folder = mkdtempSync(path.join(tmpdir(), 'conformance-'))
    const first = this.#open()
    for (const { labels, samples } of storage.dump()) append(first, labels, samples)
    await first.close()
    this.#database = this.#open()
    this.#queryable = new StoreQueryable(this.#database.handle(), 1)
    return this.#queryable
  }

  async close(): Promise<void> {
    this.#queryable?.close()
    await this.#database?.close()
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = ''
  }

  #open(): Database {
    return new Database({ folder: this.#folder, retentionMs: Infinity, headBytesMax: HEAD_BYTES, clock: new FakeClock() })
  }
}

function append(database: Database, labels: Labels, samples: ReturnType<MemoryStorage['dump']>[number]['samples']): void {
  const verdicts = new Uint8Array(samples.length)
  const ref = database.series(labels)
  const refused = database.append({
    count: samples.length, refs: new Uint32Array(samples.length).fill(ref), t: 0,
    times: Float64Array.from(samples, ({ t }) => t), values: Float64Array.from(samples, ({ v }) => v),
    stale: Uint8Array.from(samples, ({ isStale }) => (isStale ? 1 : 0)), histograms: samples.map(({ h }) => h),
    startTimes: Float64Array.from(samples, ({ startMs }) => startMs),
  }, verdicts)
  if (refused > 0) throw new Error(`the store refused ${refused} samples of ${labels.join()}`)
}
