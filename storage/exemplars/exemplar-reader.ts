// Reads the ring from any thread, while main writes into it.
import { decodeExemplarLabels, type Exemplar } from '../../lib/model/exemplar.ts'
import type { SeriesExemplars } from '../interface.ts'
import { HEADER_NEXT, HEADER_USED, INFO_LENGTH, slotsOf } from './exemplar-layout.ts'

/**
 * The exemplars in [mint, maxt] of series that stand, ascending, in any of the lists, in no order of series. One pass over the ring:
 * the pass over 100,000 slots takes less than finding the series.
 */
export function readExemplars(buffer: SharedArrayBuffer, selected: readonly Uint32Array[], mint: number, maxt: number): SeriesExemplars[] {
  const slots = slotsOf(buffer)
  const used = slots.header[HEADER_USED]!
  const wanted = bitsOf(selected)
  const found = new Map<number, Exemplar[]>()
  // From the oldest on.
  const first = used < slots.capacity ? 0 : Atomics.load(slots.header, HEADER_NEXT)
  for (let k = 0; k < used; k++) {
    const slot = first + k < used ? first + k : first + k - used
    const version = Atomics.load(slots.versions, slot)
    const ref = slots.refs[slot]!
    const timeMs = slots.times[slot]!
    if (timeMs < mint || timeMs > maxt || ref >>> 5 >= wanted.length || (wanted[ref >>> 5]! & (1 << (ref & 31))) === 0) continue
    const value = slots.values[slot]!
    const at = slots.textAt[slot]!
    const text = slots.text.slice(at, at + (slots.infos[slot]! & INFO_LENGTH))
    // What is being written over is the oldest, and gone; its bytes need not be labels.
    if ((version & 1) !== 0 || Atomics.load(slots.versions, slot) !== version) continue
    const exemplar = { labels: decodeExemplarLabels(text, 0, text.length), value, timeMs }
    const list = found.get(ref)
    if (list === undefined) found.set(ref, [exemplar])
    else list.push(exemplar)
  }
  // Slots that main has filled again meanwhile come too early.
  return Array.from(found, ([ref, exemplars]) => ({ ref, exemplars: exemplars.toSorted((a, b) => a.timeMs - b.timeMs) }))
}

/** A bit for each ref; none for 0, which slots without an exemplar have. */
function bitsOf(selected: readonly Uint32Array[]): Int32Array {
  const refMax = Math.max(0, ...selected.map((refs) => refs.at(-1) ?? 0))
  const bits = new Int32Array((refMax >>> 5) + 1)
  for (const refs of selected) for (let i = 0; i < refs.length; i++) bits[refs[i]! >>> 5]! |= 1 << (refs[i]! & 31)
  return bits
}
