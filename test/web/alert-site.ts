// A server over a real lifecycle and a real store, and an alert that fires there.
import { onTestFinished } from 'vitest'
import { LifecycleDesk } from '../../cmd/alert-desk.ts'
import type { ApiRules } from '../../lib/rules/json-rule/api-rules.ts'
import { RuleBodyError } from '../../lib/rules/json-rule/fields.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { LifecycleWorld, sent } from '../lib/notify/lifecycle-world.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, startServer } from '../support/web-server.ts'

export const MINUTE = 60_000
export const CPU = { alertname: 'Cpu', instance: 'web1', severity: 'warning', escalation: 'oncall', team: '<script>"\'&' }

interface Site {
  world: LifecycleWorld
  base: string
  /** Calls of the rules' widening. */
  widened: { id: string; labels: Readonly<Record<string, string>> }[]
  get(path: string): Promise<{ status: number; body: Answer }>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<{ status: number; body: Answer }>
}

interface AlertAnswer { alert_id: string; labels: Record<string, string>; rule_name: string; status: string; annotations: Record<string, string>; history: { kind: string; detail: string; time: string }[] }
export interface Answer { status: string; error?: string; data: AlertAnswer & AlertAnswer[]; next: string | null; total?: number; open?: number; acknowledged?: number; now?: string }

export async function site(): Promise<Site> {
  const clock = new FakeClock(NOW)
  const world = new LifecycleWorld(tempFolder(), clock, {}, [{ name: 'oncall', steps: [{ afterMs: 5 * MINUTE, receiver: 'boss' }] }])
  await world.begin()
  const widened: Site['widened'] = []
  const widen: ApiRules['widen'] = (id, labels) => {
    widened.push({ id, labels })
    return Promise.reject(new RuleBodyError([{ field: 'kind', reason: 'is threshold', fix: '' }]))
  }
  const server = await startServer(() => ({ alerts: new LifecycleDesk({ store: world.store, lifecycle: world.lifecycle, rules: { widen }, clock: world.clock, logger: silentLogger }) }))
  onTestFinished(async () => {
    await server.stop()
    await world.lifecycle.stop()
    await world.store.close()
  })
  const ask = async (path: string, init?: RequestInit): Promise<{ status: number; body: Answer }> => {
    const answer = await fetch(server.base + path, init)
    return { status: answer.status, body: await answer.json() as Answer }
  }
  return {
    world, base: server.base, widened, get: (path) => ask(path),
    post: (path, body, headers = {}) => ask(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }) }),
  }
}

/** Its id. */
export async function fire(s: Site, labels: Record<string, string> = CPU, over: Parameters<typeof sent>[2] = {}): Promise<string> {
  const nowMs = s.world.clock.now()
  await s.world.lifecycle.receive([sent(labels, nowMs, { endsAtMs: nowMs + 600 * MINUTE, value: 91.5, ...over })])
  return (await s.get('/api/alerts?limit=1')).body.data[0]!.alert_id
}
