// Rules on a fake clock over the memory storage and the real engine.
import { Engine } from '../../lang/engine.ts'
import type { RuleConfig, RuleGroupConfig } from '../../lib/config/rule-config.ts'
import { formatLabels, labelsFromRecord } from '../../lib/model/labels.ts'
import { RuleWriteError, type RuleGroup, type WriteFunc } from '../../lib/rules/group.ts'
import { RuleManager, type ManagerGround, type RuleSettings } from '../../lib/rules/manager.ts'
import { engineQuery } from '../../lib/rules/rule-query.ts'
import { RuleWriter } from '../../lib/rules/rule-writer.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { MemoryStorage } from './memory-storage.ts'

const STEP_MS = 10_000
export const START_MS = 1_700_000_000_000

export function alertRule(name: string, expr: string, more: Partial<RuleConfig> = {}): RuleConfig {
  return { kind: 'alert', name, expr, forMs: 0, keepFiringForMs: 0, labels: new Map(), annotations: new Map(), ...more }
}

export function recordRule(name: string, expr: string, labels: Readonly<Record<string, string>> = {}): RuleConfig {
  return { ...alertRule(name, expr), kind: 'record', labels: new Map(Object.entries(labels)) }
}

export function ruleGroup(rules: readonly RuleConfig[], more: Partial<RuleGroupConfig> = {}): RuleGroupConfig {
  return { name: 'g', file: 'rules.yml', intervalMs: 60_000, queryOffsetMs: null, limit: 0, rules, ...more }
}

export class RulesFixture {
  readonly clock: FakeClock
  readonly storage: MemoryStorage
  readonly manager: RuleManager
  /** Set to make writes fail, or to wait. */
  beforeWrite: () => Promise<void> = () => Promise.resolve()

  constructor(storage: MemoryStorage = new MemoryStorage(), clock: FakeClock = new FakeClock(START_MS), more: Partial<ManagerGround> = {}) {
    this.storage = storage
    this.clock = clock
    const writer = new RuleWriter(storage)
    const write: WriteFunc = async (timeMs, rows) => {
      await this.beforeWrite()
      return writer.write(timeMs, rows)
    }
    this.manager = new RuleManager({
      query: engineQuery(new Engine({ clock }), storage, { timeoutMs: 10_000, lookbackMs: 300_000 }), write,
      queryable: storage, features: {}, clock, logger: silentLogger, ...more,
    })
  }

  apply(groups: readonly RuleGroupConfig[], more: Partial<RuleSettings> = {}): Promise<void> {
    return this.manager.apply({
      groups, evaluationIntervalMs: 60_000, queryOffsetMs: 0, externalLabels: new Map(), externalUrl: 'http://monitor.example/sub', ...more,
    })
  }

  /** A value of a series as of now. */
  put(labels: Readonly<Record<string, string>>, value: number): void {
    this.storage.add(labelsFromRecord(labels), this.clock.now(), value)
  }

  /** Turns the clock on in steps of seconds, letting evaluations come to their end between them. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.clock.advance(Math.min(left, STEP_MS))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  get group(): RuleGroup {
    return this.manager.groups()[0]!
  }

  /** All that was written of a metric: series to its values, `stale` for markers. */
  stored(name: string): Record<string, (number | 'stale')[]> {
    const found = this.storage.dump().filter(({ labels }) => labels[labels.indexOf('__name__') + 1] === name)
    return Object.fromEntries(found.map(({ labels, samples }) => [formatLabels(labels), samples.map(({ isStale, v }) => (isStale ? 'stale' : v))]))
  }

  failWrites(message: string): void {
    this.beforeWrite = () => Promise.reject(new RuleWriteError(message))
  }
}
