// The store of a `.test` file: loads fill it, `clear` makes it anew, and it remembers which series it could not hold
// as they are written (native histograms, start timestamps), so that a failing case can be told from a bug.
import { getLabel, type Labels } from '../../lib/model/labels.ts'
import { MemoryStorage, type BatchShape } from '../support/memory-storage.ts'
import type { LoadCommand } from './test-file.ts'

/** What a series has that the store does not. */
export type Lack = 'native histograms' | 'start timestamps'

export class TestStore {
  storage: MemoryStorage
  readonly #shape: BatchShape
  readonly #lacks: { labels: Labels; lack: Lack }[] = []

  constructor(shape: BatchShape = 'equal') {
    this.#shape = shape
    this.storage = this.#made()
  }

  clear(): void {
    this.storage = this.#made()
    this.#lacks.length = 0
  }

  load(command: LoadCommand): void {
    for (const labels of command.withStartTimestamps) this.#lacks.push({ labels, lack: 'start timestamps' })
    // Of two lines for one series in a load, the later one counts.
    const lines = new Map(command.series.map((line) => [JSON.stringify(line.labels), line]))
    for (const { labels, items } of lines.values()) {
      items.forEach((item, i) => {
        const t = i * command.stepMs
        if (item.kind === 'float') this.storage.add(labels, t, item.v)
        else if (item.kind === 'stale') this.storage.addStale(labels, t)
      })
      if (items.some(({ kind }) => kind === 'histogram')) this.#lacks.push({ labels, lack: 'native histograms' })
      if (command.withNhcb) {
        const collated = collatedLabels(labels)
        if (collated !== null) this.#lacks.push({ labels: collated, lack: 'native histograms' })
      }
    }
  }

  /** What series lack that `isSelected` picks. */
  lacksOf(isSelected: (labels: Labels) => boolean): Set<Lack> {
    return new Set(this.#lacks.filter(({ labels }) => isSelected(labels)).map(({ lack }) => lack))
  }

  #made(): MemoryStorage {
    return new MemoryStorage({ shape: this.#shape, outOfOrderWindowMs: Infinity })
  }
}

/** The series of custom buckets that load_with_nhcb makes of a classic histogram's part; null for other series. */
function collatedLabels(labels: Labels): Labels | null {
  const base = /^(.*)_(?:bucket|count|sum)$/.exec(getLabel(labels, '__name__'))?.[1]
  if (base === undefined) return null
  const collated: string[] = []
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === 'le') continue
    collated.push(labels[i]!, labels[i] === '__name__' ? base : labels[i + 1]!)
  }
  return collated
}
