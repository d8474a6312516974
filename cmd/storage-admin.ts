// Deleting and snapshots, as the web server asks for them.
import type { Clock } from '../lib/std/clock.ts'
import type { Random } from '../lib/std/random.ts'
import { COPY_NAME, META_NAME } from '../lib/meta/file-names.ts'
import type { MetaStore } from '../lib/meta/interface.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { Database } from '../storage/database.ts'
import type { StorageAdmin } from '../web/parts.ts'

export class DatabaseAdmin implements StorageAdmin {
  readonly #db: Database
  readonly #meta: Pick<MetaStore, 'copy'>
  readonly #clock: Clock
  readonly #random: Random

  constructor({ db, meta }: { db: Database; meta: Pick<MetaStore, 'copy'> }, clock: Clock, random: Random) {
    this.#db = db
    this.#meta = meta
    this.#clock = clock
    this.#random = random
  }

  deleteSeries(sets: readonly (readonly Matcher[])[], startMs: number, endMs: number): Promise<void> {
    return this.#db.blocks.delete(sets, startMs, endMs)
  }

  cleanTombstones(): Promise<void> {
    return this.#db.blocks.clean()
  }

  /** Named as Prometheus names them: the time, and a random number. */
  async snapshot(isHeadSkipped: boolean): Promise<string> {
    const time = new Date(this.#clock.now()).toISOString().replace(/[-:]|\.\d+/g, '')
    const name = `${time}-${[this.#random.u32(), this.#random.u32()].map((n) => n.toString(16).padStart(8, '0')).join('')}`
    await this.#db.blocks.snapshot(name, !isHeadSkipped, { from: COPY_NAME, to: META_NAME }, () => this.#meta.copy())
    return name
  }
}
