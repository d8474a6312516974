// Which alerts others make pointless: while a source fires, targets with equal values of some labels are told to no one.
// After alertmanager inhibit/inhibit.go.
import type { InhibitRule } from '../../config/alertmanager-config.ts'
import { getLabel, type Labels } from '../../model/labels.ts'
import { compileRouteMatchers } from '../../model/route-matcher.ts'
import { isResolved, type PipelineAlert } from './alert.ts'

type Test = (labels: Labels) => boolean

class CompiledRule {
  readonly isSource: Test
  readonly isTarget: Test
  readonly #equal: readonly string[]
  /** Sources by the values of the equal labels, then by fingerprint. */
  readonly #sources = new Map<string, Map<string, PipelineAlert>>()

  constructor({ sourceMatchers, targetMatchers, equal }: InhibitRule) {
    this.isSource = testOf(sourceMatchers)
    this.isTarget = testOf(targetMatchers)
    this.#equal = equal
  }

  put(alert: PipelineAlert): void {
    if (!this.isSource(alert.labels)) return
    const key = this.#keyOf(alert.labels)
    let alike = this.#sources.get(key)
    if (alike === undefined) this.#sources.set(key, (alike = new Map()))
    alike.set(alert.fingerprint, alert)
  }

  forget({ labels, fingerprint }: PipelineAlert): void {
    const key = this.#keyOf(labels)
    const alike = this.#sources.get(key)
    alike?.delete(fingerprint)
    if (alike?.size === 0) this.#sources.delete(key)
  }

  /** A source that inhibits the target; one that is both would inhibit itself, so such a one does not inhibit its like. */
  sourceFor(target: Labels, nowMs: number): string | null {
    const alike = this.#sources.get(this.#keyOf(target))
    if (alike === undefined) return null
    const isBoth = this.isSource(target)
    for (const source of alike.values()) {
      if (!isResolved(source, nowMs) && !(isBoth && this.isTarget(source.labels))) return source.fingerprint
    }
    return null
  }

  #keyOf(labels: Labels): string {
    return this.#equal.map((name) => getLabel(labels, name)).join('\xff')
  }
}

function testOf(matchers: InhibitRule['sourceMatchers']): Test {
  const test = compileRouteMatchers(matchers)
  return (labels) => test((name) => getLabel(labels, name))
}

export class Inhibitor {
  readonly #rules: readonly CompiledRule[]

  constructor(rules: readonly InhibitRule[]) {
    this.#rules = rules.map((rule) => new CompiledRule(rule))
  }

  put(alert: PipelineAlert): void {
    for (const rule of this.#rules) rule.put(alert)
  }

  forget(alert: PipelineAlert): void {
    for (const rule of this.#rules) rule.forget(alert)
  }

  /** Fingerprint of an alert that inhibits; null where there is none. */
  inhibitedBy(labels: Labels, nowMs: number): string | null {
    for (const rule of this.#rules) {
      const source = rule.isTarget(labels) ? rule.sourceFor(labels, nowMs) : null
      if (source !== null) return source
    }
    return null
  }
}
