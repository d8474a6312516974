// What a target's last body said, line by line: 20 bytes per line, in struct-of-arrays. Line i is the bytes
// [ends[i - 1], ends[i]) of the body, its newline included; lines are contiguous.

/** Blank line, HELP or other comment. */
export const LINE_COMMENT = 0
/** TYPE comment; its family goes on from here. */
export const LINE_TYPE = 1
/** UNIT comment; what it says of the family goes on from here. */
export const LINE_UNIT = 2
/** A sample whose value ends the line: no timestamp, no exemplar. */
export const LINE_SAMPLE = 3
/** A sample with more behind its value: the rest is read each time. */
export const LINE_LONG_SAMPLE = 4
/** metric_relabel_configs dropped the series. */
export const LINE_DROPPED = 5
/** A sample that is looked up each time: its series came before in the same body, could not be made, or has no safe prefix. */
export const LINE_UNKNOWN = 6
/** When the series of lines before it began (start-times.ts): no sample. */
export const LINE_CREATED = 7

/**
 * A line's facts in one u32: kind (3 bits), family in force behind it (4 bits, TextParser.family), whether its series
 * gets a staleness marker when it vanishes (1 bit), bytes before the value (24 bits).
 */
export function lineInfo(kind: number, family: number, isTracked: boolean, prefixLength: number): number {
  return (kind | (family << 3) | (isTracked ? TRACKED : 0) | (prefixLength << PREFIX_SHIFT)) >>> 0
}

export const KIND_MASK = 7
export const FAMILY_SHIFT = 3
export const FAMILY_MASK = 15
export const TRACKED = 128
export const PREFIX_SHIFT = 8
export const PREFIX_MAX = 0xffffff

export class LineTable {
  count = 0
  ends: Uint32Array = new Uint32Array(0)
  infos: Uint32Array = new Uint32Array(0)
  /** Series of the line; 0 where it has none. */
  refs: Uint32Array = new Uint32Array(0)
  values: Float64Array = new Float64Array(0)

  get capacity(): number {
    return this.ends.length
  }

  /** Makes room for `capacity` lines; keeps those that are there. */
  grow(capacity: number): void {
    const { ends, infos, refs, values, count } = this
    this.ends = new Uint32Array(capacity)
    this.infos = new Uint32Array(capacity)
    this.refs = new Uint32Array(capacity)
    this.values = new Float64Array(capacity)
    this.ends.set(ends.subarray(0, count))
    this.infos.set(infos.subarray(0, count))
    this.refs.set(refs.subarray(0, count))
    this.values.set(values.subarray(0, count))
  }

  /** Makes room for `extra` lines more. Arrays are replaced: take them anew. */
  reserve(extra: number): void {
    const need = this.count + extra
    // Doubled, however little is missing: a body that has left the last one asks for a line more at each of its lines.
    if (need > this.capacity) this.grow(Math.max(256, need, this.capacity * 2))
  }

  /** Becomes a copy of `other`, in arrays that fit it. */
  copyFrom(other: LineTable): void {
    const { count } = other
    this.count = 0
    if (this.capacity < count || this.capacity > count * 2 + 64) this.grow(count + (count >>> 5))
    this.ends.set(other.ends.subarray(0, count))
    this.infos.set(other.infos.subarray(0, count))
    this.refs.set(other.refs.subarray(0, count))
    this.values.set(other.values.subarray(0, count))
    this.count = count
  }

  clear(): void {
    this.count = 0
    if (this.capacity > 0) this.grow(0)
  }

  startOf(line: number): number {
    return line === 0 ? 0 : this.ends[line - 1]!
  }

  push(end: number, info: number, ref: number, value: number): void {
    if (this.count === this.capacity) this.reserve(1)
    const i = this.count++
    this.ends[i] = end
    this.infos[i] = info
    this.refs[i] = ref
    this.values[i] = value
  }
}
