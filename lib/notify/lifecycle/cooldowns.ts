// Cooldowns: who was told of an alert hears of it again only after a while, also when it was resolved meanwhile, unless its
// severity has risen, or an acknowledgement was taken back or ran out. What each integration was told is in the store, so that a restart cuts no cooldown short.
import type { CooldownRule } from '../../config/lifecycle-section.ts'
import type { ToldEntry } from '../../meta/interface.ts'
import { getLabel, type Labels } from '../../model/labels.ts'
import { compileRouteMatchers } from '../../model/route-matcher.ts'
import { tellerKey, type Teller } from '../overlay.ts'
import type { Episode } from './episode.ts'

export interface CooldownSettings {
  /** The first that matches holds. */
  cooldowns: readonly CooldownRule[]
  /** From the least severe to the most. */
  severities: readonly string[]
}

export class Cooldowns {
  #rules: { lengthMs: number; isMatch: (labels: Labels) => boolean }[] = []
  /** By id of a rule made by API. */
  #ofRules: ReadonlyMap<string, number> = new Map()
  #severities: readonly string[] = []
  /** By key, then by whom it was. */
  readonly #told = new Map<string, Map<string, ToldEntry>>()

  get severities(): readonly string[] {
    return this.#severities
  }

  applyConfig({ cooldowns, severities }: CooldownSettings): void {
    this.#severities = severities
    this.#rules = cooldowns.map(({ matchers, cooldownMs }) => {
      const matches = compileRouteMatchers(matchers)
      return { lengthMs: cooldownMs, isMatch: (labels) => matches((name) => getLabel(labels, name)) }
    })
  }

  /** Of rules made by API; theirs come before the configuration's. */
  setRules(lengths: ReadonlyMap<string, number>): void {
    this.#ofRules = lengths
  }

  load(entries: readonly ToldEntry[]): void {
    for (const entry of entries) this.#keep(entry)
  }

  /** ms; 0: none. */
  lengthMs({ record, labels }: Episode): number {
    const own = record.ruleId === null ? 0 : this.#ofRules.get(record.ruleId) ?? 0
    return own > 0 ? own : this.#rules.find(({ isMatch }) => isMatch(labels))?.lengthMs ?? 0
  }

  /** Unix ms until which an integration is not told of the alert, 0 where it may be. */
  heldUntilMs(episode: Episode, by: Teller, nowMs: number): number {
    const entry = this.#of(episode, by)
    return entry === undefined ? 0 : this.#endOf(entry, episode, nowMs)
  }

  /** The same of any integration: who has it cooling down has heard of it. */
  coolsUntilMs(episode: Episode, nowMs: number): number {
    let untilMs = 0
    for (const entry of this.#told.get(episode.cooldownKey)?.values() ?? []) untilMs = Math.max(untilMs, this.#endOf(entry, episode, nowMs))
    return untilMs
  }

  /** Unix ms at which an integration was told last, as far as a cooldown began then; 0: none did. */
  toldMs(episode: Episode, by: Teller): number {
    return this.#of(episode, by)?.timeMs ?? 0
  }

  /** An integration was told of a firing alert; null where no cooldown begins. */
  onTold(episode: Episode, by: Teller, nowMs: number): ToldEntry | null {
    const lengthMs = this.lengthMs(episode)
    if (lengthMs === 0) return null
    const before = this.#of(episode, by)
    // Who heard the worst within the cooldown is not told of it again because of something milder since.
    const isMilder = before !== undefined && before.expiresAtMs > nowMs && this.#severities.indexOf(before.severity) > this.#severities.indexOf(episode.record.severity)
    const severity = isMilder ? before.severity : episode.record.severity
    const entry = { key: episode.cooldownKey, receiver: tellerKey(by), timeMs: nowMs, severity, expiresAtMs: nowMs + lengthMs }
    this.#keep(entry)
    return entry
  }

  /** The wall clock has jumped by so much: what was told is as long ago as it was. */
  moveInTime(ms: number): void {
    for (const entries of this.#told.values()) for (const [receiver, entry] of entries) entries.set(receiver, { ...entry, timeMs: entry.timeMs + ms, expiresAtMs: entry.expiresAtMs + ms })
  }

  forget(nowMs: number): void {
    for (const [key, entries] of this.#told) {
      for (const [receiver, { expiresAtMs }] of entries) if (expiresAtMs <= nowMs) entries.delete(receiver)
      if (entries.size === 0) this.#told.delete(key)
    }
  }

  #endOf(entry: ToldEntry, episode: Episode, nowMs: number): number {
    // The length as it is now: a shorter one in a new configuration holds at once.
    const endMs = Math.min(entry.expiresAtMs, entry.timeMs + this.lengthMs(episode))
    // Who acknowledged it has given it back since: it pages as if it were new.
    const { givenBackAtMs } = episode.record
    const isGivenBack = givenBackAtMs !== null && givenBackAtMs > entry.timeMs
    const hasRisen = this.#severities.indexOf(episode.record.severity) > this.#severities.indexOf(entry.severity)
    return endMs > nowMs && !hasRisen && !isGivenBack ? endMs : 0
  }

  /** What an earlier version kept is the name's. */
  #of({ cooldownKey }: Episode, by: Teller): ToldEntry | undefined {
    const entries = this.#told.get(cooldownKey)
    return entries?.get(tellerKey(by)) ?? entries?.get(by.name)
  }

  #keep(entry: ToldEntry): void {
    const entries = this.#told.get(entry.key) ?? new Map<string, ToldEntry>()
    entries.set(entry.receiver, entry)
    this.#told.set(entry.key, entries)
  }
}
