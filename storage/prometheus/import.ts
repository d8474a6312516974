// Moves a Prometheus data folder into a store: its blocks become blocks, what its logs hold beyond them is appended.
//
//   block ─▶ copySeries ─▶ BlockBuilder      wal/, wbl/ ─▶ Appender
//
// A block notes which of Prometheus' it was made of, so that these are known when they come again: an import that was cut off
// goes on where it was, and one that is repeated adds nothing.
import { GroupBlockBuilder } from '../block/block-builder.ts'
import { IMPORTED_PREFIX } from '../block/block-meta.ts'
import type { Database } from '../database.ts'
import { copySeries } from '../import/copy-series.ts'
import { isStaleMarker } from '../import/series-samples.ts'
import { REJECT_NAMES, STORED, type Appender, type LabelSource, type SampleBatch } from '../interface.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { PrometheusBlock, type BlockMeta } from './block.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { blocksOf, readLogs } from './data-folder.ts'
import { wholeUntil } from './whole-blocks.ts'

/** Rows that wait for the disk; the store would refuse more than 64 MiB. */
const UNSYNCED_BYTES_MAX = 8 * 2 ** 20

type OnDamage = (error: PrometheusFormatError) => void

/** What came of an import. */
export interface ImportReport {
  blocks: number
  blockSamples: number
  /** Blocks that an earlier import has taken over. */
  knownBlocks: number
  logs: LogImport
  /** What could not be read, and was left out. */
  damage: string[]
}

/**
 * Where an import goes: an open store, and a Querier of it, which knows the labels of its refs. The store should take samples
 * however late they are: it may have newer ones of the same series.
 */
export interface ImportTarget {
  db: Database
  labels: LabelSource
  /** Called before each block, and before the logs. */
  onProgress(what: string): void
}

/** Rejects with DiskError, LogError and SeriesLimitError from the store. What of the source cannot be read is left out, and told. */
export async function importPrometheus(source: string, target: ImportTarget): Promise<ImportReport> {
  const report: ImportReport = { blocks: 0, blockSamples: 0, knownBlocks: 0, logs: NO_LOGS, damage: [] }
  // Blocks are read twice.
  const told = new Set<string>()
  const onDamage: OnDamage = ({ message }) => {
    if (told.has(message)) return
    told.add(message)
    report.damage.push(message)
  }
  const blocks = blocksOf(source, onDamage)
  /** Whose samples are here. */
  const taken: BlockMeta[] = []
  const known = new Set(target.db.blocks.blocks.flatMap(({ meta }) => meta.sources))
  for (const block of blocks) {
    if (block.sources.length > 0 && block.sources.every((id) => known.has(IMPORTED_PREFIX + id))) {
      report.knownBlocks++
      taken.push(block)
      target.onProgress(`${block.folder}: is here already, from an earlier import`)
      continue
    }
    target.onProgress(`${block.folder}: ${block.series} series, ${block.samples} samples`)
    try {
      report.blockSamples += await addBlock(block, target, onDamage)
      report.blocks++
      taken.push(block)
    } catch (error) {
      if (!(error instanceof PrometheusFormatError)) throw error
      onDamage(new PrometheusFormatError(`block ${block.folder} was left out: ${error.message}`))
    }
  }
  target.onProgress(`${source}: logs`)
  report.logs = await appendLogs(source, await wholeUntil(source, taken), target.db, onDamage)
  return report
}

/** Returns the samples of the block. */
async function addBlock(block: BlockMeta, { db, labels }: ImportTarget, onDamage: OnDamage): Promise<number> {
  let samples = 0
  let isWhole = true
  await db.blocks.add(async (nextPlace) => {
    const reader = new PrometheusBlock(block.folder, (error) => {
      isWhole = false
      onDamage(error)
    })
    const builder = new GroupBlockBuilder(nextPlace(), labels)
    try {
      samples = copySeries(reader, builder, (set) => db.series(set))
      // What was left out may come with the next import, of a source that was mended.
      const sources = isWhole ? block.sources.map((id) => IMPORTED_PREFIX + id) : []
      const written = await builder.finish({ level: 1, sources, coveredGeneration: 0, coveredT: 0 })
      return written === null ? [] : [written]
    } catch (error) {
      builder.abort()
      throw error
    }
  })
  return samples
}

/** What came of the samples of the logs. */
export interface LogImport {
  appended: number
  /** Samples that the store had, equal in value. */
  repeated: number
  /** By reason (REJECT_NAMES); 0 is empty. */
  refused: Float64Array
  /** Records of types that are not known here. */
  unknownRecords: number
}

const NO_LOGS: LogImport = { appended: 0, repeated: 0, refused: new Float64Array(REJECT_NAMES.length), unknownRecords: 0 }

/** Appends what the logs hold: what came in order at or after `since` (Unix ms), where blocks end, and all that came late. */
async function appendLogs(folder: string, since: number, db: Database, onDamage: OnDamage): Promise<LogImport> {
  const refs: number[] = []
  // A log has what was deleted from it later, too. Damage is told by who reads it next.
  const { deleted } = await readLogs(folder, {
    series: (id, labels) => (refs[id] = db.series(labels)), sample: null, endOfRecord: () => undefined, brokenRecord: () => {}, onDamage: () => {},
  })
  const record = new Record(db)
  const repeatedBefore = db.samplesRepeated
  const { unknownRecords } = await readLogs(folder, {
    series: () => {},
    sample: (id, t, v, histogram, isLate) => {
      // What came late is in no block yet, and Prometheus deletes nothing of it.
      const isWanted = isLate || (t >= since && deleted.get(id)?.some(([mint, maxt]) => t >= mint && t <= maxt) !== true)
      if (isWanted) record.add(refs[id]!, t, v, histogram)
    },
    endOfRecord: () => {
      record.append()
      return db.log.unsyncedBytes > UNSYNCED_BYTES_MAX ? db.commit() : undefined
    },
    brokenRecord: () => record.clear(),
    onDamage,
  })
  await db.commit()
  const repeated = db.samplesRepeated - repeatedBefore
  return { appended: record.stored - repeated, repeated, refused: record.refused, unknownRecords }
}

/** Gathers the samples of a record into one batch. */
class Record {
  readonly #appender: Appender
  readonly #refs: number[] = []
  readonly #times: number[] = []
  readonly #values: number[] = []
  readonly #stale: number[] = []
  #histograms: (FloatHistogram | null)[] = []
  /** Those that the store had are among them. */
  stored = 0
  readonly refused: Float64Array = new Float64Array(REJECT_NAMES.length)

  constructor(appender: Appender) {
    this.#appender = appender
  }

  add(ref: number, t: number, v: number, histogram: FloatHistogram | null): void {
    const isStale = isStaleMarker(v)
    this.#refs.push(ref)
    this.#times.push(t)
    this.#values.push(v)
    this.#stale.push(isStale ? 1 : 0)
    this.#histograms.push(isStale ? null : histogram)
  }

  append(): void {
    const count = this.#refs.length
    if (count === 0) return
    const batch: SampleBatch = {
      count, refs: Uint32Array.from(this.#refs), values: Float64Array.from(this.#values), t: 0, times: Float64Array.from(this.#times),
      stale: Uint8Array.from(this.#stale), histograms: this.#histograms,
    }
    const verdicts = new Uint8Array(count)
    this.stored += count - this.#appender.append(batch, verdicts)
    for (const verdict of verdicts) if (verdict !== STORED) this.refused[verdict]!++
    this.clear()
  }

  clear(): void {
    for (const list of [this.#refs, this.#times, this.#values, this.#stale]) list.length = 0
    this.#histograms = []
  }
}
