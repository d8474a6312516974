// What Alertmanager was told when its requests were recorded (test/differential/record-alertmanager.ts), and what its receivers
// were answered.
import type { NotifiedAlert } from '../../lib/model/notification.ts'
import { alertOf } from './receiver-fixture.ts'

export interface RecordedRequest {
  phase: 'firing' | 'resolved'
  method: string
  path: string
  type: string
  /** Without a signature. */
  authorization: string
  token: string
  body: string
}

export const RECORDED_AT_MS: number = Date.parse('2026-11-28T10:00:00.123Z')

const LONG = 'a long text — with ünïcode, <angles>, "quotes" & more. '.repeat(20).trim()

/** As they fire, in the order of their labels. */
export function recordedAlerts(): NotifiedAlert[] {
  return ['web1', 'web2'].map((instance, i) => alertOf({ alertname: 'Down', instance, severity: 'critical' }, {
    annotations: new Map([['summary', '<b>down</b> & "out" on both'], ['long', LONG], ['own', `${i}: yes`]]), startsAtMs: RECORDED_AT_MS - 60_000 * (i + 1),
    generatorUrl: `http://m:9090/graph?g0.expr=up+%3D%3D+${i}&g0.tab=1`, fingerprint: FINGERPRINTS[i]!,
  }))
}

/** Of these label sets, by Alertmanager. */
const FINGERPRINTS = ['52f0013075bbf480', 'cdbe7b3963ece7cf']

/** What differs by intent: the program's name, and where its page is. */
export const RECORDED_TEMPLATES = `{{ define "__alertmanager" }}AM{{ end }}{{ define "__alertmanagerURL" }}{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}{{ end }}`

/** Type and body of the answer that a kind of receiver wants to hear. */
export function answerOf(path: string): [string, string] {
  const json = 'application/json'
  if (path.startsWith('/slack')) return ['text/plain', 'ok']
  if (path.startsWith('/telegram')) return [json, '{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}']
  if (path.startsWith('/wechat/plain/gettoken')) return [json, '{"errcode":0,"access_token":"TOKEN"}']
  if (path.startsWith('/wechat')) return [json, '{"errcode":0,"errmsg":"ok"}']
  if (path.startsWith('/rocketchat')) return [json, '{"success":true}']
  if (path.startsWith('/sns')) return ['text/xml', '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>']
  if (path.startsWith('/jira')) return [json, jiraAnswer(path)]
  return ['text/plain', '']
}

function jiraAnswer(path: string): string {
  const status = path.startsWith('/jira-done') ? 'done' : 'new'
  if (path.includes('/search')) return path.startsWith('/jira-new') ? '{"issues":[]}' : `{"issues":[{"key":"OPS-7","fields":{"status":{"name":"x","statusCategory":{"key":"${status}"}}}}]}`
  return path.endsWith('/transitions') ? '{"transitions":[{"id":"11","name":"Close"},{"id":"12","name":"Reopen"}]}' : '{}'
}
