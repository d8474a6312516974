// Which of the series that a selector selects have a slot for samples, and which slot: those that have samples, or had some not long
// ago. Slots of those that have ended are given to those that come.
//
//   selected   17   23   31   40     all that match, ascending, as the store gave them last
//   slots       0    –    2    1     –: no samples                     refs, slots: 17 31 40, 0 2 1

/** Of a series without one. */
export const NO_SLOT = -1

export class SeriesSlots {
  /** Series with a slot, ascending, and their slots; as of the last `arrange`. */
  refs: Uint32Array = new Uint32Array(0)
  slots: Uint32Array = new Uint32Array(0)
  /** Slots that are or were in use. */
  slotCount = 0
  #selected: Uint32Array = new Uint32Array(0)
  /** By place among those selected. */
  #slotOf: Int32Array = new Int32Array(0)
  #free: number[] = []
  #isArranged = true

  /** Anew: those of `selected` that are among `live` get slots in their order; both ascend. */
  begin(selected: Uint32Array, live: Uint32Array): void {
    this.#selected = selected.slice()
    this.#slotOf = new Int32Array(selected.length).fill(NO_SLOT)
    this.#free = []
    this.slotCount = 0
    for (let i = 0, k = 0; i < selected.length; i++) {
      while (k < live.length && live[k]! < selected[i]!) k++
      if (live[k] === selected[i]) this.#slotOf[i] = this.slotCount++
    }
    this.#isArranged = false
  }

  /** What is selected now; the series that were not before, without slots so far. null: one that has a slot has gone. */
  select(selected: Uint32Array): Uint32Array | null {
    const known = this.#selected
    const slots = this.#slotOf
    let k = 0
    while (k < known.length && selected[k] === known[k]) k++
    if (k === known.length && k === selected.length) return NONE
    const slotOf = new Int32Array(selected.length).fill(NO_SLOT)
    slotOf.set(slots.subarray(0, k))
    const added: number[] = []
    for (let i = k; i < selected.length; i++) {
      for (; k < known.length && known[k]! < selected[i]!; k++) if (slots[k] !== NO_SLOT) return null
      if (known[k] === selected[i]) slotOf[i] = slots[k++]!
      else added.push(selected[i]!)
    }
    for (; k < known.length; k++) if (slots[k] !== NO_SLOT) return null
    this.#selected = selected.slice()
    this.#slotOf = slotOf
    return Uint32Array.from(added)
  }

  slotOf(place: number): number {
    return this.#slotOf[place]!
  }

  refOf(place: number): number {
    return this.#selected[place]!
  }

  /** Gives a slot to the series at that place. */
  seat(place: number): number {
    const slot = this.#free.pop() ?? this.slotCount++
    this.#slotOf[place] = slot
    this.#isArranged = false
    return slot
  }

  /** The series' slot is free. */
  unseat(ref: number): void {
    const place = placeOf(this.#selected, ref)
    this.#free.push(this.#slotOf[place]!)
    this.#slotOf[place] = NO_SLOT
    this.#isArranged = false
  }

  /** Makes `refs` and `slots` anew, if need be. */
  arrange(): void {
    if (this.#isArranged) return
    this.#isArranged = true
    const count = this.slotCount - this.#free.length
    if (this.refs.length !== count) {
      this.refs = new Uint32Array(count)
      this.slots = new Uint32Array(count)
    }
    let k = 0
    for (let i = 0; i < this.#selected.length; i++) {
      if (this.#slotOf[i] === NO_SLOT) continue
      this.refs[k] = this.#selected[i]!
      this.slots[k++] = this.#slotOf[i]!
    }
  }
}

const NONE: Uint32Array = new Uint32Array(0)

/** Whether one of `refs` is among `among`; both ascend. */
export function comersAmong(refs: Uint32Array, among: Uint32Array): boolean {
  return refs.some((ref) => among[placeOf(among, ref)] === ref)
}

/** Of the first that is not below `ref`. */
function placeOf(refs: Uint32Array, ref: number): number {
  let [lo, hi] = [0, refs.length]
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (refs[mid]! < ref) lo = mid + 1
    else hi = mid
  }
  return lo
}
