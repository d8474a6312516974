// All rule groups of one configuration, each in its loop. A new configuration leaves equal groups alone; a changed one takes
// the state of the one in whose place it stands, and a rule that moved, or whose group was renamed, its own; what a removed one gave is
// marked stale after two intervals. After prometheus rules/manager.go, where alerts of moved rules begin anew.
import { isDeepStrictEqual } from 'node:util'
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { RuleGroupConfig } from '../config/rule-config.ts'
import { compareText } from '../model/labels.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import { AlertingRule } from './alerting-rule.ts'
import { buildGroup } from './build-group.ts'
import type { GroupGround, GroupSettings, RuleGroup, WriteFunc } from './group.ts'
import { GroupLoop } from './group-loop.ts'
import { restoreGroup, type RestoreLimits } from './restore.ts'
import type { QueryFunc } from './rule-query.ts'
import type { WindowQueries } from './window/window-query.ts'

/** What rules take from the configuration. */
export interface RuleSettings {
  groups: readonly RuleGroupConfig[]
  evaluationIntervalMs: number
  queryOffsetMs: number
  externalLabels: ReadonlyMap<string, string>
  /** Where people reach this server. */
  externalUrl: string
}

export interface ManagerGround {
  query: QueryFunc
  write: WriteFunc
  /** For what alerts said before a start. */
  queryable: Queryable
  features: Partial<ParserFeatures>
  clock: Clock
  logger: Logger
  restoreLimits?: RestoreLimits
  notify?: NonNullable<GroupGround['notify']>
  /** Told after every evaluation of a group. */
  onEvaluated?: (group: RuleGroup) => void
  onExpanded?: (isGood: boolean) => void
  windows?: WindowQueries
}

export class RuleManager {
  readonly #ground: ManagerGround
  readonly #loops = new Map<string, GroupLoop>()
  readonly #retiring = new Set<Timer>()
  #settings: RuleSettings | null = null
  #isStopped = false

  constructor(ground: ManagerGround) {
    this.#ground = ground
  }

  /** In order of file and name. */
  groups(): RuleGroup[] {
    const groups = Array.from(this.#loops.values(), ({ group }) => group)
    return groups.toSorted((a, b) => compareText(a.config.file, b.config.file) || compareText(a.config.name, b.config.name))
  }

  /** Resolves when the groups of `settings` are the ones that run. Calls must not overlap. */
  async apply(settings: RuleSettings): Promise<void> {
    const isFirst = this.#settings === null
    const isOutsideSame = this.#settings !== null && this.#settings.externalUrl === settings.externalUrl &&
      isDeepStrictEqual(this.#settings.externalLabels, settings.externalLabels)
    this.#settings = settings
    const wanted = new Map(settings.groups.map((config) => [groupKey(config), config]))
    const isKept = ([key, { group }]: [string, GroupLoop]): boolean => {
      const config = wanted.get(key)
      return config !== undefined && isOutsideSame && group.equals(config, settingsOf(config, settings))
    }
    const stopped = new Map([...this.#loops].filter((entry) => !isKept(entry)))
    for (const [key, loop] of stopped) {
      await loop.stop()
      if (!wanted.has(key)) this.#loops.delete(key)
    }
    if (this.#isStopped) return
    const begun: [key: string, group: RuleGroup][] = []
    for (const [key, config] of wanted) {
      if (this.#loops.has(key) && !stopped.has(key)) continue
      const own = settingsOf(config, settings)
      const before = stopped.get(key)?.group
      // Rules know what lies outside of them and how far back they look.
      const previous = isOutsideSame && before?.settings.queryOffsetMs === own.queryOffsetMs ? before : undefined
      const group = buildGroup(config, own, settings, { ground: this.#ground, isRestored: !isFirst, ...(previous && { previous }) })
      if (before !== undefined) group.succeed(before)
      begun.push([key, group])
    }
    this.#handOn(stopped, new Map(begun))
    const settledAtMs = Math.max(-Infinity, ...Array.from([...stopped.values(), ...this.#loops.values()], (loop) => loop.settledAtMs))
    for (const [key, group] of begun) {
      // Of rules that were taken over before they were restored that is still to be done.
      const isRestoring = group.rules.some((rule) => rule instanceof AlertingRule && !rule.isRestored)
      this.#loops.set(key, this.#makeLoop(group, isFirst || isRestoring, settledAtMs))
    }
  }

  /** Resolves when no evaluation runs any more. Nothing is marked stale: after a restart all goes on. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#retiring) timer.cancel()
    await Promise.all(Array.from(this.#loops.values(), (loop) => loop.stop()))
  }

  /** What rules leave that are no longer in their groups: to equal ones that are new elsewhere, since a group was renamed or a rule moved; the rest ends. */
  #handOn(stopped: ReadonlyMap<string, GroupLoop>, begun: ReadonlyMap<string, RuleGroup>): void {
    const nowMs = this.#ground.clock.now()
    for (const group of begun.values()) for (const loop of stopped.values()) group.takeOver(loop.group)
    for (const [key, { group }] of stopped) {
      group.endLeft(nowMs)
      const successor = begun.get(key)
      if (successor === undefined) this.#retireLater(group, nowMs)
      else successor.markLeft(group)
    }
  }

  #retireLater(group: RuleGroup, nowMs: number): void {
    // Other rules may give the same series, and have the time to do so: a marker of a time before their samples would be a gap.
    const timer = this.#ground.clock.after(2 * group.settings.intervalMs, () => {
      this.#retiring.delete(timer)
      void group.retire(nowMs, new Set(this.groups().flatMap((other) => other.givenKeys())))
    }, true)
    this.#retiring.add(timer)
  }

  #makeLoop(group: RuleGroup, isRestoring: boolean, settledAtMs: number): GroupLoop {
    const { clock, logger, queryable, restoreLimits, onEvaluated } = this.#ground
    return new GroupLoop(group, {
      clock,
      restore: isRestoring ? (loaded, nowMs) => restoreGroup(loaded, queryable, nowMs, { clock, logger, ...(restoreLimits && { limits: restoreLimits }) }) : null,
      onEvaluated: (evaluated) => onEvaluated?.(evaluated),
    }, settledAtMs)
  }
}

/** Two files may have groups of one name. */
export function groupKey({ file, name }: RuleGroupConfig): string {
  return `${file};${name}`
}

/** The group's own settings, or what all groups share. */
export function settingsOf(config: RuleGroupConfig, settings: Pick<RuleSettings, 'evaluationIntervalMs' | 'queryOffsetMs'>): GroupSettings {
  return { intervalMs: config.intervalMs ?? settings.evaluationIntervalMs, queryOffsetMs: config.queryOffsetMs ?? settings.queryOffsetMs }
}
