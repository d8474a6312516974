// /api/alerts/rules over the real store of metadata: what each request does, and what each refusal says.
import fs from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MetaError } from '../../lib/meta/errors.ts'
import type { MetaStore, StoredRule } from '../../lib/meta/interface.ts'
import { loadRuleFile } from '../../lib/config/rule-file.ts'
import { ApiRules } from '../../lib/rules/json-rule/api-rules.ts'
import { ruleChecks } from '../../lib/rules/rule-checks.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { openStore } from '../lib/meta/open-store.ts'
import { waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { start } from './requests.ts'

const CPU = { name: 'High CPU Alert', metric: 'cpu_usage', condition: { operator: 'gt', threshold: 80, window: '5m', aggregation: 'avg' }, severity: 'critical', notify: ['email:oncall@company.com', 'sms:+1234567890'], filters: { env: 'production', region: 'us-east-1' } }
const EXPR = 'avg_over_time(cpu_usage{env="production",region="us-east-1"}[5m]) > 80'

interface Rule {
  id: string
  is_active: boolean
  widened: object[]
  expr: string
}

/** Of what the API answers, what the cases look into. */
interface Json {
  id: string
  error: string
  faults: object[]
  data: Rule & Rule[]
}

interface World {
  rules: ApiRules
  meta: MetaStore
  file: string
  /** Rules of the groups told to the rules, each time. */
  applied: number[]
  clock: FakeClock
  ask: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<{ status: number; json: Json; location: string | null; etag: string | null }>
}

type Warnings = (notify: readonly string[]) => readonly string[]

async function openRules(folder: string, meta: Pick<MetaStore, 'rules' | 'putRule' | 'deleteRule'>, notifyWarnings: Warnings = () => [], clock: FakeClock = new FakeClock()): Promise<ApiRules> {
  let id = 0
  return ApiRules.open({ meta, file: `${folder}/api.yml`, checks: ruleChecks({}), clock, logger: silentLogger, newId: () => `id-${++id}`, notifyWarnings })
}

async function world(notifyWarnings: Warnings = () => []): Promise<World> {
  const folder = tempFolder()
  const meta = openStore(`${folder}/meta`)
  onTestFinished(() => meta.close())
  const clock = new FakeClock(1_700_000_000_000)
  const rules = await openRules(folder, meta, notifyWarnings, clock)
  const applied: number[] = []
  rules.onChange = () => applied.push(rules.groups().reduce((sum, group) => sum + group.rules.length, 0))
  const server = await start(() => ({ alertRules: rules }))
  return {
    rules, meta, file: `${folder}/api.yml`, applied, clock,
    async ask(method, path, body, headers = {}) {
      const reply = await fetch(`${server.base}/api/alerts/rules${path}`, { method, headers, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }) })
      const text = await reply.text()
      return { status: reply.status, json: (text === '' ? null : JSON.parse(text)) as Json, location: reply.headers.get('location'), etag: reply.headers.get('etag') }
    },
  }
}

describe('/api/alerts/rules', () => {
  it('makes a rule: stored before it is answered, in a rule file, and told to the rules', async () => {
    const { ask, meta, file, applied } = await world()
    const made = await ask('POST', '', CPU)
    expect(made).toEqual({
      status: 201, etag: expect.stringMatching(/^"[0-9a-f]{16}"$/) as string, location: 'rules/id-1',
      json: { status: 'success', id: 'id-1', data: { id: 'id-1', is_active: true, ...CPU, expr: EXPR, created_at: '2023-11-14T22:13:20.000Z', updated_at: '2023-11-14T22:13:20.000Z' } },
    })
    expect(await meta.rules()).toEqual([{ id: 'id-1', name: 'High CPU Alert', isActive: true, body: CPU, createdAtMs: 1_700_000_000_000, updatedAtMs: 1_700_000_000_000 }])
    expect(applied).toEqual([1])
    const [group] = loadRuleFile(fs.readFileSync(file, 'utf8'), file, { checks: ruleChecks({}) })
    expect(group!.rules).toMatchObject([{ name: 'High CPU Alert', expr: EXPR, keepFiringForMs: 300_000, labels: new Map([['severity', 'critical'], ['rule_id', 'id-1']]) }])
  })

  it('lists, shows, changes, switches and deletes rules', async () => {
    const { ask, rules, meta } = await world()
    await ask('POST', '', CPU)
    await ask('POST', '', { ...CPU, name: 'second', is_active: false })
    expect((await ask('GET', '')).json.data.map((rule) => [rule.id, rule.is_active])).toEqual([['id-1', true], ['id-2', false]])
    const shown: Rule = (await ask('GET', '/id-1')).json.data
    // What was shown may be sent back, changed.
    expect((await ask('PUT', '/id-1', { ...shown, condition: { ...CPU.condition, threshold: 90 } })).json.data).toMatchObject({ id: 'id-1', is_active: true, expr: EXPR.replace('80', '90') })
    expect((await ask('POST', '/id-1/disable')).json.data).toMatchObject({ is_active: false })
    expect((await ask('POST', '/id-2/enable')).json.data).toMatchObject({ is_active: true })
    expect(rules.groups()[0]!.rules.map(({ name }) => name)).toEqual(['second'])
    expect(rules.routes()[0]).toEqual({ ruleId: 'id-1', notify: CPU.notify, cooldownMs: 0 })
    expect(await ask('DELETE', '/id-2')).toEqual({ status: 204, json: null, location: null, etag: null })
    expect(await ask('GET', '/id-2')).toMatchObject({ status: 404, json: { errorType: 'not_found', error: 'there is no rule "id-2"; GET /api/alerts/rules lists those there are' } })
    expect((await meta.rules()).map(({ id, isActive }) => [id, isActive])).toEqual([['id-1', false]])
    for (const [method, path] of [['PUT', ''], ['DELETE', ''], ['POST', '/enable'], ['POST', '/false-positive']] as const) {
      expect((await ask(method, `/none${path}`, method === 'DELETE' ? undefined : { ...CPU, labels: { a: 'b' } })).status, `${method} ${path}`).toBe(404)
    }
  })

  it('takes a change of the rule as it was read only while it is so, where If-Match asks for that', async () => {
    const { ask } = await world()
    const { etag } = await ask('POST', '', { name: 'n', kind: 'anomaly', metric: 'cpu' })
    const given = (tag: string): Record<string, string> => ({ 'if-match': tag })
    const body = (name: string): object => ({ name, kind: 'anomaly', metric: 'cpu' })
    const [first, second] = await Promise.all([ask('PUT', '/id-1', body('ana'), given(etag!)), ask('PUT', '/id-1', body('ben'), given(etag!))])
    expect([first.status, second.status]).toEqual([200, 412])
    expect(second.json.error).toBe('rule "ana" has been changed since you read it, at 2023-11-14T22:13:20.000Z; read it again, and send your change with the ETag of that answer as If-Match')
    // A verdict about an alert is a change: the band that it widened is not taken back.
    await ask('POST', '/id-1/false-positive', { labels: { i: 'a' } })
    for (const [method, path] of [['PUT', ''], ['POST', '/disable'], ['DELETE', '']] as const) {
      expect((await ask(method, `/id-1${path}`, method === 'PUT' ? body('ben') : undefined, given(first.etag!))).status, `${method} ${path}`).toBe(412)
    }
    const read = await ask('GET', '/id-1')
    expect(read.json.data).toMatchObject({ name: 'ana', is_active: true, widened: [{ labels: { i: 'a' }, factor: 1.5 }] })
    const off = await ask('POST', '/id-1/disable', undefined, given(`W/${read.etag!}`))
    expect([off.status, off.json.data.is_active]).toEqual([200, false])
    expect((await ask('PUT', '/id-1', body('any'), given('*'))).status).toBe(200)
    expect((await ask('PUT', '/id-1', body('last'))).status).toBe(200)
    expect((await ask('PUT', '/none', body('n'), given(etag!))).status).toBe(404)
    expect((await ask('DELETE', '/id-1', undefined, given(`"other", ${(await ask('GET', '/id-1')).etag!}`))).status).toBe(204)
  })

  it('says what to send instead of what cannot be meant', async () => {
    const { ask } = await world()
    const made = await ask('POST', '', CPU)
    const f = async (method: string, path: string, body: unknown, status: number, error: string, headers: Record<string, string> = {}): Promise<void> => {
      const answer = await ask(method, path, body, headers)
      expect([answer.status, answer.json.error]).toEqual([status, error])
    }
    await f('PUT', '/id-1', { ...CPU, id: 'id-2' }, 400, 'id: is "id-2", and the rule of this address is id-1; leave it out, or send the rule to its own address')
    await f('PUT', '/id-1', made.json, 400, 'data: holds the rule: this is an answer as a whole; send what stands in its data')
    await f('PUT', '/id-1', CPU, 400, 'If-Match: "abc" is no ETag; send the one of the answer as it is, with its quotes', { 'if-match': 'abc' })
    await f('DELETE', '', undefined, 405, 'DELETE is not answered here; there are GET, OPTIONS, POST')
    await f('POST', '', '{"name": "n", "metric": "m", "condition": {"operator": "<", "threshold": 1e999, "aggregation": "mean"}}', 400, [
      'condition.operator: is "<"; give one of gt, gte, lt, lte, eq (did you mean lt?)', 'condition.threshold: is the number Infinity; give a finite number, without quotes',
      'condition.aggregation: is "mean"; give one of avg, min, max, sum, count, p99, last, rate (did you mean avg?)',
    ].join('\n'))
    await f('POST', '', { name: 'n', kind: 'anomaly', metric: 'm', condition: { borrow_by: 'env' } }, 400, 'condition.borrow_by: is the string "env"; give a list of texts')
  })

  it('writes the file and tells the rules once for all changes of a moment, and what waits when that is asked for', async () => {
    const { ask, applied, rules, file, clock } = await world()
    const named = (count: number): void => expect(fs.readFileSync(file, 'utf8').match(/alert: /g)).toHaveLength(count)
    for (let i = 1; i <= 4; i++) await ask('POST', '', { ...CPU, name: `rule ${i}` })
    expect(applied).toEqual([1])
    named(1)
    await clock.advance(249)
    expect(applied).toEqual([1])
    await clock.advance(1)
    expect(applied).toEqual([1, 4])
    named(4)
    await ask('DELETE', '/id-1')
    rules.flush()
    expect(applied).toEqual([1, 4, 3])
    await clock.advance(1000)
    expect(applied).toEqual([1, 4, 3])
    await ask('DELETE', '/id-2')
    expect(applied).toEqual([1, 4, 3, 2])
    named(2)
  })

  it('says who of its notify is not told, when it is made, changed and shown; what was shown may be sent back', async () => {
    const { ask } = await world((notify) => notify.filter((target) => target.startsWith('sms:')).map((target) => `${target} is not told: no gateway`))
    const warnings = ['sms:+1234567890 is not told: no gateway']
    const made = await ask('POST', '', CPU)
    expect(made).toMatchObject({ status: 201, json: { warnings, data: { warnings } } })
    expect((await ask('GET', '/id-1')).json.data).toMatchObject({ warnings })
    expect(await ask('PUT', '/id-1', made.json.data)).toMatchObject({ status: 200, json: { warnings } })
    const quiet = await ask('PUT', '/id-1', { ...CPU, notify: ['email:oncall@company.com'] })
    expect([quiet.status, 'warnings' in quiet.json, 'warnings' in quiet.json.data]).toEqual([200, false, false])
  })

  it('warns of an expression in the place of a metric, which is the name of none', async () => {
    const { ask } = await world()
    const made = await ask('POST', '', { ...CPU, metric: 'rate(errors_total[5m])' })
    expect(made).toMatchObject({ status: 201, json: { warnings: ['metric "rate(errors_total[5m])" is taken for a name, and looks like an expression: give the name alone, and say the rest by condition and filters'] } })
    expect((await ask('POST', '', { ...CPU, name: 'dots', metric: 'http.server.duration' })).json).not.toHaveProperty('warnings')
  })

  it('finds its rules again after a restart, and leaves out what it cannot read', async () => {
    const { ask, meta, file } = await world()
    await ask('POST', '', CPU)
    await meta.putRule({ id: 'odd', name: 'odd', isActive: true, body: { kind: 'later' }, createdAtMs: 1, updatedAtMs: 1 })
    fs.rmSync(file)
    const again = await openRules(file.slice(0, -'/api.yml'.length), meta)
    expect(again.list().map(({ id }) => id)).toEqual(['id-1'])
    expect(fs.readFileSync(file, 'utf8')).toContain('High CPU Alert')
    expect(await meta.rules()).toHaveLength(2)
  })

  it('refuses changes that the store does not take within five seconds, and what it takes later changes nothing', async () => {
    const { ask, meta, clock } = await world()
    await ask('POST', '', CPU)
    const { promise: hangs, resolve: goOn } = Promise.withResolvers<void>()
    const [put, remove] = [meta.putRule.bind(meta), meta.deleteRule.bind(meta)]
    let last: Promise<unknown> = hangs
    const inOrder = (work: () => Promise<void>): Promise<void> => {
      const done = last.then(work)
      last = done
      return done
    }
    meta.putRule = (rule) => inOrder(() => put(rule))
    meta.deleteRule = (id) => inOrder(() => remove(id))
    for (const [method, path, body] of [['POST', '', { ...CPU, name: 'other' }], ['PUT', '/id-1', { ...CPU, name: 'changed' }], ['DELETE', '/id-1', undefined]] as const) {
      let isAnswered = false
      const asked = ask(method, path, body).finally(() => (isAnswered = true))
      await waitFor('an answer', async () => {
        await clock.advance(1000)
        return isAnswered
      })
      expect(await asked, method).toMatchObject({ status: 503, json: { error: 'the relational store does not answer, its disk may hang; try again' } })
      expect((await ask('GET', '')).json.data).toMatchObject([{ id: 'id-1', name: CPU.name }])
    }
    goOn()
    await last
    expect(await meta.rules()).toMatchObject([{ id: 'id-1', name: CPU.name }])
    expect((await ask('DELETE', '/id-1')).status).toBe(204)
  })

  it('evaluates the rules of the file while the store cannot be read, and changes none until it can', async () => {
    const { ask, file, meta } = await world()
    await ask('POST', '', CPU)
    const text = fs.readFileSync(file, 'utf8')
    const stored = await meta.rules()
    for (const fault of ['refuses', 'hangs']) {
      const clock = new FakeClock()
      let goOn = (): void => {}
      const hangs = new Promise<StoredRule[]>((resolve) => (goOn = () => resolve(stored)))
      const answers = fault === 'hangs' ? [hangs] : [Promise.reject(new MetaError('cannot read: EIO')), hangs]
      const opening = openRules(file.slice(0, -'/api.yml'.length), { rules: () => answers.shift()!, putRule: () => Promise.resolve(), deleteRule: () => Promise.resolve() }, () => [], clock)
      await clock.advance(5000)
      const again = await opening
      expect(again.groups()[0]!.rules).toMatchObject([{ expr: EXPR }])
      await expect(again.create(CPU)).rejects.toThrow('cannot be read yet')
      expect(fs.readFileSync(file, 'utf8')).toBe(text)
      let changeCount = 0
      again.onChange = () => void changeCount++
      goOn()
      await clock.advance(10_000)
      expect([again.list().length, changeCount]).toEqual([1, 1])
      await again.create({ ...CPU, name: 'Another' })
      again.stop()
      fs.writeFileSync(file, text)
    }
  })

  it('keeps nothing that the store refused', async () => {
    const folder = tempFolder()
    const rules = await openRules(folder, { rules: () => Promise.resolve([]), putRule: () => Promise.reject(new MetaError('cannot write: ENOSPC')), deleteRule: () => Promise.resolve() })
    const server = await start(() => ({ alertRules: rules }))
    const reply = await fetch(`${server.base}/api/alerts/rules`, { method: 'POST', body: JSON.stringify(CPU) })
    expect([reply.status, reply.headers.get('retry-after'), await reply.json()]).toEqual([503, '5', { status: 'error', errorType: 'unavailable', error: 'cannot write: ENOSPC' }])
    expect(rules.list()).toEqual([])
  })

  it('widens the band of a series whose anomaly was none, further each time', async () => {
    const { ask } = await world()
    await ask('POST', '', { name: 'odd', kind: 'anomaly', metric: 'cpu', labels: { team: 'x' } })
    const labels = { server_id: 'a', env: 'p' }
    expect((await ask('POST', '/id-1/false-positive', { labels })).json.data.widened).toEqual([{ labels, factor: 1.5 }])
    const { json } = await ask('POST', '/id-1/false-positive', { labels: { env: 'p', server_id: 'a', team: 'x', rule_id: 'id-1', alertname: 'odd', severity: 'warning', baseline: 'learning' } })
    expect(json.data.widened).toEqual([{ labels: { env: 'p', server_id: 'a' }, factor: 2.25 }])
    expect(json.data.expr).toContain('cpu{env="p",server_id="a"}[5m]) + 6.75)')
    await ask('POST', '', CPU)
    expect((await ask('POST', '/id-2/false-positive', { labels })).json.error).toBe('kind: is threshold; change the threshold of the rule instead: only anomaly rules have a band')
    expect((await ask('POST', '/id-1/false-positive', {})).json.error).toBe('labels: is missing; give the labels of the series, such as {"instance": "a:9100"}')
  })

  it('makes changes one after the other', async () => {
    const { ask, rules } = await world()
    await Promise.all(Array.from({ length: 20 }, (_, i) => ask('POST', '', { ...CPU, name: `n${i}` })))
    expect(new Set(rules.list().map(({ id }) => id)).size).toBe(20)
  })

  const f = (body: unknown, error: string, status = 400): void => it(error.split('\n')[0]!, async () => {
    const { ask, rules } = await world()
    const reply = await ask('POST', '', body)
    expect([reply.status, reply.json.error]).toEqual([status, error])
    expect(rules.list()).toEqual([])
  })
  f('{', `the body is no JSON (Expected property name or '}' in JSON at position 1 (line 1 column 2)); send a JSON object`)
  f('[]', 'the body is no JSON object; send a JSON object')
  f({ ...CPU, is_active: 1 }, 'is_active: is neither true nor false; give true or false, or leave it out')
  f({ ...CPU, annotations: { a: '{{ nope }}' } }, 'annotations.a: template: __alert_High CPU Alert:1: function "nope" not defined; mend the template')
  f({ ...CPU, labels: { alertname: 'x', team: '{{ nope }}' } }, 'labels.alertname: is set by the rule itself; use another name\nlabels.team: template: __alert_High CPU Alert:1: function "nope" not defined; mend the template')
  f({ ...CPU, metric: 'x', condition: { ...CPU.condition, threshold: null } }, 'condition.threshold: is missing; give a number')
  f('x'.repeat(300_000), 'the body is too large: at most 256 KiB are read here', 413)

  it('names each fault with its field, and refuses pages of other sites', async () => {
    const { ask } = await world()
    expect((await ask('POST', '', { ...CPU, severity: 'x', for: '1' })).json.faults).toEqual([
      { field: 'severity', reason: 'is "x"', fix: 'give one of info, warning, critical' }, { field: 'for', reason: '"1" is no duration', fix: 'write it like "90s", "5m" or "1h30m"' },
    ])
    expect(await ask('POST', '', CPU, { Origin: 'http://evil.example' })).toMatchObject({ status: 403, json: { error: 'cross-site requests are refused: use the pages under the address in --web.external-url' } })
    expect((await ask('GET', '', undefined, { Origin: 'http://evil.example' })).status).toBe(200)
  })
})
