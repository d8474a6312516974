// Alertmanager's API as Alertmanager itself answers it (test/golden/alertmanager-api.json), over a pipeline of its configuration.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AlertmanagerView } from '../../cmd/alertmanager-view.ts'
import type { MetaStore } from '../../lib/meta/interface.ts'
import { notificationData } from '../../lib/notify/template/data.ts'
import { NotificationTemplates } from '../../lib/notify/template/notification-templates.ts'
import { CONFIG } from '../golden/alertmanager-api-cases.ts'
import { askAll, type ApiAnswer } from '../support/alertmanager-api.ts'
import { PipelineWorld } from '../support/pipeline-world.ts'
import { startServer } from '../support/web-server.ts'

const recorded = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../golden/alertmanager-api.json'), 'utf8')) as ApiAnswer[]
/** What is no JSON, or of another type, is told in words of Go's decoder there. */
const DECODER = /^parsing (alerts|silence) body from "" failed, because /

async function start(config: string): Promise<{ world: PipelineWorld; base: string }> {
  const world = await PipelineWorld.start(config)
  const templates = new NotificationTemplates([], world.clock)
  const server = await startServer((parts) => ({
    clock: world.clock,
    alertmanager: new AlertmanagerView(world.clock, () => config, () => ({
      pipeline: world.pipeline,
      post: (alerts) => {
        world.pipeline.receive(alerts)
        return world.pipeline.settled()
      },
      routeLabels: (notification) => templates.routeLabels(notification.routeLabels, notificationData(notification, notification.routeLabels)),
    })),
    logger: parts.logger,
  }))
  onTestFinished(() => server.stop())
  return { world, base: `${server.base}/alertmanager` }
}

/** Silences wait until what is given is called; it resolves when the store has done what waited. */
function hangs(store: MetaStore): () => Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const [put, remove] = [store.putSilence.bind(store), store.deleteSilences.bind(store)]
  let last: Promise<unknown> = promise
  const after = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work)
    last = done
    return done
  }
  store.putSilence = (silence) => after(() => put(silence))
  store.deleteSilences = (ids) => after(() => remove(ids))
  return () => {
    resolve()
    return last
  }
}

const post = (base: string, where: string, body: string, headers: Record<string, string> = {}): Promise<Response> => fetch(`${base}/api/v2/${where}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
const later = (answer: unknown): unknown => JSON.parse(JSON.stringify(answer), (_, value: unknown) => (typeof value === 'string' ? value.replace(DECODER, 'parsing $1 body from "" failed, because …').replace(/…[\s\S]*/, '…') : value))

describe("Alertmanager's API", () => {
  it('answers as Alertmanager does', async () => {
    const { base } = await start(CONFIG)
    const answers = await askAll(base)
    // Its methods stand in the order of a Go map.
    const inOrder = (methods: string): string => methods.split(',').toSorted().join(',')
    const compared = (all: readonly ApiAnswer[]): unknown[] => all.map(({ asked, status, body, allow }) => JSON.parse(
      JSON.stringify(later({ asked, status, body, ...(status === 405 && typeof allow === 'string' && { allow: inOrder(allow) }) })).replace(/(?<=but \[)[A-Z,]+(?=\] are)/g, inOrder),
    ))
    expect(compared(answers)).toEqual(compared(recorded))
    expect(answers.length).toBeGreaterThan(90)
  })

  it('has the labels of a route with their templates executed over what its group has now', async () => {
    const { world, base } = await start(`
route: {receiver: a, group_by: [team], labels: {plain: x, team: '{{ .GroupLabels.team | toUpper }}', count: '{{ len .Alerts.Firing }} of {{ len .Alerts }}', both: '{{ routeLabels "team" }}-{{ routeLabels "plain" }}', bad: '{{ .Nothing.x }}'}}
receivers: [{name: a}]`)
    await world.fire({ team: 'db', i: '1' }, { team: 'db', i: '2' })
    const groups = async (): Promise<unknown> => await (await fetch(`${base}/api/v2/alerts/groups`)).json()
    expect(await groups()).toMatchObject([{ routeLabels: { plain: 'x', team: 'DB', count: '2 of 2', both: 'DB-x' } }])
    await world.advance(1)
    await world.resolve({ team: 'db', i: '1' })
    expect(await groups()).toMatchObject([{ routeLabels: { count: '1 of 2' } }])
  })

  it('says which word of a body it cannot read', async () => {
    const { base } = await start(CONFIG)
    const said = async (where: string, body: string): Promise<unknown> => ((await (await post(base, where, body)).json()) as { message: string }).message.replace(DECODER, '')
    expect(await said('alerts', '[{"labels":{"a":"1"}},{"labels":{"a":1}}]')).toBe('json: 1.labels.a must be a string')
    expect(await said('alerts', '[{"labels":{"a":"1"},"startsAt":"2026-13-01T00:00:00Z"}]')).toBe('0.startsAt is no time: "2026-13-01T00:00:00Z"; want RFC 3339, as 2026-01-02T15:04:05Z')
    expect(await said('alerts', '[{"labels":{"a":"1"}} {}]')).toMatch(/JSON/)
    expect(await said('alerts', '[{"labels":{"a":"1"}}] x')).toBe('there is more behind the array')
  })

  it('refuses a silence that the store does not take within five seconds, and what it takes later makes none', async () => {
    const { world, base } = await start(CONFIG)
    const silence = (comment: string, id = ''): Promise<Response> => post(base, 'silences', JSON.stringify({ id, matchers: [{ name: 'a', value: 'b', isRegex: false }], startsAt: new Date(world.clock.now()).toISOString(), endsAt: new Date(world.clock.now() + 3_600_000).toISOString(), createdBy: 'ana', comment }))
    const { silenceID } = await (await silence('kept')).json() as { silenceID: string }
    const goOn = hangs(world.store)
    for (const ask of [() => silence('new'), () => silence('changed', silenceID), () => fetch(`${base}/api/v2/silence/${silenceID}`, { method: 'DELETE' })]) {
      const asked = ask()
      let isAnswered = false
      void asked.finally(() => (isAnswered = true))
      while (!isAnswered) {
        await world.advance(1)
        expect((await fetch(`${base}/api/v2/silences`)).status).toBe(200)
      }
      const answer = await asked
      expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([503, '5', 'the relational store does not answer, its disk may hang; try again'])
    }
    await goOn()
    const kept = { id: silenceID, comment: 'kept' }
    expect(await (await fetch(`${base}/api/v2/silences`)).json()).toMatchObject([kept])
    expect(await world.store.silences()).toMatchObject([kept])
    expect((await silence('again')).status).toBe(200)
  })

  it('leads to the page of alerts from where its own page was', async () => {
    const { base } = await start(CONFIG)
    const answer = await fetch(`${base}/`, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/alerts'])
    expect((await fetch(`${base}/nothing`, { redirect: 'manual' })).status).toBe(404)
  })

  it('takes a hundred thousand alerts in one body', async () => {
    const { world, base } = await start(CONFIG)
    const body = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => ({ labels: { alertname: 'Flood', instance: `host-${i}:9100`, a: String(i % 100) } })))
    expect((await post(base, 'alerts', body)).status).toBe(200)
    expect([...world.pipeline.alerts()]).toHaveLength(100_000)
    const shown = await (await fetch(`${base}/api/v2/alerts?filter=a%3D7`)).json() as unknown[]
    expect(shown).toHaveLength(1000)
  }, 120_000)

  it('refuses what no one could read, and other sites', async () => {
    const { base } = await start(CONFIG)
    const silence = (comment: string): string => JSON.stringify({ matchers: [{ name: 'a', value: 'b', isRegex: false }], startsAt: '2026-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z', createdBy: 'me', comment })
    const large = await post(base, 'silences', silence('x'.repeat(1 << 20)))
    expect([large.status, await large.json()]).toEqual([400, 'invalid silence: comment has 1048576 characters, more than 65536: put the details elsewhere and link to them'])
    const huge = await post(base, 'alerts', `[${' '.repeat(33 << 20)}]`)
    expect([huge.status, await huge.json()]).toEqual([413, { code: 413, message: 'body exceeds 32 MiB: send fewer alerts at a time' }])
    const foreign = await post(base, 'silences', silence('x'), { origin: 'http://evil.example' })
    expect([foreign.status, await foreign.json()]).toEqual([403, 'cross-site requests are refused'])
    expect(await (await fetch(`${base}/api/v2/silences`)).json()).toEqual([])
  })
})
