// Series by how long their samples are kept: each class is read from its own cutoff on, so that what is past its retention
// is not shown, whether or not it is still in blocks or head.
import type { OpenBlock } from './block-set.ts'
import type { HeadQuerier } from './head/head-querier.ts'
import type { Selection, SeriesBatch } from './interface.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { Cutoff } from './retention-rules.ts'
import type { BatchPool } from './head/batch-pool.ts'
import { positionOf, selectAcross, withCold, type Selected } from './store-select.ts'

export interface AgeClass {
  /** Place of the cutoff in the list. */
  readonly rule: number
  /** Samples before this are past their retention, Unix ms. */
  readonly t: number
  readonly selected: Selected
}

/** Splits what matchers selected by the first cutoff that matches; classes without series are left out. */
export function ageClasses(selected: Selected, cutoffs: readonly Cutoff[], select: (matchers: readonly Matcher[]) => Selected): AgeClass[] {
  const classes: AgeClass[] = []
  let rest = selected
  cutoffs.forEach(({ matchers, t }, rule) => {
    const { refs, cold } = rest
    if (refs.length + cold.length === 0) return
    if (rule === cutoffs.length - 1) {
      classes.push({ rule, t, selected: rest })
      return
    }
    const ruled = select(matchers)
    const isRuled = new Set([...ruled.refs, ...ruled.cold.map(({ ref }) => ref)])
    const own = { refs: refs.filter((ref) => isRuled.has(ref)), cold: cold.filter(({ ref }) => isRuled.has(ref)) }
    if (own.refs.length + own.cold.length > 0) classes.push({ rule, t, selected: own })
    rest = { refs: refs.filter((ref) => !isRuled.has(ref)), cold: cold.filter(({ ref }) => !isRuled.has(ref)) }
  })
  return classes
}

interface AgeSelection {
  head: HeadQuerier
  /** In order of time, those of the whole range. */
  blocks: readonly OpenBlock[]
  selected: Selected
  classes: readonly AgeClass[]
  pool: BatchPool
}

/** Samples of all classes in the range, as one selection. */
export function selectByAge(what: AgeSelection, mint: number, maxt: number): Selection {
  const refs = withCold(what.selected.refs, what.selected.cold)
  const read = batches(what, refs, mint, maxt)
  return { refs, next: () => read.next().value ?? null }
}

function* batches({ head, blocks, classes, pool }: AgeSelection, refs: Uint32Array, mint: number, maxt: number): Generator<SeriesBatch, null> {
  for (const { t, selected } of classes) {
    if (t > maxt) continue
    const selection = selectAcross(head, blocks, selected, { mint: Math.max(mint, t), maxt }, pool)
    const positions = Uint32Array.from(selection.refs, (ref) => positionOf(refs, ref))
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      for (let s = 0; s < batch.seriesCount; s++) batch.index[s] = positions[batch.index[s]!]!
      yield batch
    }
  }
  return null
}
