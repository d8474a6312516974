// Where the exemplars lie in shared memory: a ring of slots, and a ring of bytes for their labels.
//
//   u32 capacity │ next slot │ slots used │ 0 │ columns of `capacity`: version, ref, text at, info (u32), time, value (f64) │ text
//
// A slot's version is odd while main writes it, and another once it is written or given up; who reads a slot looks at the
// version before and after. The labels of slots in use lie in the order of the slots, so that the oldest make room.
import { EXEMPLAR_LABEL_BYTES_MAX } from '../../lib/model/exemplar.ts'

/** Of labels, a slot: what most take, with room. Where they take more, fewer exemplars are kept. */
const TEXT_BYTES_PER_SLOT = 128
const HEADER_BYTES = 16
const SLOT_BYTES = 32

const HEADER_CAPACITY = 0
export const HEADER_NEXT = 1
export const HEADER_USED = 2

/** Info of a slot: length of its labels, and whether the time is its own. */
export const INFO_LENGTH = 0xffff
export const INFO_TIMED = 0x10000

export interface ExemplarSlots {
  readonly capacity: number
  readonly header: Uint32Array
  readonly versions: Uint32Array
  /** 0: nothing is in the slot. */
  readonly refs: Uint32Array
  readonly textAt: Uint32Array
  readonly infos: Uint32Array
  readonly times: Float64Array
  readonly values: Float64Array
  readonly text: Uint8Array
}

/** Memory for `capacity` ≥ 1 exemplars, all of it untouched: it costs nothing until used. */
export function allocateSlots(capacity: number): SharedArrayBuffer {
  const textBytes = Math.max(EXEMPLAR_LABEL_BYTES_MAX, capacity * TEXT_BYTES_PER_SLOT)
  const buffer = new SharedArrayBuffer(HEADER_BYTES + capacity * SLOT_BYTES + textBytes)
  new Uint32Array(buffer)[HEADER_CAPACITY] = capacity
  return buffer
}

export function slotsOf(buffer: SharedArrayBuffer): ExemplarSlots {
  const header = new Uint32Array(buffer, 0, HEADER_BYTES / 4)
  const capacity = header[HEADER_CAPACITY]!
  let at = HEADER_BYTES
  const words = (): Uint32Array => {
    at += capacity * 4
    return new Uint32Array(buffer, at - capacity * 4, capacity)
  }
  const [versions, refs, textAt, infos] = [words(), words(), words(), words()]
  return {
    capacity, header, versions, refs, textAt, infos,
    times: new Float64Array(buffer, at, capacity), values: new Float64Array(buffer, at + capacity * 8, capacity),
    text: new Uint8Array(buffer, at + capacity * 16),
  }
}
