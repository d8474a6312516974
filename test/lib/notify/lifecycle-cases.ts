// What tests of single cases of the lifecycle have in common.
import { onTestFinished } from 'vitest'
import type { EscalationPolicy } from '../../../lib/config/alertmanager-config.ts'
import type { LifecycleConfig } from '../../../lib/config/lifecycle-section.ts'
import { fingerprint } from '../../../lib/model/fingerprint.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import type { Notification } from '../../../lib/model/notification.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { ALL } from '../meta/store-conformance.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { LifecycleWorld, sent } from './lifecycle-world.ts'

export const MINUTE: number = 60_000
export const CPU: { alertname: string; instance: string; severity: string } = { alertname: 'Cpu', instance: 'web1', severity: 'warning' }
const ONCALL: EscalationPolicy = { name: 'oncall', steps: [{ afterMs: 5 * MINUTE, receiver: 'boss' }, { afterMs: 15 * MINUTE, receiver: 'vp' }] }

/** Begun, and ended with the test. */
export async function beganWorld(config: Partial<LifecycleConfig> = {}, policies: EscalationPolicy[] = [ONCALL]): Promise<LifecycleWorld> {
  const made = new LifecycleWorld(tempFolder(), new FakeClock(), config, policies)
  await made.begin()
  onTestFinished(async () => {
    await made.lifecycle.stop()
    await made.store.close()
  })
  return made
}

/** Sends one alert, keeps it firing for `ms`, and gives its id. */
export async function fire(w: LifecycleWorld, labels: Record<string, string>, ms: number = 60 * MINUTE): Promise<string> {
  await w.lifecycle.receive([sent(labels, w.clock.now(), { endsAtMs: w.clock.now() + ms })])
  return (await w.store.alerts(ALL)).find(({ status, fingerprint: print }) => status !== 'resolved' && print === printOf(labels))!.id
}

export const printOf = (labels: Record<string, string>): string => fingerprint(labelsFromRecord(labels))

/** The history of an alert. */
export const lines = async (w: LifecycleWorld, id: string): Promise<string[]> => (await w.idle(), (await w.store.events(id)).map(({ kind, detail }) => `${kind} ${detail}`.trim()))

/** A message about CPU. */
export function messageOf(status: 'firing' | 'resolved'): Notification {
  const alert = { status, labels: new Map(), annotations: new Map(), startsAtMs: 0, endsAtMs: 0, generatorUrl: '', fingerprint: printOf(CPU), ackUrl: '' }
  return {
    receiver: '', groupKey: '', reason: '', routeLabels: new Map(), previousMs: 0, memory: '', status, alerts: [alert], groupLabels: new Map(), commonLabels: new Map(), commonAnnotations: new Map(), externalUrl: '', timeMs: 0,
  }
}
