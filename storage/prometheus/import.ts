// Moves a Prometheus data folder into a store: its blocks become blocks, what its logs hold beyond them is appended.
//
//   block ─▶ copySeries ─▶ BlockBuilder      log ─▶ Appender
import { GroupBlockBuilder } from '../block/block-builder.ts'
import type { Database } from '../database.ts'
import { copySeries } from '../import/copy-series.ts'
import { isStaleMarker } from '../import/series-samples.ts'
import { REJECT_NAMES, STORED, type Appender, type LabelSource, type SampleBatch } from '../interface.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { PrometheusBlock } from './block.ts'
import type { PrometheusFormatError } from './byte-reader.ts'
import { blocksOf, readLogs } from './data-folder.ts'

type OnDamage = (error: PrometheusFormatError) => void

/** What came of an import. */
export interface ImportReport {
  blocks: number
  blockSamples: number
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

/** Rejects with PrometheusFormatError for a folder that is none, DiskError and SeriesLimitError from the store. */
export async function importPrometheus(source: string, target: ImportTarget): Promise<ImportReport> {
  const { db, labels } = target
  const report: ImportReport = { blocks: 0, blockSamples: 0, logs: NO_LOGS, damage: [] }
  const onDamage: OnDamage = (error) => report.damage.push(error.message)
  const blocks = blocksOf(source)
  for (const block of blocks) {
    target.onProgress(`${block.folder}: ${block.series} series, ${block.samples} samples`)
    await db.blocks.add(async (nextPlace) => {
      const builder = new GroupBlockBuilder(nextPlace(), labels)
      try {
        report.blockSamples += copySeries(new PrometheusBlock(block.folder, onDamage), builder, (set) => db.series(set))
        const written = await builder.finish({ level: 1, sources: [], coveredGeneration: 0, coveredT: 0 })
        return written === null ? [] : [written]
      } catch (error) {
        builder.abort()
        throw error
      }
    })
    report.blocks++
  }
  target.onProgress(`${source}: logs`)
  report.logs = appendLogs(source, blocks.reduce((end, { maxt }) => Math.max(end, maxt), -Infinity), db, onDamage)
  await db.commit()
  return report
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

/** Appends what the logs hold at or after `since` (Unix ms), where blocks end. Throws what `append` throws. */
function appendLogs(folder: string, since: number, appender: Appender, onDamage: OnDamage): LogImport {
  const refs: number[] = []
  const record = new Record(appender)
  const { unknownRecords } = readLogs(folder, {
    series: (id, labels) => (refs[id] = appender.series(labels)),
    sample: (id, t, v, histogram) => (t >= since ? record.add(refs[id]!, t, v, histogram) : undefined),
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
