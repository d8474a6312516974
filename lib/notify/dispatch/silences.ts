// Silences: kept in memory, written through to the relational store before they are answered. Which silences match an alert
// is remembered, as their matchers never change: a later look tests only those made since. After alertmanager silence/.
import { randomUUID } from 'node:crypto'
import type { MetaStore } from '../../meta/interface.ts'
import { StorePatience } from '../../meta/store-patience.ts'
import { getLabel, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import { compileRouteMatchers, compileRoutePattern } from '../../model/route-matcher.ts'
import type { Silence } from '../../model/silence.ts'
import type { Clock } from '../../std/clock.ts'
import { compileRegex, RegexError } from '../../std/regex.ts'

/** A silence that cannot be, or is not there; the message says why. */
export class SilenceError extends Error {
  readonly code: 'BAD_SILENCE' | 'NO_SILENCE'

  constructor(code: 'BAD_SILENCE' | 'NO_SILENCE', message: string) {
    super(message)
    this.code = code
  }
}

/** `id` '': a new one. */
export type SilenceDraft = Omit<Silence, 'updatedAtMs'>
export type SilenceState = 'active' | 'pending' | 'expired'

interface Kept {
  silence: Silence
  /** Order of making. */
  number: number
  tests: readonly ReturnType<typeof compileRouteMatchers>[]
}

/** How long a silence is shown after its end, as Alertmanager's data.retention. */
const RETENTION_MS = 120 * 3_600_000
/** A megabyte is no comment; it would be sent with every list. */
const TEXT_CHARS_MAX = 64 << 10
const SILENCES_MAX = 100_000

export function silenceState({ startsAtMs, endsAtMs }: Pick<Silence, 'startsAtMs' | 'endsAtMs'>, nowMs: number): SilenceState {
  if (nowMs < startsAtMs) return 'pending'
  return nowMs < endsAtMs ? 'active' : 'expired'
}

export class Silences {
  readonly #store: MetaStore
  readonly #clock: Clock
  readonly #patience: StorePatience
  readonly #kept = new Map<string, Kept>()
  /** By fingerprint: silences that match, and the number of the newest that was tested. */
  readonly #matched = new Map<string, { ids: string[]; number: number }>()
  #newest = 0
  /** Changes come one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: MetaStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#patience = new StorePatience(clock)
  }

  /** Reads what was kept; before it nothing is silenced. Gives a sentence about each that is left out: it is damaged, or its matchers are no longer understood. */
  async load(): Promise<string[]> {
    const leftOut = (await this.#store.unreadableSilences()).map((id) => `silence ${id}: its entry in meta/monitor.db is damaged`)
    for (const silence of await this.#store.silences()) {
      try {
        this.#keep(silence)
      } catch (error) {
        if (!(error instanceof RegexError)) throw error
        leftOut.push(`silence ${silence.id} by ${silence.createdBy} (${silence.comment}): ${error.message}`)
      }
    }
    return leftOut
  }

  all(): Silence[] {
    return Array.from(this.#kept.values(), ({ silence }) => silence)
  }

  get(id: string): Silence | undefined {
    return this.#kept.get(id)?.silence
  }

  /** Makes or changes a silence; resolves to its id once it is durable. Rejects with SilenceError; with MetaError where the store refuses it or takes too long, and it is not made. */
  set(draft: SilenceDraft): Promise<string> {
    checkSilence(draft)
    return this.#inTurn(() => this.#set(draft))
  }

  /** Ends a silence now; one that has ended already stays as it is. Rejects as `set`. */
  expire(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const silence = this.#needed(id)
      const ended = endedAt(silence, this.#clock.now())
      if (ended !== null) await this.#write([ended])
    })
  }

  /** Ids of the active silences that match the alert, sorted. */
  silencedBy(fingerprint: string, labels: Labels, nowMs: number): string[] {
    let known = this.#matched.get(fingerprint)
    if (known === undefined) this.#matched.set(fingerprint, (known = { ids: [], number: 0 }))
    if (known.number < this.#newest) this.#match(known, labels)
    return known.ids.filter((id) => {
      const kept = this.#kept.get(id)
      return kept !== undefined && silenceState(kept.silence, nowMs) === 'active'
    })
  }

  /** The alert is no more. */
  forgetAlert(fingerprint: string): void {
    this.#matched.delete(fingerprint)
  }

  /** Drops what ended long before `nowMs`. */
  async forgetExpired(nowMs: number): Promise<void> {
    const beforeMs = nowMs - RETENTION_MS
    const gone = this.all().filter(({ endsAtMs }) => endsAtMs < beforeMs).map(({ id }) => id)
    if (gone.length === 0) return
    await this.#store.deleteSilences(gone)
    for (const id of gone) this.#kept.delete(id)
  }

  /** The wall clock was set back by so much: what has begun does not begin anew. Holds at once; resolves when it is durable, rejects with MetaError. */
  async setBack(ms: number): Promise<void> {
    const nowMs = this.#clock.now()
    const begun = this.all().filter((silence) => silenceState(silence, nowMs) === 'pending' && silence.startsAtMs <= nowMs + ms)
    for (const silence of begun) this.#keep({ ...silence, startsAtMs: nowMs })
    await this.#inTurn(() => Promise.all(begun.map(({ id }) => this.#store.putSilence(this.#needed(id)))))
  }

  async #set(draft: SilenceDraft): Promise<string> {
    const nowMs = this.#clock.now()
    const before = draft.id === '' ? null : this.#needed(draft.id)
    if (before !== null && canBecome(before, draft, nowMs)) {
      await this.#write([{ ...draft, updatedAtMs: nowMs }])
      return draft.id
    }
    if (this.#kept.size >= SILENCES_MAX) throw new SilenceError('BAD_SILENCE', `exceeded maximum number of silences: ${this.#kept.size} (limit: ${SILENCES_MAX})`)
    // History stays as it was: the old one ends, another begins.
    const ended = before === null ? null : endedAt(before, nowMs)
    const id = randomUUID()
    const made: Silence = { ...draft, id, startsAtMs: Math.max(draft.startsAtMs, nowMs), updatedAtMs: nowMs }
    await this.#write(ended === null ? [made] : [made, ended])
    return id
  }

  #needed(id: string): Silence {
    const silence = this.get(id)
    if (silence === undefined) throw new SilenceError('NO_SILENCE', 'silence not found')
    return silence
  }

  /** Calls made together are one transaction, as a rule. */
  async #write(silences: readonly Silence[]): Promise<void> {
    const put = async (): Promise<void> => void (await Promise.all(silences.map((silence) => this.#store.putSilence(silence))))
    await this.#patience.answerOf(put, () => this.#takeBack(silences))
    for (const silence of silences) this.#keep(silence)
  }

  /** What the store may take yet, while whoever asked for it was told that it is not so. Its calls are carried out in order. */
  #takeBack(silences: readonly Silence[]): void {
    const before = silences.map(({ id }) => this.get(id))
    const made = silences.filter((_, i) => before[i] === undefined).map(({ id }) => id)
    // Where the store fails altogether there is nothing to take back.
    void Promise.allSettled([...before.filter((one) => one !== undefined).map((one) => this.#store.putSilence(one)), ...(made.length === 0 ? [] : [this.#store.deleteSilences(made)])])
  }

  #keep(silence: Silence): void {
    const known = this.#kept.get(silence.id)
    if (known !== undefined) known.silence = silence
    else this.#kept.set(silence.id, { silence, number: ++this.#newest, tests: silence.matcherSets.map((set) => compileRouteMatchers(set)) })
  }

  #match(known: { ids: string[]; number: number }, labels: Labels): void {
    const get = (name: string): string => getLabel(labels, name)
    for (const { silence, number, tests } of this.#kept.values()) {
      if (number > known.number && tests.some((test) => test(get))) known.ids.push(silence.id)
    }
    known.ids.sort()
    known.number = this.#newest
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const next = this.#last.then(change)
    this.#last = next.catch(() => {})
    return next
  }
}

/** null: it has ended. */
function endedAt(silence: Silence, nowMs: number): Silence | null {
  const state = silenceState(silence, nowMs)
  if (state === 'expired') return null
  return { ...silence, endsAtMs: nowMs, ...(state === 'pending' && { startsAtMs: nowMs }), updatedAtMs: nowMs }
}

/** Whether the change leaves what was silenced so far as it was. */
function canBecome(before: Silence, draft: SilenceDraft, nowMs: number): boolean {
  if (JSON.stringify(before.matcherSets) !== JSON.stringify(draft.matcherSets)) return false
  switch (silenceState(before, nowMs)) {
    case 'active': return Math.floor(before.startsAtMs / 1000) === Math.floor(draft.startsAtMs / 1000) && draft.endsAtMs >= nowMs
    case 'pending': return draft.startsAtMs >= nowMs
    case 'expired': return false
  }
}

/** Throws SilenceError, in Alertmanager's words. */
function checkSilence({ matcherSets, startsAtMs, endsAtMs, comment, createdBy }: SilenceDraft): void {
  const refuse = (why: string): never => {
    throw new SilenceError('BAD_SILENCE', `invalid silence: ${why}`)
  }
  if (matcherSets.length === 0) refuse('at least one matcher set required')
  matcherSets.forEach((set, i) => {
    if (set.length === 0) refuse(`matcher set ${i} is empty`)
    set.forEach((matcher, k) => {
      const fault = faultOf(matcher)
      if (fault !== null) refuse(`invalid label matcher ${k} in set ${i}: ${fault}`)
    })
    if (set.every(matchesEmpty)) refuse(`matcher set ${i}: at least one matcher must not match the empty string`)
  })
  if (endsAtMs < startsAtMs) refuse('end time must not be before start time')
  for (const [name, text] of [['comment', comment], ['createdBy', createdBy]] as const) {
    if (text.length > TEXT_CHARS_MAX) refuse(`${name} has ${text.length} characters, more than ${TEXT_CHARS_MAX}: put the details elsewhere and link to them`)
  }
}

function faultOf({ name, op, value }: Matcher): string | null {
  if (name === '' || !name.isWellFormed()) return `invalid label name ${JSON.stringify(name)}`
  if (op === '=' || op === '!=') return value.isWellFormed() ? null : `invalid label value ${JSON.stringify(value)}`
  try {
    // Alertmanager wants the first, and silences nothing where the second fails.
    compileRegex(value)
    compileRoutePattern(value)
    return null
  } catch (error) {
    if (error instanceof RegexError) return `invalid regular expression ${JSON.stringify(value)}: ${error.message}`
    throw error
  }
}

function matchesEmpty({ name, op, value }: Matcher): boolean {
  return (op === '=' || op === '=~') && compileRouteMatchers([{ name, op, value }])(() => '')
}
