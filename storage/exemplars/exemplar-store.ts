// Exemplars of the store: the ring that queries read, and the files that bring it back after a restart.
//
//   scrape, ingest ─▶ ring (at once) ─▶ a frame in memory ─(200 ms)─▶ series are on the device? ─▶ file
//
// A kill loses the last 200 ms of exemplars at the most. A disk that refuses them costs no sample: they are counted.
import { ExemplarColumns, EXEMPLAR_STORED, type RawExemplar } from '../../lib/model/exemplar.ts'
import type { Labels } from '../../lib/model/labels.ts'
import type { Clock, Timer } from '../../lib/std/clock.ts'
import { DiskError } from '../../lib/std/fs.ts'
import type { Logger } from '../../lib/std/log.ts'
import { LogError } from '../errors.ts'
import type { ExemplarAppender } from '../interface.ts'
import { ExemplarFiles, type FoundExemplar } from './exemplar-files.ts'
import { ExemplarRing } from './exemplar-ring.ts'

const WRITE_MS = 200
/** As the store's for samples. */
const AHEAD_MS_MAX = 600_000

/** What the store asks of the database around it. */
export interface ExemplarGround {
  folder: string
  clock: Clock
  logger: Logger
  refOf: (labels: Labels) => number
  newestRef: () => number
  /** False for refs of series that were forgotten, or never were. */
  isLive: (ref: number) => boolean
  /** Resolves when every series made so far is on the device. */
  commit: () => Promise<void>
  /** Whether the disk has room for so many bytes beyond its reserve. */
  fits: (bytes: number) => boolean
}

export class ExemplarStore implements ExemplarAppender {
  readonly ring: ExemplarRing
  readonly #files: ExemplarFiles
  readonly #ground: ExemplarGround
  /** Exemplars that a start will not find, because the disk took them not or too late. */
  unwritten = 0
  /** Series up to this ref are on the device: a file that names them names what they are. */
  #durableRef: number
  #timer: Timer | null = null
  #writing: Promise<void> | null = null
  #isFailing = false

  /** Replays what the folder holds. `capacity` ≥ 1. Throws DiskError where it cannot be read. */
  constructor(capacity: number, ground: ExemplarGround) {
    this.#ground = ground
    this.ring = new ExemplarRing(capacity)
    this.#files = new ExemplarFiles(ground.folder, capacity)
    this.#durableRef = ground.newestRef()
    this.#replay()
  }

  refOf(labels: Labels): number {
    return this.#ground.refOf(labels)
  }

  append(batch: ExemplarColumns): void {
    this.ring.append(batch, this.#ground.clock.now() + AHEAD_MS_MAX)
    for (let i = 0; i < batch.count; i++) {
      if (batch.verdicts[i] === EXEMPLAR_STORED && !this.#files.add(batch, i)) this.unwritten++
    }
    if (this.#timer === null && this.#files.hasPending) {
      this.#timer = this.#ground.clock.after(WRITE_MS, () => {
        this.#timer = null
        void this.write()
      }, true)
    }
  }

  /** Resolves when what came before is with the kernel, or counted as lost. */
  write(): Promise<void> {
    this.#writing = (this.#writing ?? Promise.resolve()).then(() => this.#write())
    return this.#writing
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    await this.write()
    this.#files.close()
  }

  async #write(): Promise<void> {
    if (!this.#files.hasPending) return
    const frame = this.#files.seal()
    if (!this.#ground.fits(frame.bytes.length)) {
      this.unwritten += frame.count
      return
    }
    let lost = frame.count
    try {
      if (frame.refMax > this.#durableRef) {
        const newest = this.#ground.newestRef()
        await this.#ground.commit()
        this.#durableRef = newest
      }
      this.#files.write(frame)
      lost = 0
      await this.#files.dropOld()
      this.#isFailing = false
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof LogError)) throw error
      this.unwritten += lost
      if (!this.#isFailing) this.#ground.logger.warn('cannot write exemplars; a restart will not find them', { folder: this.#ground.folder, err: error })
      this.#isFailing = true
    }
  }

  #replay(): void {
    const batch = new ExemplarColumns()
    const raw: RawExemplar = { bytes: new Uint8Array(0), offsets: [], isEscaped: false, value: 0, hasTime: true, timeMs: 0 }
    const damagedBytes = this.#files.load((found) => {
      batch.clear()
      batch.push(rawOf(found, raw), this.#ground.isLive(found.ref) ? found.ref : 0, found.timeMs)
      batch.timed[0] = found.isTimed ? 1 : 0
      this.ring.append(batch, Infinity)
    })
    this.ring.counts.fill(0)
    if (damagedBytes > 0) this.#ground.logger.warn('damaged exemplars were skipped', { folder: this.#ground.folder, bytes: damagedBytes })
  }
}

/** Labels as they are stored, as labels to be stored. */
function rawOf({ text, from, end, value, timeMs }: FoundExemplar, into: RawExemplar): RawExemplar {
  into.bytes = text
  into.offsets.length = 0
  for (let at = from; at + 2 <= end;) {
    const length = text.readUInt16LE(at)
    into.offsets.push(at + 2, at + 2 + length)
    at += 2 + length
  }
  into.value = value
  into.timeMs = timeMs
  return into
}
