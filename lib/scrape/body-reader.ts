// Reads one scraped body into one batch, with the target's cache where lines are known and the parser where not.
// Serves all targets in turn: reading is synchronous, and scratch memory is shared. Nothing of the cache changes
// before `keep`, so a body that turns out bad on its last line leaves it as it was.
//
//   known and in place ──▶ matchLines (hot) ─┐
//   known elsewhere ──▶ LineIndex ───────────┼──▶ batch, lines
//   unknown ──▶ labels, relabel ──▶ series() ┘
import { ENTRY_END, ENTRY_SAMPLE, ENTRY_TYPE, ENTRY_UNIT, type TextFormat } from '../format/exposition-entry.ts'
import type { RawExemplar } from '../model/exemplar.ts'
import { FloatReader } from '../format/text-float.ts'
import { linesKernel } from '../kernels/lines.ts'
import { TextParser } from '../format/text-parser.ts'
import type { BodyRules, BodyTaker } from './body-taker.ts'
import type { ScrapeCache } from './cache.ts'
import { equalLength, matchLines, type MatchState } from './line-match.ts'
import {
  FAMILY_MASK, FAMILY_SHIFT, KIND_MASK, LINE_COMMENT, LINE_CREATED, LINE_DROPPED, LINE_LONG_SAMPLE, LINE_SAMPLE, LINE_TYPE,
  LINE_UNIT, LINE_UNKNOWN, PREFIX_MAX, PREFIX_SHIFT, lineInfo,
} from './line-table.ts'
import type { ScrapeBatch } from './scrape-batch.ts'
import { startTimesOf } from './start-times.ts'

const TAB = 0x09
const SPACE = 0x20
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d

/** What of a body is read for more than its samples. */
export interface BodyReading {
  /** `_created` lines are no samples of their own. */
  readsStartTimes: boolean
  /** Labels of samples tell of type and unit. */
  labelsFamilies: boolean
}

export class BodyReader {
  readonly #taker: BodyTaker
  readonly #parser: TextParser
  readonly #readsStartTimes: boolean
  readonly #labelsFamilies: boolean
  readonly #floats = new FloatReader()
  readonly #exemplars: RawExemplar[]
  /** Lines whose TYPE and UNIT the parser has seen. */
  #toldLines = 0

  constructor(taker: BodyTaker, { readsStartTimes, labelsFamilies }: BodyReading) {
    this.#taker = taker
    this.#readsStartTimes = readsStartTimes
    this.#labelsFamilies = labelsFamilies
    this.#parser = new TextParser(labelsFamilies)
    this.#exemplars = [this.#parser.exemplar]
  }

  /**
   * Appends the samples of `body`, which ends in a newline, to `batch`, then markers for series that vanished since
   * the last body. Throws ExpositionError for a bad body and ScrapeError for exceeded limits or bad labels; the batch
   * is void then. Call `keep` once the batch is stored.
   */
  read(cache: ScrapeCache, body: Uint8Array, format: TextFormat, rules: BodyRules, batch: ScrapeBatch): void {
    const taker = this.#taker
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    const state = taker.begin(cache, format, rules, batch, { bytes: body, view })
    const kernel = linesKernel()
    if (kernel !== null && kernel.take(body, cache.body, state.last)) state.kernel = kernel
    this.#parser.reset(body, body.length, format)
    this.#toldLines = 0
    try {
      do {
        if (state.lastLine < state.last.count) matchLines(state, this.#floats)
      } while (this.#knownInPlace(state, rules) || this.#otherLine(state, rules))
    } finally {
      taker.count(state)
    }
    taker.finish(cache, state, rules)
  }

  /** When series of the body that `read` took last began, Unix ms, by ref; null where it does not say, or is not asked. */
  startTimes(body: Uint8Array): ReadonlyMap<number, number> | null {
    return this.#readsStartTimes ? startTimesOf(body, this.#taker.lines) : null
  }

  /** Reads a sample whose prefix stands where it stood last time, but with a timestamp or exemplar, or for the first time without. */
  #knownInPlace(state: MatchState, rules: BodyRules): boolean {
    const { last, lastLine } = state
    if (lastLine >= last.count || (state.found !== null && state.found[lastLine] !== 0)) return false
    const info = last.infos[lastLine]!
    const kind = info & KIND_MASK
    const prefix = info >>> PREFIX_SHIFT
    if (kind !== LINE_SAMPLE && kind !== LINE_LONG_SAMPLE && kind !== LINE_DROPPED) return false
    if (((info >>> FAMILY_SHIFT) & FAMILY_MASK) !== state.family || state.pos + prefix >= state.length) return false
    if (equalLength(state.lastView, last.startOf(lastLine), state.view, state.pos, prefix) < prefix) return false
    // More blanks or labels follow: not this prefix after all.
    const c = state.bytes[state.pos + prefix]!
    if (c === SPACE || c === TAB || c === BRACE_OPEN) return false
    this.#parser.readSuffix(state.pos + prefix - (state.isOpenMetrics ? 1 : 0))
    this.#readSample(prefix)
    this.#taker.foundAgain(state, lastLine, rules)
    return true
  }

  /** Parses the line at `state.pos`; false at the body's end. */
  #otherLine(state: MatchState, rules: BodyRules): boolean {
    const parser = this.#parser
    if (this.#labelsFamilies) this.#tellFamily(state)
    parser.pos = state.pos
    parser.family = state.family
    const entry = parser.next()
    if (entry === ENTRY_END) return false
    if (entry === ENTRY_SAMPLE) {
      if (this.#readsStartTimes && parser.isCreated) this.#takeCreated(state)
      else this.#lookUp(state, rules)
      return true
    }
    state.family = parser.family
    state.pos = parser.pos
    state.lines.push(parser.pos, lineInfo(commentKind(entry), parser.family, false, 0), 0, 0)
    this.#toldLines = state.lines.count
    // A comment in a comment's place has replaced it.
    if (state.lastLine < state.last.count && (state.last.infos[state.lastLine]! & KIND_MASK) <= LINE_UNIT) state.lastLine++
    return true
  }

  /** Has the parser read the TYPE and UNIT lines that were known and so skipped: a new series' labels need them. */
  #tellFamily({ lines }: MatchState): void {
    for (; this.#toldLines < lines.count; this.#toldLines++) {
      const kind = lines.infos[this.#toldLines]! & KIND_MASK
      if (kind !== LINE_TYPE && kind !== LINE_UNIT) continue
      this.#parser.pos = lines.startOf(this.#toldLines)
      this.#parser.next()
    }
  }

  #takeCreated(state: MatchState): void {
    const { pos, value } = this.#parser
    state.lines.push(pos, lineInfo(LINE_CREATED, state.family, false, 0), 0, value)
    state.pos = pos
    if (state.lastLine < state.last.count && (state.last.infos[state.lastLine]! & KIND_MASK) === LINE_CREATED) state.lastLine++
  }

  /** Takes a sample that the parser read, by its prefix. */
  #lookUp(state: MatchState, rules: BodyRules): void {
    const { key, sample } = this.#taker
    const prefix = this.#parser.valueAt - state.pos
    const before = state.bytes[this.#parser.valueAt - 1]
    this.#readSample(prefix)
    if (prefix > PREFIX_MAX || (before !== SPACE && before !== TAB && before !== BRACE_CLOSE)) {
      sample.kind = LINE_UNKNOWN
      sample.prefix = 0
      this.#taker.newSeries(state, rules, this.#parser)
      return
    }
    key.from = state.pos
    key.length = prefix
    key.family = state.family
    this.#taker.lookUp(state, rules, this.#parser)
  }

  /** Hands over what the parser read. */
  #readSample(prefix: number): void {
    const { sample } = this.#taker
    const parser = this.#parser
    sample.value = sample.kept = parser.value
    sample.histogram = null
    sample.fault = ''
    sample.hasTime = parser.hasTime
    sample.timeMs = parser.timeMs
    sample.exemplars = this.#exemplars
    sample.exemplarCount = parser.hasExemplar ? 1 : 0
    sample.prefix = prefix
    sample.kind = parser.pos === parser.valueEnd + 1 ? LINE_SAMPLE : LINE_LONG_SAMPLE
    sample.end = parser.pos
  }
}

/** The kind of line that a TYPE, HELP, UNIT or other comment is. */
export function commentKind(entry: number): number {
  return entry === ENTRY_TYPE ? LINE_TYPE : entry === ENTRY_UNIT ? LINE_UNIT : LINE_COMMENT
}
