// The store of a `.test` file: loads fill it, `clear` makes it anew.
import type { Labels } from '../../lib/model/labels.ts'
import { MemoryStorage, type BatchShape } from '../support/memory-storage.ts'
import { StoredHints } from '../../lib/rules/unit-test/stored-hints.ts'
import { collateClassic } from './classic-buckets.ts'
import type { SeriesItem } from './series-line.ts'
import type { LoadCommand } from './test-file.ts'

export class TestStore {
  storage: MemoryStorage
  readonly #shape: BatchShape
  readonly #hints = new Map<string, StoredHints>()

  constructor(shape: BatchShape = 'equal') {
    this.#shape = shape
    this.storage = this.#made()
  }

  clear(): void {
    this.storage = this.#made()
    this.#hints.clear()
  }

  load({ series, stepMs, withNhcb }: LoadCommand): void {
    // Of two lines for one series in a load, the later one counts.
    const lines = new Map(series.map((line) => [JSON.stringify(line.labels), line]))
    for (const { labels, items, startOffsets } of lines.values()) {
      items.forEach((item, i) => {
        const offsetMs = startOffsets?.[i] ?? null
        this.#add(labels, item, i * stepMs, offsetMs === null ? 0 : i * stepMs + offsetMs)
      })
    }
    if (!withNhcb) return
    for (const { labels, histograms } of collateClassic(lines.values())) {
      for (const [i, h] of histograms) this.#add(labels, { kind: 'histogram', h, isHintWritten: false }, i * stepMs, 0)
    }
  }

  #add(labels: Labels, item: SeriesItem, t: number, startMs: number): void {
    switch (item.kind) {
      case 'gap': return
      case 'float':
        this.#hintsOf(labels).float()
        this.storage.add(labels, t, item.v, startMs)
        return
      case 'stale':
        this.#hintsOf(labels).stale()
        this.storage.addStale(labels, t)
        return
      case 'histogram':
        this.storage.addHistogram(labels, t, this.#hintsOf(labels).histogram(item.h), startMs)
    }
  }

  #hintsOf(labels: Labels): StoredHints {
    const key = JSON.stringify(labels)
    const known = this.#hints.get(key)
    if (known !== undefined) return known
    const made = new StoredHints()
    this.#hints.set(key, made)
    return made
  }

  #made(): MemoryStorage {
    return new MemoryStorage({ shape: this.#shape, outOfOrderWindowMs: Infinity })
  }
}
