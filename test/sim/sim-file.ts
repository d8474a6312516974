// A file of the simulated disk: what programs read, what the device holds, and what lies between.
//
//   write ─▶ page cache (read back at once) ─▶ sync ─▶ device
//                     └─▶ power cut: of each 512-byte sector any version since the last sync, or a torn mix
//
// A sync that fails leaves the pages clean, as Linux does: read back as written, never written by a later sync
// (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
import { assert } from '../../lib/std/assert.ts'
import type { Random } from '../../lib/std/random.ts'

export const SECTOR_BYTES = 512

/** How much of what was not synced a power cut leaves. */
export type Survival = 'nothing' | 'all' | 'prefix' | 'any'

interface Version {
  seq: number
  bytes: Uint8Array
  /** Its sync has failed: no later sync writes it. */
  isOrphan: boolean
}

export class SimFile {
  readonly kind = 'file'
  #live: Uint8Array = new Uint8Array(0)
  #size = 0
  #durable: Uint8Array = new Uint8Array(0)
  #durableSize = 0
  /** What was written to each sector and is not synced, oldest first. */
  readonly #versions = new Map<number, Version[]>()
  #sizes: { seq: number; size: number }[] = []
  #seq = 0

  get size(): number {
    return this.#size
  }

  /** The last write, for a sync that begins now. */
  get seq(): number {
    return this.#seq
  }

  write(bytes: Uint8Array, at: number): void {
    const end = at + bytes.length
    if (end > this.#live.length) this.#live = grown(this.#live, end)
    this.#live.set(bytes, at)
    this.#seq++
    this.#setSize(Math.max(this.#size, end))
    this.#note(at, end)
  }

  read(into: Uint8Array, offset: number, length: number, at: number): number {
    const n = Math.max(0, Math.min(length, this.#size - at))
    into.set(this.#live.subarray(at, at + n), offset)
    return n
  }

  contents(): Uint8Array {
    return this.#live.slice(0, this.#size)
  }

  truncate(size: number): void {
    if (size > this.#live.length) this.#live = grown(this.#live, size)
    this.#seq++
    const before = this.#size
    this.#live.fill(0, size, Math.max(size, before))
    this.#setSize(size)
    this.#note(size, before)
  }

  /** The writes up to `seq` are on the device from now on. */
  synced(seq: number): void {
    for (const [sector, versions] of this.#versions) {
      const last = versions.findLastIndex((version) => version.seq <= seq && !version.isOrphan)
      if (last < 0) continue
      this.#durable = placed(this.#durable, versions[last]!.bytes, sector * SECTOR_BYTES)
      versions.splice(0, last + 1)
      if (versions.length === 0) this.#versions.delete(sector)
    }
    const last = this.#sizes.findLastIndex((entry) => entry.seq <= seq)
    if (last < 0) return
    this.#durableSize = this.#sizes[last]!.size
    this.#sizes.splice(0, last + 1)
  }

  /** A sync of the writes up to `seq` has failed. */
  failed(seq: number): void {
    for (const versions of this.#versions.values()) for (const version of versions) if (version.seq <= seq) version.isOrphan = true
  }

  /** What a power cut leaves of it. */
  afterPowerCut(random: Random, survival: Survival): SimFile {
    const out = new SimFile()
    const upTo = survival === 'nothing' ? 0 : survival === 'all' ? Infinity : survival === 'prefix' ? random.int(this.#seq + 1) : -1
    const size = this.#sizeAfter(random, upTo)
    out.#live = grown(this.#durable.slice(0, Math.min(this.#durable.length, size)), size)
    for (const [sector, versions] of this.#versions) {
      const at = sector * SECTOR_BYTES
      if (at >= size) continue
      const old = out.#live.slice(at, at + SECTOR_BYTES)
      const bytes = upTo >= 0 ? (versions.findLast((version) => version.seq <= upTo)?.bytes ?? old) : anyVersion(random, old, versions, at >= this.#durableSize)
      out.#live.set(bytes.subarray(0, Math.min(SECTOR_BYTES, out.#live.length - at)), at)
    }
    out.#live.fill(0, size)
    out.#size = size
    out.#durable = out.#live.slice()
    out.#durableSize = size
    return out
  }

  #sizeAfter(random: Random, upTo: number): number {
    const sizes = [this.#durableSize, ...this.#sizes.filter(({ seq }) => upTo < 0 || seq <= upTo).map(({ size }) => size)]
    return upTo < 0 ? random.pick(sizes) : sizes.at(-1)!
  }

  #setSize(size: number): void {
    if (size === this.#size) return
    this.#size = size
    this.#sizes.push({ seq: this.#seq, size })
  }

  /** Keeps the sectors of [from, to) as they are now. */
  #note(from: number, to: number): void {
    for (let sector = Math.floor(from / SECTOR_BYTES); sector * SECTOR_BYTES < to; sector++) {
      const at = sector * SECTOR_BYTES
      const bytes = new Uint8Array(SECTOR_BYTES)
      bytes.set(this.#live.subarray(at, at + SECTOR_BYTES))
      const version = { seq: this.#seq, bytes, isOrphan: false }
      const versions = this.#versions.get(sector)
      if (versions) versions.push(version)
      else this.#versions.set(sector, [version])
    }
  }
}

/** A version the sector has had, rarely a mix of two, rarely noise where nothing was ever synced (data=writeback). */
function anyVersion(random: Random, old: Uint8Array, versions: readonly Version[], mayBeNoise: boolean): Uint8Array {
  const choice = random.int(versions.length + 1)
  const bytes = choice === 0 ? old : versions[choice - 1]!.bytes
  const luck = random.int(16)
  if (luck === 0) {
    const torn = versions[random.int(versions.length)]!.bytes.slice()
    const cut = random.int(SECTOR_BYTES)
    torn.set(bytes.subarray(cut), cut)
    return torn
  }
  if (luck === 1 && mayBeNoise) return Uint8Array.from({ length: SECTOR_BYTES }, () => random.int(256))
  return bytes
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  if (length <= bytes.length) return bytes
  assert(length <= 2 ** 28, `simulated file of ${length} bytes`)
  const out = new Uint8Array(Math.max(length, bytes.length * 2, 4096))
  out.set(bytes)
  return out
}

function placed(into: Uint8Array, bytes: Uint8Array, at: number): Uint8Array {
  const out = grown(into, at + bytes.length)
  out.set(bytes, at)
  return out
}
