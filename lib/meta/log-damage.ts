// Looks for damage in SQLite's write-ahead log, which SQLite itself takes for the log's end: what is committed behind it is not read.
//
//   header │ frame │ frame, commit │ frame, commit │ ✗ frame, commit │ frame, commit │ …
//            each: page, size of the file after a commit or 0, salts of this log, checksum over all before
//
// What a crash tears is of the one transaction that was not synced: only where a later one follows has the log been damaged since.

const HEADER_BYTES = 32
const FRAME_HEAD_BYTES = 24
/** Its lowest bit says whether checksums are over big-endian words. */
const MAGIC = 0x377f0682
const PAGE_BYTES = 4096

export interface LogDamage {
  /** Byte of the log. */
  at: number
  /** Committed ones, from there on. */
  transactions: number
}

/** null where nothing of a log is known to be hidden. */
export function logDamage(log: Uint8Array): LogDamage | null {
  if (log.length < HEADER_BYTES + FRAME_HEAD_BYTES) return null
  const frames = new Frames(Buffer.from(log.buffer, log.byteOffset, log.length))
  let broken = -1
  let commits = 0
  let isProven = false
  for (let i = 0; i < frames.count; i++) {
    const isSound = frames.isSound(i)
    if (broken < 0 && !isSound) broken = i
    else if (broken >= 0 && isSound) {
      isProven ||= commits > 0 || frames.isCommit(broken) || !frames.isHeaderSound
      if (frames.isCommit(i)) commits++
    }
  }
  return isProven && commits > 0 ? { at: frames.at(broken), transactions: commits + (frames.isCommit(broken) ? 1 : 0) } : null
}

class Frames {
  readonly count: number
  readonly isHeaderSound: boolean
  readonly #log: Buffer
  readonly #pageBytes: number
  readonly #isBigEndian: boolean
  /** Where salts stand that all frames of this log have. */
  readonly #saltsAt: number

  constructor(log: Buffer) {
    this.#log = log
    const magic = log.readUInt32BE(0)
    this.#isBigEndian = magic === MAGIC + 1
    this.isHeaderSound = (magic & ~1) === MAGIC && isSame(this.#sum([0, 0], 0, 24), log, 24)
    this.#pageBytes = this.isHeaderSound ? pageBytes(log.readUInt32BE(8)) : PAGE_BYTES
    this.#saltsAt = this.isHeaderSound ? 16 : HEADER_BYTES + 8
    this.count = Math.floor((log.length - HEADER_BYTES) / (FRAME_HEAD_BYTES + this.#pageBytes))
    // Without a header frames tell.
    if (!this.isHeaderSound && this.count > 1 && !this.isSound(1)) this.#isBigEndian = !this.#isBigEndian
  }

  at(i: number): number {
    return HEADER_BYTES + i * (FRAME_HEAD_BYTES + this.#pageBytes)
  }

  isCommit(i: number): boolean {
    return this.#log.readUInt32BE(this.at(i) + 4) !== 0
  }

  /** Whether a frame follows the one before, as its checksum says. The first one of a log without a sound header does not. */
  isSound(i: number): boolean {
    const log = this.#log
    const at = this.at(i)
    if (log.compare(log, this.#saltsAt, this.#saltsAt + 8, at + 8, at + 16) !== 0 || (i === 0 && !this.isHeaderSound)) return false
    // The checksum of the one before may be what is damaged.
    return isSame(this.#sumOf(i, this.#storedBefore(i)), log, at + 16) || (i > 0 && isSame(this.#sumOf(i, this.#sumOf(i - 1, this.#storedBefore(i - 1))), log, at + 16))
  }

  #storedBefore(i: number): [number, number] {
    const at = i === 0 ? 24 : this.at(i - 1) + 16
    return [this.#log.readUInt32BE(at), this.#log.readUInt32BE(at + 4)]
  }

  #sumOf(i: number, before: readonly [number, number]): [number, number] {
    const at = this.at(i)
    return this.#sum(this.#sum(before, at, at + 8), at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + this.#pageBytes)
  }

  #sum([first, second]: readonly [number, number], from: number, to: number): [number, number] {
    const log = this.#log
    const word = (at: number): number => (this.#isBigEndian ? log.readUInt32BE(at) : log.readUInt32LE(at))
    let [a, b] = [first, second]
    for (let at = from; at < to; at += 8) {
      a = (a + word(at) + b) >>> 0
      b = (b + word(at + 4) + a) >>> 0
    }
    return [a, b]
  }
}

function isSame([a, b]: readonly [number, number], log: Buffer, at: number): boolean {
  return log.readUInt32BE(at) === a && log.readUInt32BE(at + 4) === b
}

function pageBytes(stored: number): number {
  return stored >= 512 && stored <= 65_536 ? stored : PAGE_BYTES
}
