// The append-only file of definitions: which labels a ref has, which refs a group's columns are (FORMAT.md, "Series
// file"). Every byte is written twice, 64 KiB apart, because one lost definition would lose every row that uses it.
import path from 'node:path'
import { DiskError, type DiskFile, openDurably, removeFile, rename, syncFolder } from '../../lib/std/fs.ts'
import { assert } from '../../lib/std/assert.ts'
import type { Steps } from '../../lib/std/steps.ts'
import type { Labels } from '../../lib/model/labels.ts'
import type { FileList } from '../file-list.ts'
import { MARK_BYTES, writeMark, type DamageTally } from './damage.ts'
import {
  FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_GROUP, TYPE_RENUMBERING, TYPE_SERIES, findFrame, frameLength, isPayloadSound, sealFrame,
} from './frame.ts'
import { FrameLabels, type LabelIds } from './frame-labels.ts'
import { GENERATION_SHIFT, GROUP_HEAD_BYTES, GROUP_LATE, visitDefinitions, type DefinitionVisitor, type GroupDefinition } from './series-frames.ts'

const STRIPE_BYTES = 65536
/** As the list of files has it; lengths are those of the stream. */
const LISTED = 'series/definitions'
const BUFFER_BYTES = 1 << 18
/** A frame of series that has more is closed: who loses one, of both copies, loses no more than some thousand series. */
const SERIES_BYTES_MAX = 32_768
/** Flushes without definitions that end a burst of them. */
const RESTS = 16
const FIRST_BYTES = 1 << 13

/** What came while the file is written anew. */
type Addition = { ref: number; labels: Labels } | GroupDefinition

/** Beside the file: what it is to become. */
const REWRITE_SUFFIX = '.new'

export class SeriesFile {
  readonly #path: string
  readonly #list: FileList | null
  #file: DiskFile
  /** The sync under way. */
  #syncing: Promise<void> | null = null
  /** The file that is to take this one's place, and what is to follow in it. */
  #rewrite: { target: SeriesFile; additions: Addition[] } | null = null
  /** Length of the logical stream that is in the file. */
  #length = 0
  /** Where what this process has written begins, how far it is on the device, how far a mark says so. */
  #ownFrom = 0
  #syncedTo = 0
  #markedTo = 0
  #syncFailure: DiskError | null = null
  #buffer: Buffer = Buffer.alloc(FIRST_BYTES)
  #restsLeft = RESTS
  #used = 0
  /** An open series frame: refs are consecutive, so they share one frame until something else comes. */
  #seriesAt = -1
  #seriesCount = 0
  /** The ref that would continue it. */
  #seriesNext = 0
  readonly #labels: FrameLabels = new FrameLabels()

  /** How much of it is on the device is noted in `list`. */
  constructor(file: string, list: FileList | null = null) {
    this.#path = file
    this.#list = list
    removeFile(`${file}${REWRITE_SUFFIX}`)
    this.#file = openDurably(file)
  }

  get hasPending(): boolean {
    return this.#used > 0
  }

  get sizeBytes(): number {
    return this.#length * 2
  }

  /** What the device holds is not known then, until the file is written anew. */
  get hasFailedSync(): boolean {
    return this.#syncFailure !== null
  }

  /** Reads what is there; must be run once, to its end, before the first append. */
  *load(visitor: DefinitionVisitor): Steps<DamageTally> {
    const copies = readCopies(this.#file)
    const tally = yield* visitDefinitions(mend(copies), visitor)
    // Of holes inside nothing is known: a process that was killed may have left them.
    tally.expect({ whole: 0, end: this.#list?.lengthOf(LISTED) ?? 0 })
    this.#length = tally.soundEnd
    this.#ownFrom = this.#length
    this.#syncedTo = Math.min(tally.syncedTo, this.#length)
    this.#markedTo = this.#syncedTo
    return tally
  }

  /** `ids`: of the labels. Without them each label of the series is spelled out. */
  addSeries(ref: number, labels: Labels, ids: LabelIds | null = null): void {
    this.#rewrite?.additions.push({ ref, labels })
    let room = 16
    for (const text of labels) room += text.length * 3 + 6
    if (this.#seriesAt >= 0 && !this.#isNext(ref, labels, ids)) this.#closeSeries()
    this.#reserve(room + 64)
    if (this.#seriesAt < 0) {
      this.#seriesAt = this.#used
      this.#seriesCount = 0
      this.#buffer.writeUInt32LE(ref, this.#used + FRAME_HEAD_BYTES)
      this.#used += FRAME_HEAD_BYTES + 8
      this.#labels.begin(ids)
    }
    this.#used = this.#labels.write(this.#buffer, this.#used, labels, ids)
    this.#seriesCount++
    this.#seriesNext = ref + 1
  }

  /** Whether a series goes on with the open frame. */
  #isNext(ref: number, labels: Labels, ids: LabelIds | null): boolean {
    return ref === this.#seriesNext && this.#used - this.#seriesAt <= SERIES_BYTES_MAX && this.#labels.takes(labels, ids)
  }

  /** Says that refs up to this one were given, whether or not they are defined. */
  addGiven(ref: number): void {
    this.#closeSeries()
    this.#reserve(FRAME_OVERHEAD_BYTES + 8)
    this.#buffer.writeUInt32LE(ref + 1, this.#used + FRAME_HEAD_BYTES)
    this.#buffer.writeUInt32LE(0, this.#used + FRAME_HEAD_BYTES + 4)
    this.#used = sealFrame(this.#buffer, this.#used, TYPE_SERIES, 8)
  }

  /** Says that series were numbered anew, so often: blocks may name refs above those given here. It is what the file begins with. */
  addRenumbering(times: number): void {
    this.#closeSeries()
    this.#reserve(FRAME_OVERHEAD_BYTES + 8)
    this.#buffer.writeUInt32LE(times, this.#used + FRAME_HEAD_BYTES)
    this.#buffer.writeUInt32LE(0, this.#used + FRAME_HEAD_BYTES + 4)
    this.#used = sealFrame(this.#buffer, this.#used, TYPE_RENUMBERING, 8)
  }

  addGroup(definition: GroupDefinition): void {
    const { group, firstColumn, refs, isLate, generation, salt } = definition
    this.#rewrite?.additions.push({ ...definition, refs: refs.slice() })
    this.#closeSeries()
    const length = Math.ceil((GROUP_HEAD_BYTES + refs.length * 4) / 8) * 8
    this.#reserve(length + FRAME_OVERHEAD_BYTES)
    const at = this.#used + FRAME_HEAD_BYTES
    this.#buffer.fill(0, at, at + length)
    this.#buffer.writeUInt32LE(group, at)
    this.#buffer.writeUInt32LE(firstColumn, at + 4)
    this.#buffer.writeUInt32LE(refs.length, at + 8)
    this.#buffer.writeUInt32LE(((isLate ? GROUP_LATE : 0) | (generation << GENERATION_SHIFT)) >>> 0, at + 12)
    this.#buffer.writeUInt32LE(salt, at + 16)
    for (let i = 0; i < refs.length; i++) this.#buffer.writeUInt32LE(refs[i]!, at + GROUP_HEAD_BYTES + i * 4)
    this.#used = sealFrame(this.#buffer, this.#used, TYPE_GROUP, length)
  }

  /** Hands what is pending to the kernel, both copies. Throws DiskError; what is pending then stays pending. */
  write(): void {
    this.#closeSeries()
    if (this.#used > 0) this.#mark()
    let done = 0
    while (done < this.#used) {
      const logical = this.#length + done
      const stripe = Math.floor(logical / STRIPE_BYTES)
      const inStripe = logical - stripe * STRIPE_BYTES
      const piece = this.#buffer.subarray(done, Math.min(this.#used, done + STRIPE_BYTES - inStripe))
      this.#file.write(piece, 2 * stripe * STRIPE_BYTES + inStripe)
      this.#file.write(piece, (2 * stripe + 1) * STRIPE_BYTES + inStripe)
      done += piece.length
    }
    this.#length += this.#used
    this.#used = 0
    this.#restsLeft = RESTS
  }

  /** Nothing is pending at a flush. After some of these a burst of new series is over, and its room not needed until the next. */
  rest(): void {
    if (this.#buffer.length > BUFFER_BYTES && --this.#restsLeft === 0) this.#buffer = Buffer.alloc(BUFFER_BYTES)
  }

  /** Rejects with DiskError. */
  async sync(): Promise<void> {
    if (this.#syncFailure !== null) throw this.#syncFailure
    const file = this.#file
    const length = this.#length
    try {
      this.#syncing = file.sync()
      await this.#syncing
    } catch (error) {
      // Another file has taken its place, with all that was in it.
      if (file !== this.#file) return
      this.#syncFailure = error instanceof DiskError ? error : new DiskError(`cannot sync ${this.#path}`, error)
      throw error
    }
    if (file !== this.#file) return
    this.#syncedTo = Math.max(this.#syncedTo, length)
    this.#list?.noteGrown(LISTED, this.#syncedTo)
  }

  /**
   * Begins a file that is to take this one's place: who calls writes into it what holds now, `addGiven` included. What is
   * added here meanwhile follows in it. Throws DiskError.
   */
  beginRewrite(): SeriesFile {
    assert(this.#rewrite === null, 'definitions are being written anew already')
    const target = new SeriesFile(`${this.#path}${REWRITE_SUFFIX}`)
    this.#rewrite = { target, additions: [] }
    return target
  }

  /** The file is whole and on the device: it takes this one's place, also of one that could not be synced. Throws DiskError. */
  finishRewrite(): void {
    const { target, additions } = this.#rewrite!
    for (const addition of additions) {
      if ('labels' in addition) target.addSeries(addition.ref, addition.labels)
      else target.addGroup(addition)
    }
    additions.length = 0
    target.write()
    target.syncNow()
    this.#list?.drop(LISTED)
    rename(target.#path, this.#path)
    const old = this.#file
    this.#file = target.#file
    this.#length = target.#length
    this.#ownFrom = 0
    this.#syncedTo = target.#length
    this.#markedTo = target.#markedTo
    this.#syncFailure = null
    this.#used = 0
    this.#seriesAt = -1
    this.#rewrite = null
    void closeReplaced(old, this.#syncing)
    try {
      syncFolder(path.dirname(this.#path))
    } catch (error) {
      // Which of the two has the name after a power cut is not known: nothing may rely on what comes now.
      this.#syncFailure = error instanceof DiskError ? error : new DiskError(`cannot sync ${this.#path}`, error)
      throw error
    }
  }

  /** Nothing comes of it. */
  abandonRewrite(): void {
    if (this.#rewrite !== null) this.#rewrite.target.#file.close()
    this.#rewrite = null
    removeFile(`${this.#path}${REWRITE_SUFFIX}`)
  }

  /** Throws DiskError. */
  syncNow(): void {
    try {
      this.#file.syncNow()
    } catch (error) {
      this.#syncFailure = error instanceof DiskError ? error : new DiskError(`cannot sync ${this.#path}`, error)
      throw error
    }
    this.#syncedTo = this.#length
  }

  /**
   * Makes durable what `load` found, even if a sync of it has failed before. What lies between the end of a copy and the next
   * is a hole: written, it would take room that a full disk has not.
   */
  syncFound(): void {
    for (let stripe = Math.floor(this.#syncedTo / STRIPE_BYTES); stripe * STRIPE_BYTES < this.#length; stripe++) {
      const length = Math.min(STRIPE_BYTES, this.#length - stripe * STRIPE_BYTES)
      for (const at of [2 * stripe * STRIPE_BYTES, (2 * stripe + 1) * STRIPE_BYTES]) this.#file.rewrite(at, at + length)
    }
    this.#file.syncNow()
    this.#list?.note(LISTED, this.#length)
  }

  /** What is pending is dropped. */
  close(): void {
    if (this.#rewrite !== null) this.abandonRewrite()
    if (this.#syncFailure === null) this.#list?.note(LISTED, this.#syncedTo)
    try {
      this.#used = 0
      this.#seriesAt = -1
      if (this.#mark()) this.write()
    } catch (error) {
      // Nothing but the mark is missing.
      if (!(error instanceof DiskError)) throw error
    } finally {
      this.#file.close()
    }
  }

  #mark(): boolean {
    if (this.#syncedTo <= Math.max(this.#markedTo, this.#ownFrom)) return false
    this.#reserve(MARK_BYTES)
    this.#used = writeMark(this.#buffer, this.#used, this.#ownFrom, this.#syncedTo)
    this.#markedTo = this.#syncedTo
    return true
  }

  #closeSeries(): void {
    if (this.#seriesAt < 0) return
    const at = this.#seriesAt
    this.#buffer.writeUInt32LE(this.#seriesCount, at + FRAME_HEAD_BYTES + 4)
    const length = Math.ceil((this.#used - at - FRAME_HEAD_BYTES) / 8) * 8
    this.#buffer.fill(0, this.#used, at + FRAME_HEAD_BYTES + length)
    this.#used = sealFrame(this.#buffer, at, TYPE_SERIES, length)
    this.#seriesAt = -1
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#used + bytes))
    this.#buffer.copy(larger, 0, 0, this.#used)
    this.#buffer = larger
  }
}

/** Both copies of the stream, zeros behind their end. */
export interface Copies {
  readonly first: Buffer
  /** The whole second one, of which at least [from, end) is there. */
  readonly second: (from: number, end: number) => Buffer
}

/** Reads the first copy, and of the second what is asked for: it is half of the file. Throws DiskError. */
export function readCopies(file: DiskFile): Copies {
  const size = file.sizeBytes()
  const stripes = Math.ceil(size / STRIPE_BYTES / 2)
  const copies = [Buffer.alloc(stripes * STRIPE_BYTES), Buffer.alloc(stripes * STRIPE_BYTES)] as const
  const read = (stripe: number, copy: 0 | 1): void => {
    const into = copies[copy].subarray(stripe * STRIPE_BYTES, (stripe + 1) * STRIPE_BYTES)
    file.read(into, (2 * stripe + copy) * STRIPE_BYTES, STRIPE_BYTES)
  }
  for (let stripe = 0; stripe < stripes; stripe++) read(stripe, 0)
  const isRead = new Uint8Array(stripes)
  return {
    first: copies[0],
    second: (from, end) => {
      for (let stripe = Math.floor(from / STRIPE_BYTES); stripe * STRIPE_BYTES < Math.min(end, copies[1].length); stripe++) {
        if (isRead[stripe] === 0) read(stripe, 1)
        isRead[stripe] = 1
      }
      return copies[1]
    },
  }
}

/** Closes a file whose place another has taken, once no sync of it is under way. Nothing in it counts any more. */
async function closeReplaced(file: DiskFile, syncing: Promise<void> | null): Promise<void> {
  try {
    await syncing
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
  try {
    file.close()
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
}

/** The stream: the first copy, in place, with bytes of the second wherever a frame of the first does not hold. */
export function mend({ first, second }: Copies): Buffer {
  let at = 0
  while (at + FRAME_OVERHEAD_BYTES <= first.length) {
    let length = frameLength(first, at, first.length)
    if (length < 0) {
      let other = second(at, at + FRAME_HEAD_BYTES)
      length = frameLength(other, at, other.length)
      if (length < 0) {
        // The end, or both headers are damaged: what follows is found by looking for it.
        other = second(at, other.length)
        const next = [first, other].map((copy) => findFrame(copy, at + 1, copy.length)).filter((found) => found >= 0)
        if (next.length === 0) return first
        at = Math.min(...next)
        continue
      }
      other.copy(first, at, at, at + FRAME_HEAD_BYTES)
    }
    const end = Math.min(first.length, at + length + FRAME_OVERHEAD_BYTES)
    if (!isPayloadSound(first, at, length, first.length)) {
      const other = second(at, end)
      if (isPayloadSound(other, at, length, other.length)) other.copy(first, at, at, end)
    }
    at = end
  }
  return first
}
