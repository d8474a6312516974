import { expect, it } from 'vitest'
import { integrationTarget } from '../../../lib/config/integration-target.ts'
import { readText } from '../../support/receiver-fixture.ts'

const faults = (text: string): string[] => readText(text).errors
const section = (kind: string, text: string, global = ''): string => `${global}\nreceivers:\n- name: a\n  ${kind}_configs:\n  - ${text}\n`

it('falls back on the globals, key by key', () => {
  const global = 'global: {smtp_smarthost: "mail.example.com:587", smtp_from: m@example.com, smtp_auth_username: u, smtp_auth_password_file: pw, smtp_require_tls: false, http_config: {proxy_url: "http://proxy:3128"}}'
  const { receivers, errors } = readText(section('email', '{to: a@example.com}', global) + '  webhook_configs: [{url_file: /run/url}]')
  expect(errors).toEqual([])
  expect(receivers[0]!.integrations).toMatchObject([
    { kind: 'email', to: 'a@example.com', from: 'm@example.com', smarthost: { host: 'mail.example.com', port: 587 }, username: 'u', password: { text: '', file: '/etc/monitor/pw' }, isTlsRequired: false, isResolvedSent: false, hello: 'localhost', html: '{{ template "email.default.html" . }}', text: '{{ template "email.default.text" . }}' },
    { kind: 'webhook', url: { text: '', file: '/run/url' }, isResolvedSent: true, timeoutMs: 10_000, http: { proxyUrl: 'http://proxy:3128' } },
  ])
  const own = readText(section('email', '{to: a@example.com, from: o@example.com, smarthost: "[::1]:25", auth_password: p, require_tls: true}', global))
  expect(own.receivers[0]!.integrations).toMatchObject([{ from: 'o@example.com', smarthost: { host: '::1', port: 25 }, password: { text: 'p', file: '' }, isTlsRequired: true }])
})

it('takes timeouts in the notation of Go, too, and proxies without a scheme', () => {
  const f = (timeout: string, want: number): void => expect(readText(section('slack', `{api_url: "http://a", timeout: ${timeout}}`)).receivers[0]!.integrations, timeout).toMatchObject([{ timeoutMs: want }])
  f('1.5s', 1500)
  f('1m0.5s', 60_500)
  f('.25s', 250)
  f('300us', 1)
  f('1d', 86_400_000)
  f('0.0s', 10_000)
  expect(faults(section('slack', '{api_url: "http://a", timeout: 1.5}'))).toEqual([expect.stringContaining('slack_configs[0].timeout') as string])
  expect(readText(section('webhook', '{url: "http://a", http_config: {proxy_url: "proxy:3128"}}')).receivers[0]!.integrations).toMatchObject([{ http: { proxyUrl: 'http://proxy:3128' } }])
  expect(faults(section('webhook', '{url: "http://a", http_config: {proxy_url: "ftp://proxy"}}'))).toEqual(['5: receivers[0].webhook_configs[0].http_config.proxy_url: want a URL that begins with http://, https:// or socks5://, such as http://proxy:3128'])
})

it('says what is wrong and where', () => {
  expect(faults(section('email', '{to: a@example.com}'))).toEqual(['5: receivers[0].email_configs[0].smarthost: must be set here, or as smtp_smarthost for all', '5: receivers[0].email_configs[0].from: must be set here, or as smtp_from for all'])
  expect(faults(section('email', '{smarthost: mail, from: a@b}'))).toEqual(['5: receivers[0].email_configs[0].to: must be set', '5: receivers[0].email_configs[0].smarthost: want host:port, got "mail"'])
  expect(faults(section('email', '{to: a@b, from: a@b, smarthost: "m:25", headers: {subject: a, Subject: b}}'))).toEqual(['5: receivers[0].email_configs[0].headers: header Subject is given twice'])
  expect(faults(section('email', '{to: a@b, from: a@b, smarthost: "m:25", threading: {enabled: true}}'))).toEqual(['5: receivers[0].email_configs[0].threading.thread_by_date: want none or daily'])
  expect(faults(section('webhook', '{}'))).toEqual(['5: receivers[0].webhook_configs[0].url: one of url and url_file must be set'])
  expect(faults(section('webhook', '{url: "http://a", url_file: b}'))).toEqual(['5: receivers[0].webhook_configs[0].url_file: at most one of url and url_file may be set'])
  expect(faults(section('webhook', '{url: "http://a", max_alert: 3}'))).toEqual(['5: unknown key "max_alert" in receivers[0].webhook_configs[0]; did you mean "max_alerts"?'])
  expect(faults('receivers: [{name: a}, {name: a}, {}]')).toEqual(['1: receivers[1].name: another receiver is named "a"', '1: receivers[2].name: must be set'])
  // As Go reads them: `~` and null are nothing, quoted they are texts.
  expect(faults(section('webhook', '{url: ~}'))).toEqual(['5: receivers[0].webhook_configs[0].url: one of url and url_file must be set'])
  expect(faults(section('webhook', '{url: high}'))).toEqual(['5: receivers[0].webhook_configs[0].url: want a URL that begins with http:// or https://'])
  expect(faults(section('webhook', '{url: "{{ .CommonLabels.hook }}"}'))).toEqual([])
  expect(faults(section('mattermost', '{webhook_url: "monday:friday"}'))).toEqual(['5: receivers[0].mattermost_configs[0].webhook_url: want a URL that begins with http:// or https://'])
  expect(faults('global: {slack_app_token: x, slack_api_url: "https://hooks.slack.com/1"}')).toEqual(['1: global.slack_api_url: at most one of slack_app_token and slack_api_url may be set'])
  expect(faults('global: {slack_app_token: x, slack_api_url: "https://slack.com/api/chat.postMessage"}')).toEqual([])
  // Null is absent; an empty text was to be an address, or a version, that a program left out.
  expect(readText(section('pagerduty', '{url: ~, routing_key: k}')).receivers[0]!.integrations).toMatchObject([{ url: 'https://events.pagerduty.com/v2/enqueue' }])
  expect(faults(`global: {jira_api_url: "https://j/rest/api/2"}\n${section('jira', '{api_url: ~, project: P, issue_type: Bug}')}`)).toEqual([])
  expect(faults(section('pagerduty', '{url: "", routing_key: k}'))).toEqual(['5: receivers[0].pagerduty_configs[0].url: is empty; leave it out where the default is meant'])
  expect(faults('global: {slack_api_url: "", opsgenie_api_url: ""}')).toEqual(['slack', 'opsgenie'].map((kind) => `1: global.${kind}_api_url: is empty; leave it out where the default is meant`))
  expect(faults(section('webhook', '{url: "http://a", http_config: {tls_config: {min_version: ""}}}'))).toEqual(['5: receivers[0].webhook_configs[0].http_config.tls_config.min_version: want one of TLS10, TLS11, TLS12, TLS13, got ""'])
  expect(faults(section('telegram', '{bot_token: t, chat_id: 0}'))).toEqual(['5: receivers[0].telegram_configs[0].chat_id: is 0, which is no chat'])
  expect(faults('receivers: [{name: ~}]')).toEqual(['1: receivers[0].name: must be set'])
  expect(faults('global: {smtp_smarthst: "a:1"}')).toEqual(['1: unknown key "smtp_smarthst" in global; did you mean "smtp_smarthost"?'])
})

it('knows a target over changes of what is said and how, and tells it from others', () => {
  const target = (kind: string, text: string): string => integrationTarget(readText(section(kind, text)).receivers[0]!.integrations[0]!)
  const alike = (kind: string, ...texts: readonly string[]): void => expect(new Set(texts.map((text) => target(kind, text))), texts.join()).toHaveLength(1)
  const apart = (kind: string, ...texts: readonly string[]): void => expect(new Set(texts.map((text) => target(kind, text))), texts.join()).toHaveLength(texts.length)
  // What entries of the log have is read by later versions.
  expect(target('webhook', '{url: "http://a/"}')).toBe('7bdd08eff0110380')
  alike('webhook', '{url: "http://a/"}', '{url: "http://a/", send_resolved: false, max_alerts: 3, http_config: {basic_auth: {username: u, password: p}}}')
  apart('webhook', '{url: "http://a/"}', '{url: "http://a/b"}', '{url_file: /a}')
  apart('discord', '{webhook_url: "http://a/"}', '{webhook_url: "http://b/"}')
  alike('slack', '{api_url: "http://a", channel: x}', '{api_url: "http://a", channel: x, title: t, timeout: 1s}')
  apart('slack', '{api_url: "http://a", channel: x}', '{api_url: "http://a", channel: y}', '{api_url: "http://b", channel: x}')
  alike('pagerduty', '{routing_key: a}', '{routing_key: a, severity: critical}')
  apart('pagerduty', '{routing_key: a}', '{routing_key: b}', '{service_key: a}')
  apart('telegram', '{bot_token: t, chat_id: 1}', '{bot_token: t, chat_id: 2}', '{bot_token: t, chat_id: 1, message_thread_id: 7}')
  alike('telegram', '{bot_token: t, chat_id: 1}', '{bot_token: u, chat_id: 1, message: m}')
  apart('opsgenie', '{api_key: a}', '{api_key: b}')
  apart('pushover', '{user_key: a, token: t}', '{user_key: b, token: t}', '{user_key: a, token: t, device: d}')
  apart('sns', '{topic_arn: "arn:aws:sns:us-east-1:1:a", sigv4: {region: us-east-1}}', '{topic_arn: "arn:aws:sns:us-east-1:1:b", sigv4: {region: us-east-1}}')
  apart('victorops', '{api_key: k, routing_key: a}', '{api_key: k, routing_key: b}')
})
