// Each bit of a small log, head segment file and definitions file, flipped: the readers never fail, never show a value
// that was not written, lose one record at the most, and say so.
import { EMPTY_HISTOGRAM, denseBuckets } from '../../lib/model/histogram.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { readWhole, useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { runThrough } from '../../lib/std/steps.ts'
import { CHUNK_ROWS } from '../../storage/codec/chunk-encode.ts'
import { Database } from '../../storage/database.ts'
import { FRAME_OVERHEAD_BYTES, frameLength } from '../../storage/log/frame.ts'
import { LOG_HEADER_BYTES } from '../../storage/log/log-file.ts'
import { scanFrames } from '../../storage/log/scan-frames.ts'
import { replayLog, type ReplayedRow } from '../../storage/log/log-replay.ts'
import { FlippingDisk } from './flipping-disk.ts'
import type { Contents } from './ledger.ts'
import { readContents } from './read-contents.ts'
import { SimNames } from './sim-names.ts'

const NOW = 1_700_000_000_000
const SERIES = 12
const LOG_BYTES = 64 * 1024
const FAULTS_MAX = 20
/** No frame of these logs is longer. */
const ROW_BYTES_MAX = 1024
const NOTHING = Buffer.alloc(0)

export type FlippedFile = 'log' | 'segments' | 'definitions'
export const FLIPPED_FILES: readonly FlippedFile[] = ['log', 'segments', 'definitions']

export interface FlipReport {
  flips: number
  /** Flips that cost a record. */
  costly: number
  /** What must not be. */
  faults: string[]
}

/** Bits [first, first + stride, first + 2 stride, …] of a file. */
export function flipBits(file: FlippedFile, { first, stride }: { first: number; stride: number }): Promise<FlipReport> {
  return withFiles(file === 'log' ? LOG_BYTES : 6000, async (names) => {
    const check = file === 'log' ? logChecks(names) : await storeChecks(names, file)
    const report: FlipReport = { flips: 0, costly: 0, faults: [] }
    for (const [from, to] of check.ranges) {
      for (let bit = from * 8 + first; bit < to * 8 && report.faults.length < FAULTS_MAX; bit += stride) {
        const { isCostly, fault } = check.flip(bit)
        report.flips++
        if (isCostly) report.costly++
        if (fault !== null) report.faults.push(`bit ${bit} of the ${file}: ${fault}`)
      }
    }
    return report
  })
}

/** Files of a store whose log has so many bytes. */
async function withFiles<T>(logBytes: number, f: (names: SimNames) => Promise<T>): Promise<T> {
  const before = useDisk(new FlippingDisk({ random: new Random(1) }))
  try {
    return await f(await written(logBytes))
  } finally {
    useDisk(before)
  }
}

/**
 * Each bit of the log, flipped before the reader of frames, which says of the frames around it which are sound. It reads on
 * from each sound frame as from a file's start, so what holds for the two behind the one that was hit holds for all further on.
 */
export function flipLogFrames(): Promise<Omit<FlipReport, 'costly'>> {
  return withFiles(LOG_BYTES, (names) => {
    useDisk(copyOf(names))
    const found = readWhole(onlyFile(names, '/data/log').path)
    const bytes = Buffer.from(found.buffer, found.byteOffset, found.length)
    const starts: number[] = []
    for (let at = LOG_HEADER_BYTES; at < bytes.length; at += frameLength(bytes, at, bytes.length) + FRAME_OVERHEAD_BYTES) starts.push(at)
    const report = { flips: 0, faults: [] as string[] }
    for (const [k, start] of starts.entries()) {
      const from = starts[k - 1] ?? start
      const end = starts[k + 3] ?? bytes.length
      const whole = framesIn(bytes, from, end)
      for (let bit = start * 8; bit < (starts[k + 1] ?? bytes.length) * 8; bit++) {
        bytes[bit >>> 3]! ^= 1 << (bit & 7)
        const left = framesIn(bytes, from, end)
        bytes[bit >>> 3]! ^= 1 << (bit & 7)
        report.flips++
        // Nothing guards, and nothing reads, the last four bytes of a frame; marks are not visited.
        const lost = whole.filter((frame) => !left.includes(frame))
        const isWell = left.every((frame) => whole.includes(frame)) && lost.every((frame) => frame.startsWith(`${start} `))
        if (!isWell && report.faults.length < FAULTS_MAX) report.faults.push(`bit ${bit} of the log: frames ${lost.join()} are gone, ${left.join()} are there`)
      }
    }
    return Promise.resolve(report)
  })
}

/** Sound frames: where they are, and what they say of themselves. */
function framesIn(bytes: Buffer, from: number, end: number): string[] {
  const out: string[] = []
  scanFrames(bytes, from, end, (type, _, length, at) => out.push(`${at} ${type} ${length}`))
  return out
}

interface Checks {
  /** Bytes of the file that hold something. */
  ranges: [from: number, to: number][]
  flip(bit: number): { isCostly: boolean; fault: string | null }
}

function open(disk: FlippingDisk): Database {
  useDisk(disk)
  return new Database({ folder: '/data', retentionMs: Infinity, headBytesMax: 8 * 2 ** 20, clock: new FakeClock(NOW), random: new Random(3) })
}

/** A closed folder whose log has `logBytes` at least: floats of all kinds, gaps, markers, histograms, start times. */
async function written(logBytes: number): Promise<SimNames> {
  const random = new Random(2)
  const disk = new FlippingDisk({ random })
  const db = open(disk)
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(['__name__', `m${i}`, 'text', 'é'.repeat(i)]))
  const verdicts = new Uint8Array(SERIES)
  for (let k = 0; db.logBytes < logBytes; k++) {
    const count = random.int(3) === 0 ? 1 + random.int(SERIES) : SERIES
    const values = Float64Array.from({ length: count }, (_, i) => (i % 3 === 0 ? k : i % 3 === 1 ? random.float() : NaN))
    const stale = random.int(5) === 0 ? Uint8Array.from({ length: count }, () => random.int(2)) : null
    const histogram = { ...EMPTY_HISTOGRAM, schema: 1, count: k + 1, sum: k / 3, positive: denseBuckets(-1, [k, 0, 1]) }
    const histograms = k % 16 === 5 ? Array.from({ length: count }, (_, i) => (i === 2 ? histogram : null)) : null
    const startTimes = k % 16 === 7 ? new Float64Array(count).fill(NOW - 1000) : null
    db.append({ count, refs: refs.subarray(0, count), values, t: NOW + k, times: null, stale, histograms, startTimes }, verdicts)
  }
  await db.close()
  return disk.names
}

/** A copy of what is on the disk, for a reader that may write. */
function copyOf(names: SimNames): FlippingDisk {
  const random = new Random(1)
  return new FlippingDisk({ random, names: names.afterPowerCut(random, 'all') })
}

function onlyFile(names: SimNames, folder: string): { path: string; size: number } {
  const node = names.find(folder)
  const [name, file] = node?.kind === 'folder' ? [...node.live][0]! : ['', null]
  if (file?.kind !== 'file') throw new Error(`no file in ${folder}`)
  return { path: `${folder}/${name}`, size: file.size }
}

function logChecks(names: SimNames): Checks {
  const disk = copyOf(names)
  useDisk(disk)
  const { path, size } = onlyFile(names, '/data/log')
  const startLsn = Number(path.slice(-24, -4))
  const want = new Map<number, RowParts>()
  runThrough(replayLog('/data/log', (lsn, row) => want.set(lsn, copiedParts(row))))
  return {
    ranges: [[0, size]],
    flip(bit) {
      disk.flip(path, bit)
      let rows = 0
      let wrong = ''
      const { damagedRecords } = runThrough(replayLog('/data/log', (lsn, row) => {
        // What a row says hangs on the bytes of its frame alone: the one that was hit is looked at closely.
        const isHit = lsn <= startLsn + (bit >>> 3) && lsn > startLsn + (bit >>> 3) - ROW_BYTES_MAX
        const known = want.get(lsn)
        if (known !== undefined && (!isHit || isSame(known, partsOf(row)))) rows++
        else wrong = `row ${lsn} is not what was written`
      }))
      const lost = want.size - rows
      if (wrong === '' && (lost > 1 || lost !== damagedRecords)) wrong = `${lost} rows are lost, ${damagedRecords} counted`
      return { isCostly: lost > 0, fault: wrong === '' ? null : wrong }
    },
  }
}

/** What makes up a row, as bytes where they are many. */
interface RowParts {
  numbers: readonly number[]
  arrays: readonly Buffer[]
  histograms: string
}

function partsOf(row: ReplayedRow): RowParts {
  const bytes = (array: Uint32Array | Float64Array | null): Buffer => (array === null ? NOTHING : Buffer.from(array.buffer, array.byteOffset, array.byteLength))
  return {
    numbers: [row.t, row.group, row.first, row.n, row.salt],
    arrays: [bytes(row.present), bytes(row.stale), bytes(row.values), bytes(row.startTimes)],
    histograms: row.histograms === null ? '' : JSON.stringify(row.histograms),
  }
}

function copiedParts(row: ReplayedRow): RowParts {
  const parts = partsOf(row)
  return { ...parts, arrays: parts.arrays.map((bytes) => Buffer.from(bytes)) }
}

function isSame(a: RowParts, b: RowParts): boolean {
  return a.numbers.every((number, i) => number === b.numbers[i]) && a.arrays.every((bytes, i) => bytes.equals(b.arrays[i]!)) && a.histograms === b.histograms
}

async function storeChecks(names: SimNames, file: 'segments' | 'definitions'): Promise<Checks> {
  // Segments alone: rows that are in the log, too, would be taken from there.
  if (file === 'segments') for (const { folder, name } of logFiles(names)) names.change([{ folder, name, node: null }])
  const { path, size } = onlyFile(names, file === 'segments' ? '/data/head' : '/data/series')
  const whole = open(copyOf(names))
  const want = readContents(whole)
  await whole.close()
  return {
    // Definitions lie in two copies, 64 KiB apart; between them is nothing.
    ranges: file === 'segments' ? [[0, size]] : [[0, size - 65536], [65536, size]],
    flip(bit) {
      const disk = copyOf(names)
      disk.flip(path, bit)
      try {
        const db = open(disk)
        const warnings: string[] = []
        const lost = differences(want, readContents(db, warnings))
        const isCounted = db.recovery.corruptRecords > 0 || warnings.length > 0
        const isTooMuch = file === 'definitions' ? lost.times > 0 : lost.times > CHUNK_ROWS
        const fault = lost.wrong ?? (isTooMuch ? `${lost.times} rows are lost` : lost.times > 0 && !isCounted ? 'rows are lost and nobody says so' : null)
        return { isCostly: lost.times > 0, fault }
      } catch (error) {
        return { isCostly: true, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) }
      }
    },
  }
}

function* logFiles(names: SimNames): Generator<{ folder: NonNullable<ReturnType<SimNames['parentOf']>>['folder']; name: string }> {
  const folder = names.find('/data/log')
  if (folder?.kind === 'folder') for (const name of folder.live.keys()) yield { folder, name }
}

/** How many times of the wanted are not all there, and what is there that was not written. */
function differences(want: Contents, got: Contents): { times: number; wrong: string | null } {
  const times = new Set<number>()
  for (const [key, samples] of want) for (const t of samples.keys()) if (got.get(key)?.has(t) !== true) times.add(t)
  for (const [key, samples] of got) {
    for (const [t, value] of samples) if (!Object.is(want.get(key)?.get(t), value)) return { times: times.size, wrong: `${key} at ${t} is ${value}` }
  }
  return { times: times.size, wrong: null }
}
