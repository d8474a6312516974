// What the frames of the file of definitions say (FORMAT.md, "Series file"), read back.
import { assert } from '../../lib/std/assert.ts'
import type { Labels } from '../../lib/model/labels.ts'
import type { Steps } from '../../lib/std/steps.ts'
import { readVarint, type VarintPlace } from '../codec/bits.ts'
import type { DamageTally } from './damage.ts'
import { TYPE_GROUP, TYPE_RENUMBERING, TYPE_SERIES, TYPE_SPELLED_SERIES } from './frame.ts'
import { scanFrames, scanFramesInSteps } from './scan-frames.ts'

/**
 * The series of one frame. Labels have numbers from 1 on, in the order in which they are spelled out. Valid while it is visited:
 * the arrays, longer than what is in them, are those of the next frame.
 */
export interface SeriesFrame {
  readonly bytes: Buffer
  /** Texts, in UTF-8 at bytes[textFrom[i], textTo[i]); the same may stand in several places. */
  readonly textCount: number
  readonly textFrom: Uint32Array
  readonly textTo: Uint32Array
  /** By number: places of a label's name and value among the texts. */
  readonly labelCount: number
  readonly labelName: Uint32Array
  readonly labelValue: Uint32Array
  /** The i-th series has the ref firstRef + i and the labels used[ends[i - 1], ends[i]), by name; the first of all stands at 0. */
  readonly firstRef: number
  readonly seriesCount: number
  readonly ends: Uint32Array
  readonly used: Uint32Array
}

/** What a definitions file says, in the order it was said. */
export interface DefinitionVisitor {
  /** So many series are defined in the file, those counted that come again under the same ref. */
  begin(seriesCount: number): void
  /** So much of the file lies before what comes now, 0 to 1. */
  progress(share: number): void
  /** Series were numbered anew, so often. */
  renumbered(times: number): void
  /** Refs up to this one were given; those that are not defined have been forgotten. */
  given(ref: number): void
  series(frame: SeriesFrame): void
  group(definition: GroupDefinition): void
}

/** The labels of each series of a frame. */
export function labelsIn({ bytes, textCount, textFrom, textTo, labelName, labelValue, seriesCount, ends, used }: SeriesFrame): Labels[] {
  const texts = Array.from({ length: textCount }, (_, i) => bytes.toString('utf8', textFrom[i], textTo[i]))
  return Array.from({ length: seriesCount }, (_, i) => (
    [...used.subarray(i === 0 ? 0 : ends[i - 1], ends[i])].flatMap((label) => [texts[labelName[label]!]!, texts[labelValue[label]!]!])
  ))
}

/** Columns that a group gains; none where it is only said that ids up to the group's were given. */
export interface GroupDefinition {
  group: number
  firstColumn: number
  /** 0: the column is vacant. */
  refs: Uint32Array
  isLate: boolean
  /** Of the cut (head/published.ts), at most 24 bits; what it was when the group was made. */
  generation: number
  /** Random: tells this definition from another of the same id, made after this one was lost. */
  salt: number
}

export const GROUP_HEAD_BYTES = 24
export const GROUP_LATE = 1
export const GENERATION_SHIFT = 8

/** Read between two turns of others: some 2 ms of series. */
const STEP_BYTES = 32_768

/** Visits what the frames of a stream define, in order. */
export function visitDefinitions(bytes: Buffer, visitor: DefinitionVisitor): Steps<DamageTally> {
  const frame = new FrameReader()
  visitor.begin(countSeries(bytes))
  return scanFramesInSteps(bytes, 0, bytes.length, (type, at) => {
    visitor.progress(at / bytes.length)
    if (type === TYPE_SERIES || type === TYPE_SPELLED_SERIES) {
      frame.read(bytes, at, type === TYPE_SPELLED_SERIES)
      if (frame.seriesCount === 0) visitor.given(frame.firstRef - 1)
      else visitor.series(frame)
    } else if (type === TYPE_GROUP) visitGroup(bytes, at, visitor)
    else if (type === TYPE_RENUMBERING) visitor.renumbered(bytes.readUInt32LE(at))
  }, STEP_BYTES)
}

function countSeries(bytes: Buffer): number {
  let count = 0
  scanFrames(bytes, 0, bytes.length, (type, at) => {
    if (type === TYPE_SERIES || type === TYPE_SPELLED_SERIES) count += bytes.readUInt32LE(at + 4)
  })
  return count
}

/** Series whose labels are spelled out once in a frame, and numbers from then on; or each time, as folders of an earlier form have them. */
class FrameReader implements SeriesFrame {
  bytes: Buffer = Buffer.alloc(0)
  textCount = 0
  textFrom: Uint32Array = new Uint32Array(4096)
  textTo: Uint32Array = new Uint32Array(4096)
  labelCount = 0
  labelName: Uint32Array = new Uint32Array(4096)
  labelValue: Uint32Array = new Uint32Array(4096)
  firstRef = 0
  seriesCount = 0
  ends: Uint32Array = new Uint32Array(4096)
  used: Uint32Array = new Uint32Array(16_384)
  readonly #place: VarintPlace = { at: 0 }

  read(bytes: Buffer, at: number, isSpelled: boolean): void {
    this.bytes = bytes
    this.firstRef = bytes.readUInt32LE(at)
    this.seriesCount = bytes.readUInt32LE(at + 4)
    this.textCount = 0
    this.labelCount = 0
    this.ends = withRoom(this.ends, this.seriesCount, 0)
    const place = this.#place
    place.at = at + 8
    let end = 0
    for (let i = 0; i < this.seriesCount; i++) {
      const n = readVarint(bytes, place)
      this.#reserve(end, n)
      if (isSpelled) for (let k = end; k < end + n; k++) this.used[k] = this.#spelled(0)
      else this.#readLabels(bytes, end, n)
      this.ends[i] = end += n
    }
  }

  #readLabels(bytes: Buffer, from: number, n: number): void {
    const place = this.#place
    const { used } = this
    let { at } = place
    for (let i = from; i < from + n; i++) {
      // Fast path: one of the first labels of the frame, by its number.
      const first = bytes[at]!
      if (first < 128 && (first & 1) === 0) {
        used[i] = this.#known(first >>> 1)
        at++
        continue
      }
      place.at = at
      const code = readVarint(bytes, place)
      used[i] = (code & 1) === 0 ? this.#known(code >>> 1) : this.#spelled(code >>> 1)
      at = place.at
    }
    place.at = at
  }

  #known(number: number): number {
    assert(number > 0 && number <= this.labelCount, 'a label of definitions is a number that none has')
    return number
  }

  /** The number of a label that is spelled out; its name is that of the `named`-th, if that is not 0. */
  #spelled(named: number): number {
    const name = named === 0 ? this.#text() : this.labelName[this.#known(named)]!
    const number = ++this.labelCount
    this.labelName[number] = name
    this.labelValue[number] = this.#text()
    return number
  }

  /** The place of a text among those of the frame. */
  #text(): number {
    const place = this.#place
    const length = readVarint(this.bytes, place)
    const i = this.textCount++
    this.textFrom[i] = place.at
    this.textTo[i] = place.at += length
    return i
  }

  /** Room for a series of n labels. */
  #reserve(end: number, n: number): void {
    this.used = withRoom(this.used, end + n, end)
    this.labelName = withRoom(this.labelName, this.labelCount + n + 1, this.labelCount + 1)
    this.labelValue = withRoom(this.labelValue, this.labelCount + n + 1, this.labelCount + 1)
    this.textFrom = withRoom(this.textFrom, this.textCount + 2 * n, this.textCount)
    this.textTo = withRoom(this.textTo, this.textCount + 2 * n, this.textCount)
  }
}

/** An array of n numbers or more that begins with array[0, kept). */
function withRoom(array: Uint32Array, n: number, kept: number): Uint32Array {
  if (n <= array.length) return array
  const larger = new Uint32Array(n * 2)
  larger.set(array.subarray(0, kept))
  return larger
}

function visitGroup(bytes: Buffer, at: number, visitor: DefinitionVisitor): void {
  const refs = new Uint32Array(bytes.readUInt32LE(at + 8))
  for (let i = 0; i < refs.length; i++) refs[i] = bytes.readUInt32LE(at + GROUP_HEAD_BYTES + i * 4)
  const flags = bytes.readUInt32LE(at + 12)
  visitor.group({
    group: bytes.readUInt32LE(at), firstColumn: bytes.readUInt32LE(at + 4), refs,
    isLate: (flags & GROUP_LATE) !== 0, generation: flags >>> GENERATION_SHIFT, salt: bytes.readUInt32LE(at + 16),
  })
}
