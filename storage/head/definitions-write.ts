// What the head holds, as definitions: its series, then its groups, of which the last that has a series is where that is now.
import type { SeriesFile } from '../log/series-file.ts'
import type { Head } from './head.ts'

/** Some 2 ms. */
const SERIES_PER_TURN = 1024
const COLUMNS_PER_TURN = 65_536

/** By group and column: the series that have left it. A vacant column says nothing of whose samples it holds still. */
export class MovedColumns {
  readonly #byGroup = new Map<number, Map<number, number>>()

  /** Those that have left by now. */
  constructor({ series }: Head) {
    for (let ref = 1; ref <= series.newest; ref++) {
      if (!series.isLive(ref)) ref = series.endOfDead(ref)
      else if (series.hasOlderPlaces(ref)) series.olderPlaces(ref, (group, column) => this.note(ref, group, column))
    }
  }

  note(ref: number, group: number, column: number): void {
    const columns = this.#byGroup.get(group)
    if (columns) columns.set(column, ref)
    else this.#byGroup.set(group, new Map([[column, ref]]))
  }

  /** 0 where none has. */
  of(group: number, column: number): number {
    return this.#byGroup.get(group)?.get(column) ?? 0
  }
}

/** What refs are to be called, the live ones ascending as they do. */
export interface RefNames {
  of(ref: number): number
  /** Refs up to this one are given, then. */
  readonly newest: number
}

/** Yields where others may have their turn; what it has written by then is for who calls to hand on. */
export function* writeDefinitions(head: Head, target: SeriesFile, moved: MovedColumns, names: RefNames): Generator<void> {
  const { groups, heap, series } = head
  if (series.renumberings > 0) target.addRenumbering(series.renumberings)
  let written = 0
  for (let ref = 1; ref <= series.newest; ref++) {
    if (!series.isLive(ref)) {
      ref = series.endOfDead(ref)
      continue
    }
    target.addSeries(names.of(ref), series.index.labelsOf(ref), series.index.idsOf(ref))
    if (++written % SERIES_PER_TURN === 0) yield
  }
  target.addGiven(names.newest)
  let columns = 0
  for (const group of groups.filter((one) => one !== groups[0]).sort((a, b) => a.age - b.age)) {
    const { id, isLate, generation } = group
    // Let go of since.
    if (groups[id] !== group) continue
    let firstColumn = 0
    for (const { end, salt } of group.definitions) {
      const first = firstColumn
      const own = heap.u32.slice(group.refsWord + first, group.refsWord + end).map((ref, i) => (series.isLive(ref) ? ref : moved.of(id, first + i)))
      target.addGroup({ group: id, firstColumn, refs: own.map((ref) => (ref === 0 ? 0 : names.of(ref))), isLate, generation, salt })
      firstColumn = end
    }
    columns += group.columns + 16
    if (columns < COLUMNS_PER_TURN) continue
    columns = 0
    yield
  }
  target.addGroup({ group: groups.length - 1, firstColumn: 0, refs: new Uint32Array(0), isLate: false, generation: 0, salt: 0 })
}
