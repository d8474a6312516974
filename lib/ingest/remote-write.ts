// The remote write receiver: one body in, one durable answer out. Those of 2.0 are written as 1.0 has them, and go the same way.
//
//   snappy ─▶ protobuf ─┬─ known series: predicted, else hashed ─┬─▶ WriteBatch ─▶ Appender.append ─▶ commit ─▶ 204
//                       └─ new series: pending ─▶ labels checked ┘                  verdicts ─▶ 400 with reasons
//
// The whole body is read before anything is made of it, so a malformed one leaves no trace. Unlike Prometheus, which
// rolls back the whole request, good samples are kept beside bad ones: 400 is never retried, so it must not take the
// good ones with it. 5xx means only that the disk refused: it is retried for ever.
import { LabelDecoder, type LabelLimits } from '../format/remote-write-labels.ts'
import { WriteRequestTranslator, type WireBody } from '../format/remote-write-v2.ts'
import { RemoteWriteError } from '../format/remote-write-wire.ts'
import { WriteRequestReader } from '../format/remote-write.ts'
import { EXEMPLAR_DUPLICATE } from '../model/exemplar.ts'
import { METRIC_NAME, formatLabels, type Labels } from '../model/labels.ts'
import type { MetricMetadata } from '../model/metadata.ts'
import { systemClock, type Clock } from '../std/clock.ts'
import { DiskError } from '../std/fs.ts'
import type { Counter, Metrics } from '../std/metrics.ts'
import { SnappyDecoder, SnappyError } from '../kernels/snappy.ts'
import { walkKernel } from '../kernels/walk.ts'
import { LogError } from '../../storage/errors.ts'
import { REJECT_NAMES, type Appender, type ExemplarAppender, type SampleBatch } from '../../storage/interface.ts'
import { LABEL_LIMITS, checkLabels } from './label-check.ts'
import { PendingSeries } from './pending-series.ts'
import { SeriesCache } from './series-cache.ts'
import { WriteBatch } from './write-batch.ts'
import { PushedSeries } from './pushed-series.ts'
import { REFUSAL_REASONS, REFUSED_HISTOGRAM, REFUSED_LABELS, REFUSED_NEW_SERIES, REFUSED_SERIES_LIMIT, Refusals, clip } from './write-refusals.ts'

export const DECODED_BYTES_MAX: number = 32 << 20
/** Label bytes of known series: two million of 250 bytes. */
const CACHE_BYTES_MAX = 512 << 20
/** Series left to the twin where the kernel met something: more each time, as bodies whose order it does not know, or with other things, go on so. */
const LEFT_MAX = 64
/** Samples in one walk from which on it is asked again at once. */
const WALKED_WELL = 32
/** Metrics whose metadata is kept, and characters of a HELP. */
const METADATA_METRICS_MAX = 20_000
const METADATA_CHARS_MAX = 4096

/** Of remote write: 1 stands for 1.0, 2 for 2.0. */
export type WriteVersion = 1 | 2

export interface RemoteWriteResult {
  /** 204 all stored; 400 something refused or malformed; 413 too large; 503 the disk refused, try again. */
  status: 204 | 400 | 413 | 503
  /** Why, '' with 204. */
  message: string
  /** Samples that are stored for good: floats and staleness markers. */
  samplesWritten: number
  /** Native histograms that are. */
  histogramsWritten: number
  /** Exemplars that were taken, those that came again included. They are not waited for. */
  exemplarsWritten: number
}

/** What of a request was stored. */
interface Stored {
  samples: number
  histograms: number
  exemplars: number
}

const NOTHING: Stored = { samples: 0, histograms: 0, exemplars: 0 }

/** What pushed series may be. */
export interface PushLimits {
  labels: LabelLimits
  /** New series of a source (job and instance) an hour; 0: any number. */
  newSeries: number
}

const OVER_LIMIT: Readonly<Record<string, string>> = {
  [REFUSED_SERIES_LIMIT]: 'over storage.limits.active_series', [REFUSED_NEW_SERIES]: 'over global.push_new_series_limit in an hour of its job and instance',
}

/** One per process: it knows every sender's series. */
export class RemoteWriteReceiver {
  readonly #appender: Appender
  readonly #decoder = new SnappyDecoder(DECODED_BYTES_MAX)
  readonly #translator = new WriteRequestTranslator(DECODED_BYTES_MAX)
  readonly #cache: SeriesCache
  #labels: LabelDecoder
  readonly #series: PushedSeries
  readonly #batch = new WriteBatch()
  #pending = new PendingSeries()
  readonly #metadata = new Map<string, MetricMetadata>()
  readonly #samples: Counter
  readonly #refused: Counter<'reason'>
  /** Entry of the last series read, over requests too: a sender's next body often starts where it expects. */
  #last = 0
  /** Entry of the last series made of what is pending. */
  #made = 0
  #forgetEpoch = 0

  /** `seed`: random, against chosen hash collisions. */
  constructor(appender: Appender, metrics: Metrics, seed: number, clock: Clock = systemClock) {
    this.#appender = appender
    this.#series = new PushedSeries(appender, clock)
    this.#cache = new SeriesCache(seed, CACHE_BYTES_MAX)
    this.#labels = new LabelDecoder(LABEL_LIMITS)
    this.#samples = metrics.counter('monitor_remote_write_samples_total', 'Samples stored from remote write requests.')
    this.#refused = metrics.counter('monitor_remote_write_refused_samples_total', 'Samples refused, by reason.', ['reason'])
    for (const reason of REFUSAL_REASONS) this.#refused.inc({ reason }, 0)
    const gauge = (name: string, help: string, value: () => number): void => {
      metrics.gauge(`monitor_remote_write_${name}`, help, [], (each) => each.set(value()))
    }
    gauge('known_series', 'Series known by the bytes senders write for them.', () => this.#cache.size - 1)
    gauge('cache_bytes', 'Memory of the cache of known series.', () => this.#cache.sizeBytes())
    gauge('cache_overflows', 'Times the cache started empty again, its budget spent.', () => this.#cache.overflowCount)
  }

  /** Hold for series that are new from now on. */
  setLimits({ labels, newSeries }: PushLimits): void {
    this.#labels = new LabelDecoder(labels)
    this.#series.newSeriesMax = newSeries
  }

  /** What senders said of their metrics. */
  get metadata(): ReadonlyMap<string, MetricMetadata> {
    return this.#metadata
  }

  /** Takes one snappy-compressed WriteRequest, or Request of 2.0. Resolves when its good samples are on disk, or says why not. */
  async write(body: Uint8Array, version: WriteVersion = 1): Promise<RemoteWriteResult> {
    const refusals = new Refusals()
    let stored: Stored | null = null
    try {
      // Until the first await nothing else runs: decoder, batch and cache are this request's alone. The kernel is asked for here and
      // not before the first request: most servers get none, and do not load the module for it.
      if (this.#cache.takeKernel(walkKernel())) this.#last = 0
      const length = this.#decoder.decode(body)
      const { bytes, view } = this.#decoder
      const decoded = { bytes, view, length }
      stored = this.#take(version === 1 ? decoded : this.#translator.translate(decoded), refusals)
      if (stored.samples + stored.histograms > 0) await this.#appender.commit()
    } catch (error) {
      if (error instanceof SnappyError) return answer(error.code === 'SNAPPY_TOO_LARGE' ? 413 : 400, error.message)
      if (error instanceof RemoteWriteError) {
        return answer(error.code === 'REMOTE_WRITE_TOO_LARGE' ? 413 : 400, error.message)
      }
      if (error instanceof LogError || error instanceof DiskError) {
        // What is thrown before the commit is thrown before the first await: the batch is still this request's.
        const count = stored === null ? this.#batch.columns.count : stored.samples + stored.histograms
        this.#refused.inc({ reason: error instanceof LogError ? error.reason : 'disk_error' }, count)
        return answer(503, error.message)
      }
      throw error
    }
    const total = stored.samples + stored.histograms
    this.#samples.inc(total)
    for (const [reason, count] of refusals.counts) this.#refused.inc({ reason }, count)
    if (refusals.total === 0) return answer(204, '', stored)
    return answer(400, refusals.text(total), stored)
  }

  /** Reads the decoded body, appends what is good, returns how much that was. */
  #take({ bytes, view, length }: WireBody, refusals: Refusals): Stored {
    this.#checkRefs()
    const reader = new WriteRequestReader(bytes, view, length)
    const batch = this.#batch
    batch.clear()
    if (this.#pending.isLarge) this.#pending = new PendingSeries()
    this.#pending.clear()
    this.#readBody(reader, { bytes, view, length }, refusals)
    this.#resolve(view, refusals)
    this.#keepMetadata(reader)
    const samples = batch.finish()
    if (samples.count === 0) return { ...NOTHING, exemplars: this.#storeExemplars() }
    const refusedCount = this.#appender.append(samples, batch.verdicts)
    // A store that refuses the samples has thrown by now.
    const exemplars = this.#storeExemplars()
    if (refusedCount > 0) this.#explain(samples, new WriteRequestReader(bytes, view, length), refusals)
    const stored = samples.count - refusedCount
    const histograms = batch.storedHistograms()
    return { samples: stored - histograms, histograms, exemplars }
  }

  /** Known series that go on as before by the kernel, others by the twin. */
  #readBody(reader: WriteRequestReader, { bytes, view, length }: WireBody, refusals: Refusals): void {
    const { kernel } = this.#cache
    const canWalk = kernel !== null && kernel.canRead(bytes)
    let left = canWalk ? 1 : Infinity
    for (;;) {
      if (canWalk) {
        kernel.at[0] = reader.at
        kernel.at[1] = this.#last
        const count = kernel.walk(bytes, length)
        if (count > 0) this.#batch.takeWalked(kernel, count)
        reader.at = kernel.at[0]
        this.#last = kernel.at[1]
        left = count >= WALKED_WELL ? 1 : Math.min(2 * left, LEFT_MAX)
      }
      for (let i = 0; i < left; i++) {
        if (!reader.nextSeries()) return
        this.#readSeries(reader, view, refusals)
      }
    }
  }

  #checkRefs(): void {
    const { forgetting } = this.#appender
    if (forgetting === undefined || forgetting.epoch === this.#forgetEpoch) return
    this.#forgetEpoch = forgetting.epoch
    this.#cache.forget((ref) => forgetting.isLive(ref))
    this.#batch.forgetRefs()
    this.#last = 0
  }

  /**
   * The reader's series: samples to columns, to the ref of a known series or to what is pending. A function of its own, as V8 compiles a
   * loop that runs anew, again and again, for each kind of series that it meets.
   */
  #readSeries(reader: WriteRequestReader, view: DataView, refusals: Refusals): void {
    const cache = this.#cache
    const batch = this.#batch
    const pending = this.#pending
    const columns = batch.columns
    const from = reader.from
    const sampleFrom = columns.count
    // Fast path: the series that followed the last one before.
    let entry = cache.follows(this.#last, view, from, reader.end)
    const labelsEnd = entry !== 0 ? from + cache.lengthOf(entry) : reader.scanLabels()
    const exemplarFrom = columns.exemplars.count
    const isWhole = reader.readSamples(columns, labelsEnd)
    if (reader.histogramFaults.length > 0) this.#refuseHistograms(reader, refusals)
    const hasSamples = columns.count > sampleFrom
    if (!hasSamples && columns.exemplars.count === exemplarFrom) return
    let hash = 0
    if (!isWhole) {
      if (hasSamples) pending.scattered.set(pending.count, reader.gatherLabels())
      entry = 0
    } else if (entry === 0) {
      hash = cache.hash(view, from, labelsEnd - from)
      entry = cache.find(view, from, labelsEnd - from, hash)
      // Senders put exemplars where they please: what follows them tells nothing.
      if (entry !== 0 && hasSamples) cache.link(this.#last, entry)
    }
    if (columns.exemplars.count > exemplarFrom) {
      const run = isWhole ? view : viewOf(reader.gatherLabels())
      const place = isWhole ? { run, from, labelBytes: labelsEnd - from } : { run, from: 0, labelBytes: run.byteLength }
      if (entry === 0) pending.exemplars.push({ first: exemplarFrom, to: columns.exemplars.count, ...place })
      else columns.exemplars.refs.fill(cache.ref(entry), exemplarFrom, columns.exemplars.count)
    }
    if (!hasSamples) return
    if (entry !== 0) {
      batch.assign(sampleFrom, columns.count, cache.ref(entry), from)
      this.#last = entry
      return
    }
    batch.assignNone(sampleFrom, columns.count, from)
    const i = pending.add()
    pending.from[i] = from
    pending.labelBytes[i] = labelsEnd - from
    pending.hashes[i] = hash
    pending.sampleFrom[i] = sampleFrom
    pending.sampleTo[i] = columns.count
  }

  #refuseHistograms(reader: WriteRequestReader, refusals: Refusals): void {
    for (const fault of reader.histogramFaults.splice(0)) {
      refusals.add(REFUSED_HISTOGRAM, 1, () => `${fault}, of ${this.#nameOf(reader)}`)
    }
  }

  /** The reader's current series, for people. */
  #nameOf(reader: WriteRequestReader): string {
    const run = reader.gatherLabels()
    const labels = this.#labelsOf(viewOf(run), 0, run.length)
    return typeof labels === 'string' ? '?' : clip(formatLabels(labels))
  }

  /** Gives the pending series refs, or counts why not. */
  #resolve(view: DataView, refusals: Refusals): void {
    this.#made = 0
    this.#series.begin()
    for (let i = 0; i < this.#pending.count; i++) this.#resolveOne(view, i, refusals)
  }

  #resolveOne(view: DataView, i: number, refusals: Refusals): void {
    const pending = this.#pending
    const cache = this.#cache
    const origin = pending.from[i]!
    const sampleFrom = pending.sampleFrom[i]!
    const sampleTo = pending.sampleTo[i]!
    const copy = pending.scattered.size === 0 ? undefined : pending.scattered.get(i)
    const run = copy === undefined ? view : viewOf(copy)
    const from = copy === undefined ? origin : 0
    const size = copy === undefined ? pending.labelBytes[i]! : copy.length
    const hash = copy === undefined ? pending.hashes[i]! : cache.hash(run, from, size)
    let entry = cache.find(run, from, size, hash)
    if (entry === 0) {
      const labels = this.#labelsOf(run, from, from + size)
      const ref = typeof labels === 'string' ? REFUSED_LABELS : this.#series.refOf(labels)
      if (typeof ref === 'string') {
        const text = typeof labels === 'string' ? labels : `${OVER_LIMIT[ref]!} at ${formatLabels(labels)}`
        refusals.add(ref, sampleTo - sampleFrom, () => clip(text))
        this.#batch.refuse()
        return
      }
      entry = cache.add(run, from, size, hash, ref)
      // Series that are new together come in this order again.
      if (this.#made < entry) cache.link(this.#made, entry)
      this.#made = entry
    }
    this.#batch.assign(sampleFrom, sampleTo, cache.ref(entry), origin)
  }

  /** Returns how many exemplars the store has taken, now or before. Those it does not are counted by it; they fail no request. */
  #storeExemplars(): number {
    const { exemplars } = this.#batch.columns
    const pending = this.#pending.exemplars
    const into = this.#appender.exemplars
    if (exemplars.count === 0 || into === null) return 0
    for (const { first, to, run, from, labelBytes } of pending) exemplars.refs.fill(this.#refOf(into, run, from, labelBytes), first, to)
    into.append(exemplars)
    return exemplars.verdicts.subarray(0, exemplars.count).filter((verdict) => verdict <= EXEMPLAR_DUPLICATE).length
  }

  /** The series of a run of label fields, 0 where the store does not have it. */
  #refOf(store: ExemplarAppender, run: DataView, from: number, labelBytes: number): number {
    const hash = this.#cache.hash(run, from, labelBytes)
    const known = this.#cache.find(run, from, labelBytes, hash)
    if (known !== 0) return this.#cache.ref(known)
    const labels = this.#labelsOf(run, from, from + labelBytes)
    const ref = typeof labels === 'string' ? 0 : store.refOf(labels)
    if (ref !== 0) this.#cache.add(run, from, labelBytes, hash, ref)
    return ref
  }

  /** The label set of a run of label fields, or why the series is refused. */
  #labelsOf(run: DataView, from: number, end: number): Labels | string {
    const labels = this.#labels.read(run, from, end)
    return typeof labels === 'string' ? labels : checkLabels(labels)
  }

  /** Counts the appender's verdicts; the first few are named by reading the body once more. */
  #explain(samples: SampleBatch, reader: WriteRequestReader, refusals: Refusals): void {
    const { verdicts, origins } = this.#batch
    for (let i = 0; i < samples.count; i++) {
      const verdict = verdicts[i]!
      if (verdict === 0) continue
      refusals.add(REJECT_NAMES[verdict]!, 1, () => {
        // Refusals come in the body's order unless it was regrouped; a name missed then is left out.
        const at = `at ${samples.times![i]!}`
        while (reader.from !== origins[i]!) if (!reader.nextSeries()) return `${REJECT_NAMES[verdict]!} sample ${at}`
        return `${REJECT_NAMES[verdict]!} sample of ${this.#nameOf(reader)} ${at}`
      })
    }
  }

  #keepMetadata(reader: WriteRequestReader): void {
    for (const { metric, metadata } of reader.metadata) {
      if (metric === '' || metric === METRIC_NAME || metric.length > METADATA_CHARS_MAX) continue
      if (this.#metadata.size >= METADATA_METRICS_MAX && !this.#metadata.has(metric)) continue
      const { type, help, unit } = metadata
      const cut = (text: string): string => text.slice(0, METADATA_CHARS_MAX)
      this.#metadata.set(metric, { type, help: cut(help), unit: cut(unit) })
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function answer(status: RemoteWriteResult['status'], message: string, { samples, histograms, exemplars } = NOTHING): RemoteWriteResult {
  return { status, message, samplesWritten: samples, histogramsWritten: histograms, exemplarsWritten: exemplars }
}
