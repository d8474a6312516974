// Moves a Prometheus data folder into a store: its blocks become blocks, what its logs hold beyond them is appended.
//
//   block ─▶ series by their timestamps (one pass) ─▶ groups ─▶ BlockBuilder (second pass)      log ─▶ Appender
//
// Prometheus keeps timestamps per series; those of one target are the same. Series whose timestamps are equal make a
// group here, so that they are stored once.
import { hash } from 'node:crypto'
import type { BlockBuilder } from '../block/block.ts'
import { GroupBlockBuilder } from '../block/block-builder.ts'
import type { Database } from '../database.ts'
import { BatchBuffer } from '../head/batch-buffer.ts'
import { REJECT_NAMES, STORED, type Appender, type LabelSource, type SampleBatch } from '../interface.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { PrometheusBlock, type BlockMeta } from './block.ts'
import type { PrometheusFormatError } from './byte-reader.ts'
import { blocksOf, readLogs } from './data-folder.ts'
import { isStaleMarker, makeSamples, type SeriesSamples } from './series-samples.ts'

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
        report.blockSamples += copyBlock(block, builder, (set) => db.series(set), onDamage)
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

/** Adds all of a block to a builder, its series under the refs that `refOf` gives. Throws PrometheusFormatError; returns the samples. */
function copyBlock({ folder }: BlockMeta, builder: BlockBuilder, refOf: (labels: Labels) => number, onDamage: OnDamage): number {
  const block = new PrometheusBlock(folder, onDamage)
  const samples = makeSamples()
  const batch = new BatchBuffer()
  let total = 0
  for (const refs of groupsOf(block, samples)) {
    let isOpen = false
    for (const ref of refs) {
      const labels = block.read(ref, samples)
      if (!isOpen) builder.beginGroup(samples.t, samples.count)
      isOpen = true
      fillBatch(batch, samples)
      builder.addSeries(refOf(labels), batch, 0)
      total += samples.count
    }
  }
  return total
}

/** Lists of series that have the same timestamps; series without samples are in none. */
function groupsOf(block: PrometheusBlock, samples: SeriesSamples): Iterable<number[]> {
  const groups = new Map<string, number[]>()
  for (const ref of block.refs()) {
    block.read(ref, samples)
    if (samples.count === 0) continue
    const key = keyOfTimes(samples)
    const group = groups.get(key)
    if (group) group.push(ref)
    else groups.set(key, [ref])
  }
  return groups.values()
}

function keyOfTimes({ t, count }: SeriesSamples): string {
  return hash('sha256', new Uint8Array(t.buffer, 0, count * 8), 'base64')
}

/** The samples as a batch of one series. */
function fillBatch(batch: BatchBuffer, samples: SeriesSamples): void {
  const { count, v, stale, histograms } = samples
  batch.shape(1, count)
  batch.t.set(samples.t.subarray(0, count))
  batch.v.set(v.subarray(0, count))
  if (stale.includes(1) && stale.indexOf(1) < count) {
    batch.beginGaps(0, count)
    for (let i = 0; i < count; i++) if (stale[i] === 1) batch.mark(0, i, true)
  }
  for (let i = 0; i < count; i++) if (histograms[i]) batch.putHistogram(0, i, histograms[i]!)
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
