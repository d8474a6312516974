// The exemplars that came last, of all series together: the writer's side, main's alone. What is in order and what is a
// repetition is judged as Prometheus' CircularExemplarStorage does (tsdb/exemplar.go), series by series.
import {
  EXEMPLAR_DUPLICATE, EXEMPLAR_FUTURE, EXEMPLAR_NO_SERIES, EXEMPLAR_OUT_OF_ORDER, EXEMPLAR_STORED, EXEMPLAR_VERDICTS, type ExemplarColumns,
} from '../../lib/model/exemplar.ts'
import { HEADER_NEXT, HEADER_USED, INFO_LENGTH, INFO_TIMED, allocateSlots, slotsOf, type ExemplarSlots } from './exemplar-layout.ts'

export class ExemplarRing {
  readonly buffer: SharedArrayBuffer
  /** Exemplars by verdict, since start. */
  readonly counts: Float64Array = new Float64Array(EXEMPLAR_VERDICTS.length)
  /** Exemplars in the ring. */
  count = 0
  readonly #slots: ExemplarSlots
  /** Slot of the newest exemplar of each series that has one. By ref, not in a column: refs are never given again, so that they grow for ever. */
  readonly #newest = new Map<number, number>()
  #oldest = 0
  #next = 0
  #textNext = 0

  constructor(capacity: number) {
    this.buffer = allocateSlots(capacity)
    this.#slots = slotsOf(this.buffer)
  }

  get capacity(): number {
    return this.#slots.capacity
  }

  /** Series with exemplars in the ring. */
  get seriesCount(): number {
    return this.#newest.size
  }

  /** Unix ms of the exemplar that is kept longest, 0 where there is none. */
  get oldestTimeMs(): number {
    return this.count === 0 ? 0 : this.#slots.times[this.#oldest]!
  }

  /** True if it has an exemplar of a series. */
  has(ref: number): boolean {
    return this.#newest.has(ref)
  }

  /** Takes exemplars whose verdict is still "stored", and writes what becomes of each; times above `latestMs` are refused. */
  append(batch: ExemplarColumns, latestMs: number): void {
    const { verdicts, count } = batch
    for (let i = 0; i < count; i++) {
      if (verdicts[i] === EXEMPLAR_STORED) verdicts[i] = this.#judge(batch, i, latestMs)
      if (verdicts[i] === EXEMPLAR_STORED) this.#put(batch, i)
      this.counts[verdicts[i]!]! += 1
    }
  }

  #judge(batch: ExemplarColumns, i: number, latestMs: number): number {
    const ref = batch.refs[i]!
    if (ref === 0) return EXEMPLAR_NO_SERIES
    const t = batch.times[i]!
    if (!(t <= latestMs)) return EXEMPLAR_FUTURE
    const slot = this.#newest.get(ref)
    if (slot === undefined) return EXEMPLAR_STORED
    const { times, values, infos } = this.#slots
    const lastT = times[slot]!
    const value = batch.values[i]!
    const lastValue = values[slot]!
    // Without a time of its own an exemplar is as old as the scrape, each time: the same one again all the same.
    const isTimed = batch.timed[i] === 1 || (infos[slot]! & INFO_TIMED) !== 0
    const isSameValue = value === lastValue || (value !== value && lastValue !== lastValue)
    if (isSameValue && (t === lastT || !isTimed)) {
      const order = this.#compareLabels(batch, i, slot)
      if (order === 0) return EXEMPLAR_DUPLICATE
      if (t === lastT) return order < 0 ? EXEMPLAR_OUT_OF_ORDER : EXEMPLAR_STORED
    }
    return t < lastT || (t === lastT && value < lastValue) ? EXEMPLAR_OUT_OF_ORDER : EXEMPLAR_STORED
  }

  #put(batch: ExemplarColumns, i: number): void {
    const slots = this.#slots
    const { refs, versions, header, capacity } = slots
    const ref = batch.refs[i]!
    const length = batch.ends[i]! - batch.starts[i]!
    const slot = this.#next
    if (this.count === capacity) this.#dropOldest()
    const at = this.#roomFor(length)
    Atomics.add(versions, slot, 1)
    refs[slot] = ref
    slots.times[slot] = batch.times[i]!
    slots.values[slot] = batch.values[i]!
    slots.textAt[slot] = at
    slots.infos[slot] = length | (batch.timed[i] === 1 ? INFO_TIMED : 0)
    for (let k = 0, from = batch.starts[i]!; k < length; k++) slots.text[at + k] = batch.text[from + k]!
    Atomics.add(versions, slot, 1)
    this.#newest.set(ref, slot)
    this.count++
    this.#next = slot + 1 === capacity ? 0 : slot + 1
    if (header[HEADER_USED]! < capacity) header[HEADER_USED]! += 1
    Atomics.store(header, HEADER_NEXT, this.#next)
  }

  /** A place for labels of `length` bytes, which the oldest exemplars give up. */
  #roomFor(length: number): number {
    const { textAt, text } = this.#slots
    // Labels of no bytes take one, so that the places of slots ascend strictly.
    const size = Math.max(1, length)
    let at = this.#textNext
    if (at + size > text.length) {
      while (this.count > 0 && textAt[this.#oldest]! >= at) this.#dropOldest()
      at = 0
    }
    while (this.count > 0 && textAt[this.#oldest]! >= at && textAt[this.#oldest]! < at + size) this.#dropOldest()
    this.#textNext = at + size
    return at
  }

  #dropOldest(): void {
    const { refs, versions, capacity } = this.#slots
    const slot = this.#oldest
    const ref = refs[slot]!
    if (this.#newest.get(ref) === slot) this.#newest.delete(ref)
    // Before its labels are written over: who is reading them sees it.
    Atomics.add(versions, slot, 2)
    refs[slot] = 0
    this.#oldest = slot + 1 === capacity ? 0 : slot + 1
    this.count--
  }

  /** The order of the labels' bytes: of equal times and values it tells what has come already from what is new. */
  #compareLabels(batch: ExemplarColumns, i: number, slot: number): number {
    const { text, textAt, infos } = this.#slots
    const from = batch.starts[i]!
    const at = textAt[slot]!
    const length = batch.ends[i]! - from
    const lastLength = infos[slot]! & INFO_LENGTH
    const n = Math.min(length, lastLength)
    for (let k = 0; k < n; k++) if (batch.text[from + k] !== text[at + k]) return batch.text[from + k]! - text[at + k]!
    return length - lastLength
  }
}
