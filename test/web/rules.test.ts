// /api/v1/rules and /alerts as Prometheus 3 answers them; texts of errors compared with a running one.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerRules } from '../../lib/rules/rule-list.ts'
import { alertRule, recordRule, ruleGroup, RulesFixture } from '../support/rules-fixture.ts'
import { startServer, type TestServer } from '../support/web-server.ts'

const rules = new RulesFixture()
let server: TestServer

interface Shown {
  groups: { name: string; file: string; interval: number; limit: number; lastEvaluation: string; rules: Record<string, unknown>[] }[]
  groupNextToken?: string
}

beforeAll(async () => {
  server = await startServer(() => ({ rules: { ask: (request) => Promise.resolve(answerRules(rules.manager.groups(), request)) } }))
  await rules.apply([
    ruleGroup([recordRule('r', 'sum(x)', { team: 'a' }), alertRule('A', 'x>1', { forMs: 120_000, keepFiringForMs: 300_000, labels: new Map([['sev', 'page'], ['a', '1']]), annotations: new Map([['s', '{{ $value }}']]) })], { limit: 7 }),
    ruleGroup([alertRule('B', 'absent(x)')], { name: 'h', file: 'b.yml', intervalMs: 30_000 }),
    ruleGroup([], { name: 'empty', file: 'a.yml' }),
  ])
  rules.put({ __name__: 'x', i: 'z' }, 5)
  await rules.advance(60_000)
})
afterAll(() => server.stop())

async function ask(query: string): Promise<{ status: number; body: { data: Shown; error?: string; errorType?: string } }> {
  const reply = await fetch(`${server.base}/api/v1/rules${query}`)
  return { status: reply.status, body: await reply.json() as never }
}

const namesOf = ({ body: { data } }: Awaited<ReturnType<typeof ask>>): string[] => data.groups.flatMap((group) => group.rules.map((rule) => `${group.name}/${String(rule['name'])}`))

describe('/api/v1/rules', () => {
  it('shows groups in order of file and name, and all of each rule', async () => {
    const { body: { data: { groups } } } = await ask('')
    expect(groups.map(({ name, file, interval, limit }) => [name, file, interval, limit])).toEqual([['h', 'b.yml', 30, 0], ['g', 'rules.yml', 60, 7]])
    const activeAt = new Date(rules.group.counts.lastAtMs).toISOString()
    expect(groups[1]!.rules).toMatchObject([
      { name: 'r', query: 'sum(x)', labels: { team: 'a' }, health: 'ok', type: 'recording' },
      {
        state: 'pending', name: 'A', query: 'x > 1', duration: 120, keepFiringFor: 300, labels: { a: '1', sev: 'page' }, annotations: { s: '{{ $value }}' }, health: 'ok', type: 'alerting',
        alerts: [{ labels: { alertname: 'A', a: '1', i: 'z', sev: 'page' }, annotations: { s: '5' }, state: 'pending', value: '5e+00' }],
      },
    ])
    expect(Object.keys(groups[1]!.rules[1]!['labels'] as object)).toEqual(['a', 'sev'])
    expect(activeAt).toMatch(/^2023-/)
    expect(groups[0]!.rules[0]!['alerts']).toEqual([])
  })

  it.each<[string, string[]]>([
    ['?type=alert', ['h/B', 'g/A']], ['?type=RECORD', ['g/r']], ['?rule_name[]=A&rule_name[]=r', ['g/r', 'g/A']], ['?rule_group[]=h', ['h/B']], ['?file[]=rules.yml&file[]=x', ['g/r', 'g/A']],
    ['?match[]={sev="page"}', ['g/A']], ['?match[]={sev="page"}&match[]={team="a"}', ['g/r', 'g/A']], ['?match[]={sev="none"}', []], ['?file[]=none', []],
  ])('%s', async (query, want) => expect(namesOf(await ask(query))).toEqual(want))

  it('leaves out the labels of a recording rule that has none', async () => {
    const other = new RulesFixture()
    await other.apply([ruleGroup([recordRule('c', '1'), alertRule('D', '1')])])
    const { body } = answerRules(other.manager.groups(), { kind: 'rules', type: '', names: [], groups: [], files: [], matches: [], excludeAlerts: false, groupLimit: 0, nextToken: '' })
    const { data } = JSON.parse(Buffer.from(body).toString()) as { data: Shown }
    expect(data.groups[0]!.rules.map((rule) => rule['labels'])).toEqual([undefined, {}])
  })

  it('leaves alerts out where told so', async () => {
    const { body: { data } } = await ask('?exclude_alerts=true&rule_name[]=A')
    expect(data.groups[0]!.rules[0]!['alerts']).toBeNull()
  })

  it('gives pages', async () => {
    const first = await ask('?group_limit=1')
    expect(namesOf(first)).toEqual(['h/B'])
    // As Prometheus 3.5.3 makes it.
    expect(first.body.data.groupNextToken).toBe(createHash('sha1').update('rules.yml;g').digest('hex'))
    const second = await ask(`?group_limit=1&group_next_token=${first.body.data.groupNextToken}`)
    expect(namesOf(second)).toEqual(['g/r', 'g/A'])
    expect(second.body.data).not.toHaveProperty('groupNextToken')
  })

  it.each([
    ['?type=foo', 'invalid parameter "type": not supported value "foo"'], ['?group_limit=0', 'invalid parameter "group_limit": group_limit needs to be greater than 0'],
    ['?group_limit=x', 'invalid parameter "group_limit": group_limit needs to be a valid number: strconv.ParseInt: parsing "x": invalid syntax'],
    ['?group_next_token=a', 'invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups'],
    ['?group_limit=1&group_next_token=zz', 'invalid parameter "group_next_token": invalid group_next_token \'zz\'. were rule groups changed?'],
    ['?exclude_alerts=maybe', 'invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['?match[]=up(', '1:3: parse error: unexpected "("'], ['?match[]={}', 'match[] must contain at least one non-empty matcher'],
  ])('%s is refused', async (query, error) => expect(await ask(query)).toMatchObject({ status: 400, body: { errorType: 'bad_data', error } }))

  it('/api/v1/alerts has those of all rules', async () => {
    const reply = await fetch(`${server.base}/api/v1/alerts`)
    expect(await reply.json()).toMatchObject({ status: 'success', data: { alerts: [{ labels: { alertname: 'A' }, activeAt: expect.stringMatching(/Z$/) as string }] } })
  })
})
