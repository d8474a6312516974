import { describe, expect, it } from 'vitest'
import { redactAlertmanager, redactAlertmanagerSection, redactYaml } from '../../../lib/config/redact.ts'

describe('redactYaml', () => {
  it('hides every canary and keeps the rest', () => {
    const shown = redactYaml(`# canary-0
scrape_configs:
  - job_name: a # canary-1
    basic_auth: { username: joe, password: canary-2 }
    authorization: { type: Bearer, credentials: 'canary-3' }
    oauth2: { client_id: id, client_secret: canary-4, token_url: 'https://user:canary-5@auth/token' }
    tls_config: { key: canary-6, server_name: x }
    proxy_url: http://joe:canary-7@proxy:8080
    proxy_connect_header: { X-Proxy: [canary-8] }
    http_headers:
      X-Token: { values: [canary-9], secrets: [canary-10] }
    static_configs: [{ targets: ['web:9100'] }]
storage: { archive: { s3: { bucket: hours, access_key: AKIA, secret_key: canary-11, secret_key_file: /run/key } } }
alerting: { receivers: [{ name: a, sms_configs: [{ request: { url: 'https://gateway/canary-12' } }] }] }
`)
    expect(shown).not.toContain('canary')
    for (const kept of ['joe', 'job_name: a', 'web:9100', 'server_name: x', '<secret>@proxy:8080', 'X-Token', 'bucket: hours', 'AKIA', '/run/key']) expect(shown).toContain(kept)
  })
})

it('leaves Monitor\'s own keys out of what is shown as an alertmanager.yml, and no others of their names', () => {
  const own = `route:
  receiver: a
  escalation: gone
  labels: {escalation: kept1}
  routes: [{matchers: [x=y], match: {escalation: kept2}, escalation: gone, routes: [{receiver: b, escalation: gone}]}]
receivers:
- {name: a, sms_configs: [{to: gone, request: {url: canary}}], slack_configs: [{fallback: kept3, api_url: canary}], webpush_configs: [{user: gone}]}
- {name: b, pushover_configs: [{api_url: 'http://gone', title: kept4}]}
global: {sms_from: gone, webpush_subject: 'mailto:gone', resolve_timeout: 7m, webhook_allow_private: false}
escalations: {gone: [{after: 1m, receiver: b}]}
fallback: {receiver: gone}
`
  for (const shown of [redactAlertmanager(own), redactAlertmanagerSection(`alerting:\n${own.replaceAll(/^/gm, '  ')}  cooldowns: [gone]\n`, 'alerting', ['route', 'receivers', 'global', 'escalations', 'fallback'])]) {
    for (const kept of ['kept1', 'kept2', 'kept3', 'kept4', 'resolve_timeout: 7m', 'receiver: b', 'name: b', '<secret>']) expect(shown).toContain(kept)
    for (const lost of ['gone', 'canary', 'sms_', 'webpush', 'escalations', 'webhook_allow_private']) expect(shown).not.toContain(lost)
  }
})
