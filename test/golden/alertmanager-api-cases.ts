// Requests to Alertmanager's API for record-alertmanager-api.ts, in their order: later ones see what earlier ones made. `$1` is the
// id of the first silence made.

export interface ApiCase {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS'
  path: string
  body?: string
  type?: string
}

const alerts = (body: string, type?: string): ApiCase => ({ method: 'POST', path: '/api/v2/alerts', body, ...(type !== undefined && { type }) })
const silence = (changes: Record<string, unknown>): ApiCase => ({
  method: 'POST', path: '/api/v2/silences',
  body: JSON.stringify({ matchers: [{ name: 'a', value: 'zz', isRegex: false }], startsAt: '2026-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z', createdBy: 'me', comment: 'why', ...changes }),
})
const get = (path: string): ApiCase => ({ path })

export const CONFIG = `route: {receiver: a, group_wait: 1h, group_by: [a], routes: [{matchers: ['team="b"'], receiver: b, group_by: [...], continue: true}, {matchers: ['a=~"1|2"'], receiver: c, group_by: []}]}
receivers: [{name: a, labels: {owner: x}}, {name: b}, {name: c}]
inhibit_rules: [{source_matchers: ['severity=critical'], target_matchers: ['severity=warning'], equal: [a]}]
`

/** As scripts write them; some are refused. */
const TIMES = [
  '2026-01-01', '2026-01-01T01:02', '2026-01-01T01:02Z', '2026-01-01T01:02:03', '2026-01-01T01:02:03.5', '2026-01-01T01:02:03.123456', '2026-01-01T01:02:03,5Z', '2026-01-01T01:02:03.1234567891', '2026-01-01T01:02:03.5+01:00',
  '2026-01-01 01:02:03', '2026-01-01 01:02:03.5', '2026-01-01 01:02', '2026-01-01 01:02:03Z', '2026-01-01T01:02+01:00', '2026-01-01T01:02:03+0100', '2026-01-01t01:02:03z', '2026-01-01T24:00:00Z', '2026-02-30', '20260101', '2026-01-01T',
]

export const API_CASES: readonly ApiCase[] = [
  get('/-/healthy'), get('/-/ready'), get('/api/v2/receivers'), get('/api/v2/receivers?receiver_matchers=owner%3Dx'), get('/api/v2/receivers?receiver_matchers=name%3D~%22b%7Cc%22'),
  get('/api/v2/receivers?receiver_matchers=x'), get('/api/v2/alerts'), get('/api/v2/alerts/groups'), get('/api/v2/silences'), get('/api/v2/nope'),
  get('/api/v2/alerts?filter=a'), get('/api/v2/alerts?filter=%7Ba%3Db%7D'), get('/api/v2/alerts?receiver=('), get('/api/v2/silences?filter=x'), get('/api/v2/alerts/groups?filter=x'),
  get('/api/v2/silence/x'), get('/api/v2/silence/00000000-0000-4000-8000-000000000000'), { method: 'DELETE', path: '/api/v2/silence/00000000-0000-4000-8000-000000000000' },
  { method: 'DELETE', path: '/api/v2/silence/x' }, alerts('[]'), alerts('null'), alerts(''), alerts('[]', 'text/plain'), alerts('{}'), alerts('['), alerts('[1]'), alerts('[{}]'),
  alerts('[{"labels":{}}]'), alerts('[{"labels":{"":"x"}}]'), alerts('[{"labels":{"a":""}}]'), alerts('[{"labels":{"a":1}}]'), alerts('[{"labels":{"a":"b"},"generatorURL":"x y"}]'),
  alerts('[{"labels":{"a":"b"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]'), alerts('[{"labels":{"a":"b"},"startsAt":"yesterday"}]'),
  alerts('[{"labels":{"a":"b"},"annotations":{"":"x"}}]'), alerts('[{"labels":{}},{"labels":{"a":""}}]'),
  silence({ comment: undefined }), silence({ createdBy: undefined }), silence({ endsAt: undefined }), silence({ startsAt: undefined }), silence({ matchers: undefined }), silence({ matchers: [] }),
  silence({ matchers: [{ name: 'a', value: 'b' }] }), silence({ matchers: [{ value: 'b', isRegex: false }] }), silence({ matchers: [{ name: 'a', isRegex: false }] }), silence({ matchers: [{}] }),
  silence({ matchers: [{ name: 'a', value: 'b', isRegex: 'x' }] }), silence({ matchers: [{ name: '', value: 'b', isRegex: false }] }), silence({ matchers: [{ name: 'a', value: '', isRegex: false }] }),
  silence({ matchers: [{ name: 'a', value: '.*', isRegex: true }] }), silence({ matchers: [{ name: 'a', value: '(', isRegex: true }] }), silence({ endsAt: '2025-01-01T00:00:00Z' }),
  silence({ startsAt: '2025-01-01T00:00:00Z', endsAt: '2025-01-02T00:00:00Z' }), silence({ id: 'x' }), silence({ id: '00000000-0000-4000-8000-000000000000' }), { method: 'POST', path: '/api/v2/silences', body: 'x', },
  { method: 'DELETE', path: '/api/v2/alerts' },
  alerts(JSON.stringify([
    { labels: { a: '1', name: 'x', severity: 'critical' }, annotations: { s: 't' }, generatorURL: 'http://g/x', startsAt: '2026-01-01T00:00:00.123456Z', endsAt: '2098-01-01T00:00:00Z' },
    { labels: { a: '1', name: 'y', severity: 'warning', job: 'j', empty: '' }, startsAt: '2026-01-01T00:00:00+01:00', endsAt: '2098-01-01T00:00:00Z', foo: 1 },
    { labels: { a: '3', team: 'b' }, startsAt: '2026-01-01T00:00:00Z', endsAt: '2098-01-01T00:00:00Z' },
    { labels: { a: '2', team: 'b' }, startsAt: '2026-01-01T00:00:00Z', endsAt: '2098-01-01T00:00:00Z' },
    { labels: { a: 'over' }, startsAt: '2026-01-01T00:00:00Z', endsAt: '2026-01-02T00:00:00Z' }, { labels: { a: 'open' } },
  ])),
  get('/api/v2/alerts'), get('/api/v2/alerts/groups'), get('/api/v2/alerts?filter=a%3D1&filter=name!%3Dx'), get('/api/v2/alerts?filter=team%3D%22%22'), get('/api/v2/alerts?filter=team!%3D%22%22'),
  get('/api/v2/alerts?receiver=b'), get('/api/v2/alerts?receiver=b%7Cc'), get('/api/v2/alerts?receiver_matchers=owner%3Dx'), get('/api/v2/alerts/groups?receiver=c'), get('/api/v2/alerts/groups?receiver_matchers=name!%3Da'),
  get('/api/v2/alerts?inhibited=false'), get('/api/v2/alerts?active=false'), get('/api/v2/alerts?active=foo'), get('/api/v2/alerts?active='), get('/api/v2/alerts/groups?active=false'), get('/api/v2/alerts/groups?filter=name%3Dx'),
  silence({ matchers: [{ name: 'team', value: 'b', isRegex: false, isEqual: true }, { name: 'a', value: '1|9', isRegex: true, isEqual: false }], annotations: { ticket: '7' } }),
  get('/api/v2/silences'), get('/api/v2/silence/$1'), get('/api/v2/alerts?filter=team%3Db'), get('/api/v2/alerts?silenced=false'), get('/api/v2/alerts/groups?silenced=false'), get('/api/v2/alerts/groups?receiver=b'),
  silence({ matchers: [{ name: 'later', value: 'b', isRegex: false }], startsAt: '2098-01-01T00:00:00Z' }), silence({ matchers: [{ name: 'sooner', value: 'b', isRegex: false }], startsAt: '2097-01-01T00:00:00Z' }),
  silence({ matchers: [{ name: 'first', value: 'b', isRegex: false }], endsAt: '2097-01-01T00:00:00Z' }),
  get('/api/v2/silences'), get('/api/v2/silences?pending=false'), get('/api/v2/silences?active=false'), get('/api/v2/silences?filter=team%3Db'), get('/api/v2/silences?filter=a!~%221%7C9%22'), get('/api/v2/silences?filter=a%3D1'),
  { method: 'DELETE', path: '/api/v2/silence/$1' }, { method: 'DELETE', path: '/api/v2/silence/$1' }, get('/api/v2/silence/$1'), get('/api/v2/silences?expired=false'), get('/api/v2/silences'), get('/api/v2/alerts?filter=team%3Db'),
  get('/api/v1/alerts'), { method: 'POST', path: '/api/v1/alerts', body: '[]' }, get('/api/v1/silences'), get('/api/v1/status'), get('/api/v1/receivers'), { method: 'DELETE', path: '/api/v2/silences' },
  get('/api/v2/alerts?receiver='), get('/api/v2/alerts?receiver=a&receiver=b'), get('/api/v2/alerts?active=true&active=false'), get('/api/v2/alerts?receiver=a)(b'), get('/api/v2/alerts?receiver=x%5CQa'),
  get('/api/v2/alerts?filter=a%3D~%22a)(b%22'), { method: 'POST', path: '/api/v2/silences', body: '' }, { method: 'POST', path: '/api/v2/silences', body: 'null' },
  silence({ matchers: [{ name: 'a', value: 'a)(b', isRegex: true }] }), get('/api/v2/silence/00000000000040008000000000000000'),
  alerts('[{"labels":{"future":"1"},"startsAt":"2098-01-01T00:00:00Z"}]'), alerts('[{"labels":{"future":"2"},"startsAt":"2097-01-01T00:00:00Z","endsAt":"2098-01-01T00:00:00Z"}]'), alerts('[{"labels":{"half":"\\ud800"}}]'),
  ...TIMES.map((startsAt, i) => alerts(JSON.stringify([{ labels: { form: String(i) }, startsAt, endsAt: '2099-01-01T00:00:00Z' }]))),
  ...(['/api/v2/alerts', '/api/v2/alerts/groups', '/api/v2/silences', '/api/v2/silence/$1', '/api/v2/status', '/api/v2/receivers', '/api/v2/nope'] as const).flatMap((path) => (['HEAD', 'OPTIONS', 'PUT'] as const).map((method) => ({ method, path }))),
  get('/api/v2/receivers/'), get('/api/v2/silences/?filter=team%3Db'), get('/api/v2/silence/$1/'), get('/api/v2/alerts/?filter=a%3D3'), get('/api/v2/alerts/groups/?filter=a%3D3'), get('/api/v2/nope/'), get('/api/v2/'),
  { method: 'OPTIONS', path: '/api/v2/silences/' }, { method: 'HEAD', path: '/-/healthy' }, { method: 'HEAD', path: '/-/ready' },
  ...['filter=%zz', 'filter=%', 'filter=a%3D3&filter=%4', 'filter=a;b', 'filter=a%3D3;filter=c', 'filter=a%3D3&;', '%zz=1&filter=a%3D3', 'active=%zz&filter=a%3D3', 'receiver=%zz&filter=a%3D3', 'filter=a%3D%ff', 'filter=a%3D3&filter'].map((query) => get(`/api/v2/alerts?${query}`)),
  alerts('[{"Labels":{"key":"1"},"ANNOTATIONS":{"a":"b"},"STARTSAT":"2026-01-01T00:00:00Z","endsat":"2099-01-01T00:00:00Z","generatorurl":"http://x/"}]'),
  alerts('[{"labels":{"key":"2"},"LABELS":{"key":"3","b":"c"},"endsAt":"2099-01-01T00:00:00Z"}]'), alerts('[{"Labels":{"key":"4","d":"e"},"labels":{"key":"5"},"endsAt":"2099-01-01T00:00:00Z"}]'),
  alerts('[{"labels":{"key":"6","Key":"7"},"\u017ftartsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z"}]'), alerts('[{"LABELS":1}]'), alerts('[{"labels":{"key":"8"},"GeneratorURL":"x y"}]'),
  silence({ comment: undefined, Comment: 'by case', createdBy: undefined, CREATEDBY: 'me', matchers: [{ NAME: 'case', Value: 'b', ISREGEX: false, isequal: false }] }), silence({ matchers: [{ name: 'case', value: 'b', isregex: 'x' }] }),
  alerts('[{"labels":{"null":"1","a":null},"annotations":{"b":null},"endsAt":"2099-01-01T00:00:00Z"}]'), alerts('[{"labels":{"null":"2","__proto__":"x","constructor":"y"},"annotations":{"__proto__":"z"},"endsAt":"2099-01-01T00:00:00Z"}]'),
  alerts('[{"labels":{"null":"3"},"startsAt":""}]'), alerts('[{"labels":{"null":"4"},"endsAt":""}]'), alerts('[{"labels":{"null":"5","\\ud800":"x"},"startsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z"}]'),
  silence({ endsAt: null, matchers: [{}] }), silence({ startsAt: null }), silence({ startsAt: '' }), silence({ endsAt: '' }), silence({ startsAt: '0001-01-01T00:00:00Z' }),
  alerts('[{"startsAt":7}]'), alerts('[{"labels":{"a":"b"},"generatorURL":"x y","startsAt":"now"}]'), alerts('[{},{"labels":7}]'), alerts('[{"generatorURL":"x y"}]'), alerts('[{},{"labels":{"a":"b"},"generatorURL":"x y"}]'),
  silence({ matchers: [{ name: 'nulls', value: 'b', isRegex: false }], annotations: { a: null } }), get('/api/v2/silences?filter=nulls%3Db'), get('/api/v2/alerts?filter=null!%3D%22%22'), get('/api/v2/alerts?filter=null!%3D%22%22&filter=__proto__%3Dx'),
  get('/api/v2/silences?filter=case!%3Db'), get('/api/v2/alerts?filter=key!%3D%22%22'),
  get('/api/v2/alerts?filter=future!%3D%22%22'), get('/api/v2/alerts?filter=half!%3D%22%22'), get('/api/v2/alerts?filter=form!%3D%22%22'),
]

/** What both sides say alike: times of now and ids are put in order of their first appearance, silences' own ids included. */
export function normalized(text: string, seen: Map<string, string>): string {
  const named = (found: string, kind: string): string => {
    if (!seen.has(found)) seen.set(found, `<${kind}${kind === 'id' ? seen.size : ''}>`)
    return seen.get(found)!
  }
  return text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => (id.startsWith('00000000') ? id : named(id, 'id')))
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, (time) => (/^(?:20(?:25|97|98|99)|2026-01-0)/.test(time) ? new Date(time).toISOString() : '<now>'))
}
