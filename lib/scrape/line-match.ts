// The hot path of scraping: as long as a body goes on like the last one, its lines are compared, not parsed.
//
//   last body   node_cpu_seconds_total{cpu="0",mode="idle"} 91234.56\n
//   this body   node_cpu_seconds_total{cpu="0",mode="idle"} 91235.02\n
//               └───────── prefix: equal, so same series ───┘└ read anew; not even that if the whole line is equal
//
// Words are compared as 64-bit integers through DataView, which optimised code does without making BigInts: faster
// than Buffer.compare (call overhead) and than 32-bit loads.
import { FAMILY_HAS_UNIT, FAMILY_TYPE_MASK } from '../format/metric-family.ts'
import type { FloatReader } from '../format/text-float.ts'
import type { LinesKernel } from '../kernels/lines.ts'
import {
  FAMILY_MASK, FAMILY_SHIFT, KIND_MASK, LINE_COMMENT, LINE_DROPPED, LINE_LONG_SAMPLE, LINE_SAMPLE, LINE_UNIT, PREFIX_SHIFT, TRACKED,
  type LineTable,
} from './line-table.ts'
import type { ScrapeBatch } from './scrape-batch.ts'

/** One body's progress; `matchLines` takes it up and leaves it where the body departs from the last. */
export interface MatchState {
  bytes: Uint8Array
  view: DataView
  length: number
  isOpenMetrics: boolean
  /** Next byte, at a line's start. */
  pos: number
  /** TextParser.family in force at `pos`. */
  family: number
  lastView: DataView
  last: LineTable
  /** Line of the last body that is expected next. */
  lastLine: number
  lines: LineTable
  batch: ScrapeBatch
  /** Samples seen, dropped ones included. */
  scraped: number
  dropped: number
  /** Lines of the last body found again whose series is tracked for staleness. */
  trackedFound: number
  /** 1 for each line of the last body that was found again; null until the two bodies have differed. */
  found: Uint8Array | null
  /** What has taken both bodies; null: the twin goes over them. */
  kernel: LinesKernel | null
}

/** Takes lines from `state.pos` on as long as they match the last body's, one after the other. */
export function matchLines(state: MatchState, floats: FloatReader): void {
  if (state.kernel !== null && state.found === null) matchByKernel(state, state.kernel)
  else matchByTwin(state, floats)
}

/** Leaves to the parser also numbers of a length that few have. */
function matchByKernel(state: MatchState, kernel: LinesKernel): void {
  const { last, lastLine, lines, batch } = state
  const kind = last.infos[lastLine]! & KIND_MASK
  if (kind === LINE_LONG_SAMPLE || kind > LINE_DROPPED) return
  const { at } = kernel
  at[0] = state.pos
  at[1] = lastLine
  at[2] = state.family
  const n = kernel.match()
  if (n === 0) return
  const samples = at[3]!
  const first = lines.count
  const to = lastLine + n
  if (lines.capacity - first < n) lines.reserve(Math.max(n, last.count - lastLine))
  lines.ends.set(kernel.ends.subarray(lastLine, to), first)
  lines.values.set(kernel.values.subarray(lastLine, to), first)
  lines.infos.set(last.infos.subarray(lastLine, to), first)
  lines.refs.set(last.refs.subarray(lastLine, to), first)
  lines.count = first + n
  batch.pushAll(kernel.sampleRefs, kernel.sampleValues, samples)
  state.scraped += samples + at[5]!
  state.dropped += at[5]!
  state.pos = at[0]
  state.family = at[2]
  state.lastLine = to
  state.trackedFound += at[4]!
}

function matchByTwin(state: MatchState, floats: FloatReader): void {
  const { bytes, view, length, isOpenMetrics, lastView, last, lines, batch, found } = state
  const { ends: lastEnds, infos: lastInfos, refs: lastRefs, values: lastValues, count: lastCount } = last
  const room = lastCount - state.lastLine
  lines.reserve(room)
  batch.reserve(room)
  const { ends, infos, refs, values } = lines
  const { refs: batchRefs, values: batchValues, times, stale } = batch
  let { pos, family, lastLine, scraped, dropped, trackedFound } = state
  let line = lines.count
  let samples = batch.count
  let from = last.startOf(lastLine)
  while (lastLine < lastCount && pos < length) {
    const end = lastEnds[lastLine]!
    const info = lastInfos[lastLine]!
    const kind = info & KIND_MASK
    const size = end - from
    if (found !== null && found[lastLine] !== 0) break
    const available = length - pos
    const equal = equalLength(lastView, from, view, pos, size < available ? size : available)
    let value = lastValues[lastLine]!
    let next = pos + size
    if (kind <= LINE_UNIT) {
      const behind = equal < size ? -1 : familyBehind(info, family)
      if (behind < 0) break
      family = behind
    } else {
      if (((info >>> FAMILY_SHIFT) & FAMILY_MASK) !== family) break
      if (kind !== LINE_SAMPLE && kind !== LINE_DROPPED) break
      if (equal < size) {
        const prefix = info >>> PREFIX_SHIFT
        if (equal < prefix) break
        value = floats.read(bytes, pos + prefix, isOpenMetrics)
        next = floats.end
        // A bad number, a timestamp or an exemplar is the parser's business.
        if (next < 0 || bytes[next] !== 0x0a) break
        next++
      }
      scraped++
      if (kind === LINE_SAMPLE) {
        batchRefs[samples] = lastRefs[lastLine]!
        batchValues[samples] = value
        if (times !== null) times[samples] = batch.t
        if (stale !== null) stale[samples] = 0
        samples++
        if ((info & TRACKED) !== 0) trackedFound++
      } else {
        dropped++
      }
    }
    if (found !== null) found[lastLine] = 1
    ends[line] = next
    infos[line] = info
    refs[line] = lastRefs[lastLine]!
    values[line] = value
    line++
    lastLine++
    from = end
    pos = next
  }
  lines.count = line
  batch.count = samples
  state.pos = pos
  state.family = family
  state.lastLine = lastLine
  state.scraped = scraped
  state.dropped = dropped
  state.trackedFound = trackedFound
}

/** The family in force behind a comment that was known, `family` being so before it; -1 where the parser must say. */
function familyBehind(info: number, family: number): number {
  const kind = info & KIND_MASK
  if (kind === LINE_COMMENT) return family
  const told = (info >>> FAMILY_SHIFT) & FAMILY_MASK
  if (kind === LINE_UNIT) return (told & FAMILY_HAS_UNIT) | (family & FAMILY_TYPE_MASK)
  // A TYPE line ends the unit of another family.
  return (family & FAMILY_HAS_UNIT) === 0 ? told & FAMILY_TYPE_MASK : -1
}

/** How many bytes from `aFrom` and `bFrom` on are equal, `size` at most. */
export function equalLength(a: DataView, aFrom: number, b: DataView, bFrom: number, size: number): number {
  let i = 0
  for (; i + 8 <= size; i += 8) {
    if (a.getBigUint64(aFrom + i, true) !== b.getBigUint64(bFrom + i, true)) break
  }
  while (i < size && a.getUint8(aFrom + i) === b.getUint8(bFrom + i)) i++
  return i
}
