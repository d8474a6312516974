// Alerts by API, over a real lifecycle and a real store.
import { describe, expect, it } from 'vitest'
import type { PendingAlert } from '../../lib/model/alert.ts'
import { sent } from '../lib/notify/lifecycle-world.ts'
import { NOW } from '../support/web-server.ts'
import { CPU, MINUTE, fire, site, type Answer } from './alert-site.ts'

describe('/api/alerts', () => {
  it('lists alerts by status, server, severity, name and time, page by page', async () => {
    const s = await site()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) {
      await s.world.advance(1000)
      ids.push(await fire(s, { ...CPU, instance: `web${i}`, severity: i % 2 === 0 ? 'warning' : 'critical' }))
    }
    await s.post(`/api/alerts/${ids[1]!}/ack`, { by: 'ana' })
    await s.world.lifecycle.receive([sent({ ...CPU, instance: 'web2' }, NOW, { endsAtMs: s.world.clock.now() })])
    const f = async (query: string, want: number[]): Promise<void> => {
      const { status, body } = await s.get(`/api/alerts?${query}`)
      expect(status).toBe(200)
      expect(body.data.map(({ alert_id }) => ids.indexOf(alert_id)), query).toEqual(want)
    }
    await f('', [4, 3, 2, 1, 0])
    await f('status=open', [4, 3, 0])
    await f('status=acknowledged', [1])
    await f('status=resolved', [2])
    await f('severity=critical&status=open', [3])
    await f('server_id=web4', [4])
    await f('name=Disk', [])
    await f(`from=${(NOW + 2000) / 1000}&to=${(NOW + 4000) / 1000}`, [3, 2, 1])
    const first = await s.get('/api/alerts?limit=3')
    expect(first.body.next).toBe(ids[2])
    await f(`limit=3&after=${first.body.next!}`, [1, 0])
    expect((await s.get(`/api/alerts?limit=2&after=${ids[2]!}`)).body.next).toBeNull()
    for (const [query, why] of [['status=new', 'want one of open, acknowledged, resolved, pending, expired'], ['limit=5000', 'at most 1000'], ['from=x', 'cannot parse'], ['after=zzz', '"zzz" is no id of an alert']]) {
      const { status, body } = await s.get(`/api/alerts?${query!}`)
      expect([status, body.error], query).toEqual([400, expect.stringContaining(why!)])
    }
  })

  it('has those that go on, the most severe first, searched and counted', async () => {
    const s = await site()
    const nowMs = s.world.clock.now()
    const all = [['a', 'info', 'Web One'], ['b', 'critical', 'x'], ['c', 'warning', 'web one'], ['d', 'blue', 'y'], ['e', 'critical', '5 GB']] as const
    for (const [i, [name, severity, summary]] of all.entries()) {
      await s.world.lifecycle.receive([sent({ alertname: name, severity, instance: `web${i}` }, nowMs - 10 + i, { endsAtMs: nowMs + 600 * MINUTE, annotations: new Map([['summary', summary], ['long', 'x'.repeat(2000)]]) })])
    }
    const current = async (query: string): Promise<Pick<Answer, 'total' | 'open' | 'acknowledged' | 'now'> & { names: string[] }> => {
      const { data, ...counts } = (await s.get(`/api/alerts/current?${query}`)).body
      for (const { annotations } of data) expect(annotations['long']).toBe(`${'x'.repeat(1000)}…`)
      return { names: data.map(({ rule_name: name }) => name), ...counts }
    }
    expect(await current('status=open')).toMatchObject({ names: ['e', 'b', 'c', 'a', 'd'], total: 5, open: 5, acknowledged: 0, now: new Date(NOW).toISOString() })
    expect(await current('limit=2')).toMatchObject({ names: ['e', 'b'], total: 5 })
    expect(await current('limit=0&filter=severity%3D"critical"')).toMatchObject({ names: [], total: 2 })
    expect((await current('filter=severity!~"critical|blue"&filter=instance%3D~"web.*"')).names).toEqual(['c', 'a'])
    expect((await current('search=one+WEB')).names).toEqual(['c', 'a'])
    expect((await current(`search=${encodeURIComponent('instance="web3"')}`)).names).toEqual(['d'])
    const id = (await s.get('/api/alerts?name=b')).body.data[0]!.alert_id
    await s.post(`/api/alerts/${id}/ack`, { by: 'ana' })
    expect(await current('status=acknowledged')).toMatchObject({ names: ['b'], total: 1, open: 4, acknowledged: 1 })
    expect((await current('')).total).toBe(5)
    for (const [query, why] of [['status=resolved', 'want open or acknowledged'], ['limit=1001', 'at most 1000'], ['filter=a', 'filter']] as const) {
      expect(await s.get(`/api/alerts/current?${query}`), query).toMatchObject({ status: 400, body: { error: expect.stringContaining(why) as string } })
    }
  })

  it('has those of a receiver: by route, or by a step of an escalation that was told', async () => {
    const s = await site()
    await fire(s, { ...CPU, instance: 'web1', receiver: 'team-a' })
    const escalated = await fire(s, { ...CPU, instance: 'web2', receiver: 'team-b' })
    await s.post(`/api/alerts/${escalated}/escalate`)
    const f = async (query: string, want: string[]): Promise<void> => {
      expect((await s.get(`/api/alerts/current?${query}`)).body.data.map(({ labels }) => labels['instance']!).toSorted(), query).toEqual(want)
    }
    await f('receiver=team-a', ['web1'])
    await f('receiver=team-.', ['web1', 'web2'])
    await f('receiver=team', [])
    await f('receiver=boss', ['web2'])
    await f(`receiver=team-.&filter=${encodeURIComponent('{instance="web1", team!="x"}')}`, ['web1'])
    // So has the history, also of what ended.
    await s.world.lifecycle.receive(['web1', 'web2'].map((instance, i) => sent({ ...CPU, instance, receiver: i === 0 ? 'team-a' : 'team-b' }, NOW, { endsAtMs: s.world.clock.now() })))
    const ended = async (query: string, want: string[]): Promise<void> => {
      expect((await s.get(`/api/alerts?status=resolved&${query}`)).body.data.map(({ labels }) => labels['instance']!), query).toEqual(want)
    }
    await ended('', ['web2', 'web1'])
    await ended('receiver=team-a', ['web1'])
    await ended('receiver=boss', ['web2'])
    await ended('receiver=team', [])
    await ended(`receiver=team-.&filter=${encodeURIComponent('{instance="web1", team!="x"}')}`, ['web1'])
    await ended('filter=instance%3Dweb2&search=cpu', ['web2'])
    await ended('filter=nothing%3D""&limit=1', ['web2'])
    for (const path of ['/api/alerts/current', '/api/alerts']) expect(await s.get(`${path}?filter=(`)).toMatchObject({ status: 400, body: { error: expect.stringContaining('filter') as string } })
    expect(await s.get('/api/alerts/current?receiver=(')).toMatchObject({ status: 400, body: { error: expect.stringContaining('receiver') as string } })
  })

  it('acknowledges many at once: by ids, matchers, a search; what cannot be is told by alert', async () => {
    const s = await site()
    const ids: string[] = []
    for (let i = 0; i < 6; i++) {
      await s.world.advance(1000)
      ids.push(await fire(s, { ...CPU, instance: `web${i}`, severity: i % 2 === 0 ? 'warning' : 'critical' }))
    }
    const acknowledged = async (): Promise<number[]> => (await s.get('/api/alerts/current?status=acknowledged')).body.data.map(({ alert_id: id }) => ids.indexOf(id)).toSorted((a, b) => a - b)
    expect((await s.post('/api/alerts/ack', { by: 'ana', repage_after: '2h', ids: [ids[0], ids[3], 'none'] })).body.data).toEqual({ acknowledged: 2, refused: [{ alert_id: 'none', error: 'the alert is resolved' }] })
    expect(await acknowledged()).toEqual([0, 3])
    expect((await s.get(`/api/alerts/${ids[3]!}`)).body.data).toMatchObject({ acknowledged_by: 'ana', repage_at: new Date(s.world.clock.now() + 120 * MINUTE).toISOString(), history: [{}, { kind: 'acknowledged', detail: 'ana' }] })
    expect((await s.post('/api/alerts/ack', { by: 'bo', filter: ['{severity="critical", instance=~"web[0-4]"}'] })).body.data).toEqual({ acknowledged: 1, refused: [] })
    expect((await s.post('/api/alerts/ack', { by: 'bo', ids: [ids[0], ids[1]] })).body.data).toEqual({ acknowledged: 1, refused: [{ alert_id: ids[0], error: 'ana has acknowledged the alert already; it can be taken over' }] })
    expect((await s.post('/api/alerts/ack', { by: 'bo', ids: [ids[0]], take_over: true })).body.data).toEqual({ acknowledged: 1, refused: [] })
    expect((await s.post('/api/alerts/ack', { by: 'bo', search: 'WEB4' })).body.data).toEqual({ acknowledged: 1, refused: [] })
    expect(await acknowledged()).toEqual([0, 1, 3, 4])
    // Kept, not only held.
    expect((await s.world.store.unresolvedAlerts()).filter(({ status }) => status === 'acknowledged')).toHaveLength(4)
    for (const body of [{}, { by: 'ana' }, { ids: [ids[5]], filter: ['a="b"'] }, { ids: 'all' }, { filter: ['('] }, { search: ' ' }, { verdict: 'x' }, { filter: ['{}'] }, { filter: [''] }, { search: 'web', to: 'now' }]) {
      expect(await s.post('/api/alerts/ack', body), JSON.stringify(body)).toMatchObject({ status: 400 })
    }
    expect(await acknowledged()).toEqual([0, 1, 3, 4])
    expect((await s.post('/api/alerts/ack', { search: 'web' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  })

  it('finds ended alerts by words in their labels and summaries, whatever page they are on', async () => {
    const s = await site()
    for (let i = 0; i < 5; i++) {
      const labels = { ...CPU, instance: `web${i}` }
      await fire(s, labels, { annotations: new Map([['summary', i === 1 ? 'Disk of DB' : 'load']]) })
      await s.world.clock.advance(1000)
      await s.world.lifecycle.receive([sent(labels, s.world.clock.now(), { endsAtMs: s.world.clock.now() })])
    }
    const f = async (search: string, more: string): Promise<{ found: string[]; next: string | null }> => {
      const { body } = await s.get(`/api/alerts?status=resolved&search=${encodeURIComponent(search)}${more}`)
      return { found: body.data.map(({ labels }) => labels['instance']!), next: body.next }
    }
    expect(await f('disk  db', '&limit=1')).toEqual({ found: ['web1'], next: null })
    expect(await f('instance="WEB3"', '&limit=1')).toEqual({ found: ['web3'], next: null })
    expect((await f('load', '')).found).toEqual(['web4', 'web3', 'web2', 'web0'])
    const first = await f('load', '&limit=3')
    expect(first.found).toEqual(['web4', 'web3', 'web2'])
    expect(await f('load', `&limit=3&after=${first.next}`)).toEqual({ found: ['web0'], next: null })
    expect((await f('nobody', '')).found).toEqual([])
  })

  it('acknowledges none together that began to fire after the list was seen', async () => {
    const s = await site()
    const seen = await fire(s)
    const { now } = (await s.get('/api/alerts/current')).body
    await s.world.advance(1000)
    const unseen = await fire(s, { ...CPU, instance: 'web2' })
    expect((await s.post('/api/alerts/ack', { by: 'ana', search: 'cpu', to: now })).body.data).toEqual({ acknowledged: 1, refused: [] })
    const statuses = await Promise.all([seen, unseen].map(async (id) => (await s.get(`/api/alerts/${id}`)).body.data.status))
    expect(statuses).toEqual(['acknowledged', 'open'])
  })

  it('shows an alert with its columns, what comes next, and its history', async () => {
    const s = await site()
    const id = await fire(s, { ...CPU, rule_id: 'r1' }, { activeAtMs: NOW - MINUTE })
    const { body } = await s.get(`/api/alerts/${id}`)
    expect(body.data).toMatchObject({
      alert_id: id, rule_id: 'r1', rule_name: 'Cpu', server_id: 'web1', severity: 'warning', status: 'open', metric_value: 91.5, pending_at: new Date(NOW - MINUTE).toISOString(), triggered_at: new Date(NOW).toISOString(),
      resolved_at: null, acknowledged_by: '', suppressed: null, next_step: { receiver: 'boss', due_at: new Date(NOW + 5 * MINUTE).toISOString() }, annotations: { summary: 'it burns' },
      history: [{ time: new Date(NOW - MINUTE).toISOString(), kind: 'pending', detail: '' }, { time: new Date(NOW).toISOString(), kind: 'firing', detail: 'value 91.5' }],
    })
    expect((await s.get('/api/alerts/none')).status).toBe(404)
    expect((await s.get('/api/alerts/../alerts/none')).status).toBe(404)
  })

  it('has those that wait, and those that did in vain, by their status; of an alert that fired after that its pending line', async () => {
    const s = await site()
    const t = NOW - 9 * MINUTE
    const pending = (instance: string, endedAtMs: number | null): PendingAlert => ({ labels: sent({ ...CPU, instance }, t).labels, annotations: new Map(), value: 81, activeAtMs: t, endedAtMs, generatorUrl: 'http://m/graph' })
    s.world.lifecycle.receivePending([pending('web1', null), pending('web2', t + MINUTE), pending('web3', null), pending('web4', t + MINUTE)], 0)
    await s.world.advance(2000)
    const listed = async (query: string): Promise<string[]> => (await s.get(`/api/alerts?${query}`)).body.data.map(({ labels, status }) => `${labels['instance']!} ${status}`).toSorted()
    expect(await listed('status=pending')).toEqual(['web1 pending', 'web3 pending'])
    expect(await listed('status=expired')).toEqual(['web2 expired', 'web4 expired'])
    expect(await listed('')).toEqual([])
    const { body: { data: [first], next } } = await s.get('/api/alerts?status=expired&limit=1')
    expect(next).toBe(first!.alert_id)
    expect((await s.get(`/api/alerts?status=expired&limit=1&after=${next!}`)).body).toMatchObject({ data: [{ status: 'expired' }], next: null })
    expect((await s.get(`/api/alerts/${next!}`)).body.data).toMatchObject({
      rule_name: 'Cpu', metric_value: 81, pending_at: new Date(t).toISOString(), triggered_at: null, resolved_at: new Date(t + MINUTE).toISOString(), next_step: null,
      history: [{ time: new Date(t).toISOString(), kind: 'pending' }, { time: new Date(t + MINUTE).toISOString(), kind: 'expired' }],
    })
    expect(await s.post(`/api/alerts/${next!}/ack`, { by: 'ana' })).toMatchObject({ status: 404, body: { error: expect.stringContaining('no alert of that id has fired') as string } })
    const waiting = (await s.get('/api/alerts?status=pending&server_id=web1')).body.data[0]!.alert_id
    expect(await fire(s, { ...CPU, instance: 'web1' }, { activeAtMs: t })).toBe(waiting)
    expect((await s.get(`/api/alerts/${waiting}`)).body.data).toMatchObject({ status: 'open', history: [{ kind: 'pending', time: new Date(t).toISOString() }, { kind: 'firing' }] })
    expect(await listed('status=pending')).toEqual(['web3 pending'])
  })

  it('acknowledges, takes that back and escalates; says what does not suit', async () => {
    const s = await site()
    const id = await fire(s)
    const path = `/api/alerts/${id}`
    expect((await s.post(`${path}/ack`, { by: 'ana', repage_after: '2h' })).body.data).toMatchObject({
      status: 'acknowledged', acknowledged_by: 'ana', acknowledged_at: new Date(NOW).toISOString(), repage_at: new Date(NOW + 120 * MINUTE).toISOString(), next_step: null,
    })
    expect(await s.post(`${path}/escalate`, { by: 'bo' })).toMatchObject({ status: 409, body: { error: 'the alert is acknowledged by ana; take that back first' } })
    expect((await s.post(`${path}/unack`)).body.data).toMatchObject({ status: 'open', repage_at: null, next_step: { receiver: 'boss' } })
    expect((await s.post(`${path}/escalate`, { by: 'bo' })).body.data).toMatchObject({ escalation_step: 1, next_step: null })
    expect(await s.post(`${path}/escalate`)).toMatchObject({ status: 409, body: { error: expect.stringContaining('no step is left') as string } })
    await s.world.lifecycle.receive([sent(CPU, NOW, { endsAtMs: NOW })])
    expect(await s.post(`${path}/ack`, { by: 'ana' })).toMatchObject({ status: 409, body: { error: 'the alert is resolved' } })
    expect((await s.get(path)).body.data.history.map(({ kind, detail }) => `${kind} ${detail}`.trim())).toEqual([
      'firing value 91.5', 'acknowledged ana', 'unacknowledged', 'escalated boss, asked for by bo', 'resolved',
    ])
  })

  it('refuses bad bodies, other sites, and methods that it does not have', async () => {
    const s = await site()
    const path = `/api/alerts/${await fire(s)}/ack`
    for (const [body, why] of [['{', 'the body is no JSON'], ['[]', 'the body is no JSON object'], [{ who: 'x' }, 'unknown field "who"'], [{ by: 7 }, 'want a text'], [{ by: 'x'.repeat(201) }, 'at most 200'], [{ repage_after: 'soon' }, 'want a duration such as 4h']] as const) {
      expect(await s.post(path, body), JSON.stringify(body)).toMatchObject({ status: 400, body: { error: expect.stringContaining(why) as string } })
    }
    expect((await s.post(path, {}, { origin: 'http://evil.example' })).status).toBe(403)
    expect((await s.post('/api/alerts/none/ack')).status).toBe(404)
    expect((await fetch(`${s.base}${path}`)).status).toBe(405)
    expect((await s.get('/api/alerts?status=open')).body.data).toHaveLength(1)
  })

  it('keeps what people made of an alert, and widens the band of its rule once', async () => {
    const s = await site()
    const id = await fire(s, { ...CPU, rule_id: 'r1' })
    expect((await s.post(`/api/alerts/${id}/feedback`, { verdict: 'false_positive', by: 'ana' })).body.data).toMatchObject({ feedback: 'false_positive' })
    await s.post(`/api/alerts/${id}/feedback`, { verdict: 'false_positive' })
    expect(s.widened).toEqual([{ id: 'r1', labels: { instance: 'web1', escalation: 'oncall', team: CPU.team } }])
    await s.world.lifecycle.receive([sent({ ...CPU, rule_id: 'r1' }, NOW, { endsAtMs: NOW })])
    expect((await s.post(`/api/alerts/${id}/feedback`, { verdict: 'true_positive' })).body.data).toMatchObject({ feedback: 'true_positive', status: 'resolved' })
    expect((await s.post(`/api/alerts/${id}/feedback`, { verdict: 'maybe' })).body.error).toContain('want one of false_positive, true_positive')
  })

  it('answers 503 where the store takes nothing, and nothing is acknowledged', async () => {
    const s = await site()
    const id = await fire(s)
    await s.world.store.close()
    const answer = await s.post(`/api/alerts/${id}/ack`)
    expect(answer).toMatchObject({ status: 503, body: { error: expect.stringContaining('Monitor ends') as string } })
    await expect(s.world.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: null })).rejects.toThrow('Monitor ends')
    expect(s.world.flush('team/email/0')).toHaveLength(1)
  })
})
