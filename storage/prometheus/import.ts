// Moves a Prometheus data folder into a store: its blocks become blocks, so do late samples of its logs; what these hold
// beyond is appended.
//
//   block, wbl/ ─▶ copySeries ─▶ BlockBuilder      wal/ ─▶ Appender
import { GroupBlockBuilder } from '../block/block-builder.ts'
import type { Database } from '../database.ts'
import { copySeries, type SeriesSource } from '../import/copy-series.ts'
import { isStaleMarker } from '../import/series-samples.ts'
import { REJECT_NAMES, STORED, type Appender, type LabelSource, type SampleBatch } from '../interface.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { PrometheusBlock } from './block.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { blocksOf, readLogs } from './data-folder.ts'
import { LateSamples } from './late-samples.ts'

type OnDamage = (error: PrometheusFormatError) => void

/** What came of an import. */
export interface ImportReport {
  blocks: number
  blockSamples: number
  /** Of the logs, which came out of order. */
  lateSamples: number
  logs: LogImport
  /** What could not be read, and was left out. */
  damage: string[]
}

/** Where an import goes: an open store, and a Querier of it, which knows the labels of its refs. */
export interface ImportTarget {
  db: Database
  labels: LabelSource
  /** Called before each block, and before the logs. */
  onProgress(what: string): void
}

/** Rejects with DiskError and SeriesLimitError from the store. What of the source cannot be read is left out, and told. */
export async function importPrometheus(source: string, target: ImportTarget): Promise<ImportReport> {
  const { db } = target
  const report: ImportReport = { blocks: 0, blockSamples: 0, lateSamples: 0, logs: NO_LOGS, damage: [] }
  const onDamage: OnDamage = (error) => report.damage.push(error.message)
  const blocks = blocksOf(source, onDamage)
  for (const block of blocks) {
    target.onProgress(`${block.folder}: ${block.series} series, ${block.samples} samples`)
    try {
      report.blockSamples += await addBlock(() => new PrometheusBlock(block.folder, onDamage), target)
      report.blocks++
    } catch (error) {
      if (!(error instanceof PrometheusFormatError)) throw error
      onDamage(new PrometheusFormatError(`block ${block.folder} was left out: ${error.message}`))
    }
  }
  target.onProgress(`${source}: logs`)
  const survey = surveyLogs(source)
  for (const late of survey.late.stretches()) report.lateSamples += await addBlock(() => late, target)
  report.logs = appendLogs(source, blocks.reduce((end, { maxt }) => Math.max(end, maxt), -Infinity), survey, { appender: db, onDamage })
  await db.commit()
  return report
}

/** Adds a block of the series of a source; returns its samples. */
async function addBlock(open: () => SeriesSource, { db, labels }: ImportTarget): Promise<number> {
  let samples = 0
  await db.blocks.add(async (nextPlace) => {
    const builder = new GroupBlockBuilder(nextPlace(), labels)
    try {
      samples = copySeries(open(), builder, (set) => db.series(set))
      const written = await builder.finish({ level: 1, sources: [], coveredGeneration: 0, coveredT: 0 })
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
  /** By reason (REJECT_NAMES); 0 is empty. */
  refused: Float64Array
  /** Records of types that are not known here. */
  unknownRecords: number
}

const NO_LOGS: LogImport = { appended: 0, refused: new Float64Array(REJECT_NAMES.length), unknownRecords: 0 }

/** What is to be known of the logs before their samples in order are appended. */
interface LogSurvey {
  /** Stretches that were deleted, by id: of samples that the log has nevertheless. */
  deleted: ReadonlyMap<number, readonly (readonly [number, number])[]>
  /** Samples that came out of order. They go into blocks: for an append they may be too late. */
  late: LateSamples
}

/** Damage is told by who reads the logs next. */
function surveyLogs(folder: string): LogSurvey {
  const late = new LateSamples()
  const { deleted } = readLogs(folder, {
    series: (_, labels) => late.addSeries(labels),
    sample: (id, t, v, histogram, isLate) => (isLate ? late.add(id, t, v, histogram) : undefined),
    endOfRecord: () => {},
    onDamage: () => {},
  })
  late.drop(deleted)
  return { deleted, late }
}

/** Appends what the logs hold at or after `since` (Unix ms), where blocks end. Throws what `append` throws. */
function appendLogs(folder: string, since: number, { deleted, late }: LogSurvey, { appender, onDamage }: { appender: Appender; onDamage: OnDamage }): LogImport {
  const refs: number[] = []
  const record = new Record(appender)
  const { unknownRecords } = readLogs(folder, {
    series: (id, labels) => (refs[id] = appender.series(labels)),
    sample: (id, t, v, histogram, isLate) => {
      if (isLate || t < since || late.has(id, t)) return
      if (deleted.get(id)?.some(([mint, maxt]) => t >= mint && t <= maxt) !== true) record.add(refs[id]!, t, v, histogram)
    },
    endOfRecord: () => record.append(),
    onDamage,
  })
  return { appended: record.appended, refused: record.refused, unknownRecords }
}

/** Gathers the samples of a record into one batch. */
class Record {
  readonly #appender: Appender
  readonly #refs: number[] = []
  readonly #times: number[] = []
  readonly #values: number[] = []
  readonly #stale: number[] = []
  #histograms: (FloatHistogram | null)[] = []
  appended = 0
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
    this.appended += count - this.#appender.append(batch, verdicts)
    for (const verdict of verdicts) if (verdict !== STORED) this.refused[verdict]!++
    for (const list of [this.#refs, this.#times, this.#values, this.#stale]) list.length = 0
    this.#histograms = []
  }
}
