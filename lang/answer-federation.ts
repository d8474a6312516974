// Answers /federate: the newest sample of each selected series as a page that another Prometheus scrapes, in its text or
// protobuf format. Source: prometheus web/federate.go. What ends with a staleness marker is left out; native histograms have no
// text, but those with custom buckets are told as classic ones.
import { escapeName } from '../lib/model/escaped-name.ts'
import { HINT_GAUGE, isCustom, type FloatHistogram } from '../lib/model/histogram.ts'
import { METRIC_NAME, compareText, type Labels } from '../lib/model/labels.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { Querier, SeriesBatch } from '../storage/interface.ts'
import type { LabelTable } from './exec/label-table.ts'
import type { FederationJob, QueryReply } from './job.ts'
import { ByteWriter } from './reply/byte-writer.ts'
import { ANSWER_BYTES_MAX } from './reply/envelope.ts'
import type { FederatedFamily } from './reply/federated-family.ts'
import { writeProtoFamily } from './reply/federation-proto.ts'
import { writeTextFamily } from './reply/federation-text.ts'
import { labelOrder } from './reply/label-order.ts'

interface Newest {
  set: number
  name: string
  t: number
  v: number
  histogram: FloatHistogram | null
}

/** `sets`: the matchers of the job's selectors. Throws LimitError where the page is too large. */
export function federationReply(job: FederationJob, sets: readonly (readonly Matcher[])[], querier: Querier, labelsOf: () => LabelTable): QueryReply {
  const labels = labelsOf()
  const writeFamily = job.format === 'text' ? writeTextFamily : writeProtoFamily
  const out = new ByteWriter(ANSWER_BYTES_MAX)
  const newest = inOrder(newestOf(sets, querier, labels, job), labels).filter(({ histogram }) => job.format === 'protobuf' || histogram === null || isCustom(histogram))
  for (let from = 0, to = 0; from < newest.length; from = to) {
    const { name } = newest[from]!
    const type = typeOf(newest[from]!)
    while (to < newest.length && newest[to]!.name === name && typeOf(newest[to]!) === type) to++
    const metrics = newest.slice(from, to).map(({ set, t, v, histogram }) => ({ labels: shownLabels(labels.labels(set), job), t, v, histogram }))
    writeFamily(out, { name: escapeName(name, job.escaping), type, metrics })
  }
  return { status: 200, body: out.finish() }
}

/** What each series that any of the sets selects had last, if it is live. */
function newestOf(sets: readonly (readonly Matcher[])[], querier: Querier, labels: LabelTable, { startMs, endMs }: FederationJob): Newest[] {
  const found: Newest[] = []
  const seen = new Set<number>()
  const hints = { startMs: endMs, endMs, stepMs: 0, rangeMs: endMs - startMs, func: '' }
  const nameSymbol = labels.intern(METRIC_NAME)
  for (const matchers of sets) {
    const selection = querier.select(matchers, startMs, endMs, hints)
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      for (let s = 0; s < batch.seriesCount; s++) {
        const ref = selection.refs[batch.index[s]!]!
        if (seen.has(ref)) continue
        seen.add(ref)
        const i = lastOf(batch, s)
        const set = labels.ofSeries(ref)
        const name = labels.textOf(labels.get(set, nameSymbol))
        if (i < 0 || name === '') continue
        const v = batch.v[s * batch.n + i]!
        const histogram = batch.histograms !== null && isSet(batch.histogramBits, batch.n, s, i) ? batch.histograms[v]! : null
        found.push({ set, name, t: batch.t[i]!, v, histogram })
      }
    }
  }
  return found
}

/** Position of the newest sample of a series, -1 where there is none or it is a staleness marker. */
function lastOf(batch: SeriesBatch, s: number): number {
  if (batch.hasGaps[s] === 0) return batch.n - 1
  for (let i = batch.n - 1; i >= 0; i--) if (isSet(batch.present, batch.n, s, i)) return isSet(batch.stale, batch.n, s, i) ? -1 : i
  return -1
}

function isSet(bits: Uint32Array, n: number, s: number, i: number): boolean {
  return ((bits[s * ((n + 31) >>> 5) + (i >>> 5)]! >>> (i & 31)) & 1) === 1
}

/** By name, then by labels. */
function inOrder(newest: readonly Newest[], labels: LabelTable): Newest[] {
  const order = labelOrder(Uint32Array.from(newest, ({ set }) => set), labels)
  return Array.from(order, (i) => newest[i]!).toSorted((a, b) => compareText(a.name, b.name))
}

function typeOf({ histogram }: Newest): FederatedFamily['type'] {
  if (histogram === null) return 'untyped'
  return histogram.hint === HINT_GAUGE ? 'gauge_histogram' : 'histogram'
}

function shownLabels(labels: Labels, { externalLabels, escaping }: FederationJob): string[] {
  const out: string[] = []
  const own = new Set<string>()
  const add = (name: string, value: string): void => void out.push(escapeName(name, escaping), value)
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === METRIC_NAME) continue
    own.add(labels[i]!)
    add(labels[i]!, labels[i + 1]!)
  }
  for (let i = 0; i < externalLabels.length; i += 2) if (!own.has(externalLabels[i]!)) add(externalLabels[i]!, externalLabels[i + 1]!)
  return out
}
