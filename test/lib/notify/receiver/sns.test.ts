// Whose keys sign what goes to SNS: of a profile, of the environment, and those that STS lends for a role.
import fs from 'node:fs'
import { expect, it } from 'vitest'
import type { SnsConfig } from '../../../../lib/config/receivers/sns.ts'
import { snsReceiver } from '../../../../lib/notify/receiver/sns.ts'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { attempt, AT_MS, DOWN, ground, httpWorld, readText, UP } from '../../../support/receiver-fixture.ts'
import { tempFolder } from '../../../support/temp-folder.ts'

const NOW_MS = Date.parse('2026-11-28T10:00:00Z')
const configOf = (url: string, sigv4: string): SnsConfig => {
  const { receivers, errors } = readText(`receivers: [{name: a, sns_configs: [{api_url: "${url}/sns", topic_arn: "arn:t", sigv4: {region: eu-west-1, ${sigv4}}}]}]`)
  expect(errors).toEqual([])
  return receivers[0]!.integrations[0] as SnsConfig
}
const keyOf = (headers: Record<string, unknown>): string => /Credential=([^/]*)\/.*?\/(\w+)\/aws4/.exec(String(headers['authorization']))!.slice(1).join(' ')

function credentialsFile(): string {
  const file = `${tempFolder()}/credentials`
  fs.writeFileSync(file, '[default]\naws_access_key_id = DEF\naws_secret_access_key=s1\n\n[ ops ]\n# a comment\naws_access_key_id=OPS\naws_secret_access_key = s2\naws_session_token = tok\n')
  return file
}

it('signs with the keys of a profile', async () => {
  const http = await httpWorld()
  const environment = { AWS_SHARED_CREDENTIALS_FILE: credentialsFile(), AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 'x' }
  expect(await attempt(snsReceiver(configOf(http.url, 'profile: ops'), ground(), environment))).toBe(null)
  expect(await attempt(snsReceiver(configOf(http.url, ''), ground(), environment))).toBe(null)
  expect(await attempt(snsReceiver(configOf(http.url, ''), ground(), { ...environment, AWS_ACCESS_KEY_ID: '', AWS_PROFILE: 'default' }))).toBe(null)
  expect(http.requests.map(({ headers }) => [keyOf(headers), headers['x-amz-security-token']])).toEqual([['OPS sns', 'tok'], ['ENV sns', undefined], ['DEF sns', undefined]])
  expect((await attempt(snsReceiver(configOf(http.url, 'profile: gone'), ground(), environment)))!.message).toContain('/credentials has no keys of a profile gone')
  expect((await attempt(snsReceiver(configOf(http.url, ''), ground(), {})))!.message).toContain('no keys to sign with: set sigv4.access_key and secret_key')
})

it('borrows the keys of a role, and asks for them anew before they end', async () => {
  const clock = new FakeClock(NOW_MS)
  let status = 200
  const http = await httpWorld((response, { path }) => {
    if (path === '/sns') return response.end('ok')
    const ends = new Date(clock.now() + 3_600_000).toISOString()
    return response.writeHead(status).end(status === 200
      ? `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>LENT</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t==</SessionToken><Expiration>${ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
      : '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>')
  })
  const config = configOf(http.url, 'access_key: OWN, secret_key: s, role_arn: "arn:aws:iam::1:role/r", external_id: e')
  const receiver = snsReceiver(config, ground({ clock }), { AWS_ENDPOINT_URL_STS: `${http.url}/sts` })
  for (const ms of [0, 3_000_000, 400_000]) {
    await clock.advance(ms)
    expect(await attempt(receiver)).toBe(null)
  }
  expect(http.requests.map(({ path, headers }) => `${path} ${keyOf(headers)} ${String(headers['x-amz-security-token'] ?? '')}`.trim())).toEqual(['/sts OWN sts', '/sns LENT sns t==', '/sns LENT sns t==', '/sts OWN sts', '/sns LENT sns t=='])
  expect(Object.fromEntries(new URLSearchParams(http.requests[0]!.body.toString()))).toEqual({ Action: 'AssumeRole', Version: '2011-06-15', RoleArn: 'arn:aws:iam::1:role/r', RoleSessionName: `monitor-${NOW_MS / 1000}`, ExternalId: 'e' })
  status = 403
  await clock.advance(3_600_000)
  expect(await attempt(receiver)).toMatchObject({ isRetryable: false, message: 'cannot take the role arn:aws:iam::1:role/r: unexpected status code 403: not you' })
})

it('wants a role for an external id', () => {
  expect(readText('receivers: [{name: a, sns_configs: [{topic_arn: t, sigv4: {external_id: e}}]}]').errors).toEqual(['1: receivers[0].sns_configs[0].sigv4.external_id: wants role_arn'])
})

it('gives a FIFO topic one id for what is told once more after a kill, another for other news, and one group', async () => {
  const http = await httpWorld()
  const config = configOf(http.url, 'access_key: a, secret_key: b')
  const receiver = snsReceiver({ ...config, fields: { ...config.fields, topic_arn: 'arn:t.fifo' } }, ground(), {})
  for (const notification of [DOWN, { ...DOWN, timeMs: AT_MS + 5000 }, { ...DOWN, previousMs: AT_MS }, UP]) expect(await attempt(receiver, notification)).toBe(null)
  const forms = http.requests.map(({ body }) => new URLSearchParams(body.toString()))
  const [first, again, repeat, end] = forms.map((form) => form.get('MessageDeduplicationId'))
  expect(again).toBe(first)
  expect(new Set([first, repeat, end]).size).toBe(3)
  expect(new Set(forms.map((form) => form.get('MessageGroupId'))).size).toBe(1)
})

it('cuts a message within a rune of its own, says so, and tries again where it is throttled', async () => {
  let answer: [number, string] = [200, 'ok']
  const http = await httpWorld((response) => response.writeHead(answer[0]).end(answer[1]))
  const config = configOf(http.url, 'access_key: a, secret_key: b')
  const receiver = snsReceiver({ ...config, fields: { ...config.fields, topic_arn: '', phone_number: '+15550000001', message: `x${'é'.repeat(1000)}` } }, ground(), {})
  expect(await attempt(receiver)).toBe(null)
  const form = new URLSearchParams(http.requests[0]!.body.toString())
  expect([form.get('Message'), form.get('MessageAttributes.entry.1.Name')]).toEqual([`x${'é'.repeat(799)}`, 'truncated'])
  for (const [status, text, isRetryable] of [[400, '<Error><Code>Throttling</Code><Message>slow</Message></Error>', true], [400, '<Error><Code>InvalidParameter</Code><Message>no</Message></Error>', false]] as const) {
    answer = [status, text]
    expect(await attempt(receiver)).toMatchObject({ isRetryable })
  }
})
