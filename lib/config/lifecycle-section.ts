// What Monitor adds under `alerting` about the life of alerts: cooldowns, acknowledgements, and how long history is kept.
import { MatcherError, type Matcher } from '../model/matcher.ts'
import { parseRouteMatchers } from '../model/route-matcher.ts'
import type { MapReader } from './reader.ts'

/** Alerts that all matchers match are not told again to who was told of them within `cooldownMs`. */
export interface CooldownRule {
  matchers: readonly Matcher[]
  cooldownMs: number
}

export interface LifecycleConfig {
  /** How long resolved alerts and what happened to them are kept. */
  historyRetentionMs: number
  /** The first that matches holds. */
  cooldowns: readonly CooldownRule[]
  /** Values of the label `severity`, from the least severe on: a rise breaks a cooldown. */
  severities: readonly string[]
  /** After so long an acknowledged alert pages again, where who acknowledged it did not say; 0: never. */
  repageAfterMs: number
  /** How long the signed address in a message acknowledges; 0: as long as its alert is kept. */
  ackLinkMs: number
}

export const LIFECYCLE_DEFAULTS: LifecycleConfig = {
  historyRetentionMs: 90 * 86_400_000, cooldowns: [], severities: ['info', 'warning', 'error', 'critical', 'page'], repageAfterMs: 0,
  ackLinkMs: 7 * 86_400_000,
}

export function readLifecycle(reader: MapReader): LifecycleConfig {
  return {
    historyRetentionMs: reader.durationMs('history_retention', LIFECYCLE_DEFAULTS.historyRetentionMs),
    cooldowns: reader.maps('cooldowns').map(readCooldown),
    severities: reader.texts('severities')?.map(({ text }) => text) ?? LIFECYCLE_DEFAULTS.severities,
    repageAfterMs: reader.durationMs('repage_after', LIFECYCLE_DEFAULTS.repageAfterMs),
    ackLinkMs: reader.durationMs('ack_link_lifetime', LIFECYCLE_DEFAULTS.ackLinkMs),
  }
}

function readCooldown(reader: MapReader): CooldownRule {
  const matchers: Matcher[] = []
  for (const { text, at, path } of reader.texts('matchers') ?? []) {
    try {
      matchers.push(...parseRouteMatchers(text))
    } catch (error) {
      if (!(error instanceof MatcherError)) throw error
      reader.problems.error(at, `${path}: ${error.message}`)
    }
  }
  const rule = { matchers, cooldownMs: reader.durationMs('cooldown', NaN) }
  if (!reader.has('cooldown') || rule.cooldownMs === 0) reader.error('cooldown', 'must be set, to how long nobody is told again: 15m')
  reader.finish()
  return rule
}
