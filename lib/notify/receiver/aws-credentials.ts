// Whose keys sign a request to AWS: the section's own, else those of a profile of the shared credentials file, else the
// environment's; and where a role is named, keys that STS lends for an hour (docs.aws.amazon.com/STS, AssumeRole).
import os from 'node:os'
import path from 'node:path'
import type { SnsConfig } from '../../config/receivers/sns.ts'
import { DiskError, readRegularUtf8 } from '../../std/fs.ts'
import { signedHeaders, type Credentials } from '../../std/sigv4.ts'
import type { Clock } from '../../std/clock.ts'
import { DeliveryError } from '../receiver.ts'
import type { HttpSender } from './http-sender.ts'

export type AwsConfig = Pick<SnsConfig, 'region' | 'accessKey' | 'secretKey' | 'profile' | 'roleArn' | 'externalId' | 'isFipsUsed'>

export type Environment = Readonly<Record<string, string | undefined>>

const FORM = 'application/x-www-form-urlencoded; charset=utf-8'
/** Borrowed keys are asked for anew so long before they end. */
const SPARE_MS = 300_000

export class AwsCredentials {
  readonly #config: AwsConfig
  readonly #environment: Environment
  readonly #clock: Clock
  #borrowed: { keys: Credentials; endsAtMs: number } | null = null

  constructor(config: AwsConfig, environment: Environment, clock: Clock) {
    this.#config = config
    this.#environment = environment
    this.#clock = clock
  }

  /** Throws DeliveryError. */
  get region(): string {
    const region = this.#config.region || this.#environment['AWS_REGION'] || this.#environment['AWS_DEFAULT_REGION'] || ''
    if (region === '') throw new DeliveryError('no region: set sigv4.region or AWS_REGION', { isRetryable: false })
    return region
  }

  /** Rejects with DeliveryError. */
  async keys(sender: HttpSender, signal: AbortSignal): Promise<Credentials> {
    if (this.#config.roleArn === '') return this.#ownKeys()
    if (this.#borrowed === null || this.#borrowed.endsAtMs - SPARE_MS < this.#clock.now()) this.#borrowed = await this.#borrow(sender, signal)
    return this.#borrowed.keys
  }

  #ownKeys(): Credentials {
    const { accessKey, secretKey, profile } = this.#config
    if (accessKey !== '') return { accessKey, secretKey, sessionToken: '' }
    const { AWS_ACCESS_KEY_ID: key = '', AWS_SECRET_ACCESS_KEY: secret = '', AWS_SESSION_TOKEN: sessionToken = '' } = this.#environment
    if (profile === '' && key !== '' && secret !== '') return { accessKey: key, secretKey: secret, sessionToken }
    return this.#profileKeys(profile || this.#environment['AWS_PROFILE'] || '')
  }

  #profileKeys(profile: string): Credentials {
    if (profile === '') throw new DeliveryError('no keys to sign with: set sigv4.access_key and secret_key, sigv4.profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY', { isRetryable: false })
    const file = this.#environment['AWS_SHARED_CREDENTIALS_FILE'] || path.join(this.#environment['HOME'] || os.homedir(), '.aws', 'credentials')
    let text: string
    try {
      text = readRegularUtf8(file)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      throw new DeliveryError(`cannot read the keys of the profile ${profile}: ${error.message}`, { isRetryable: true, cause: error })
    }
    const { aws_access_key_id: key = '', aws_secret_access_key: secret = '', aws_session_token: sessionToken = '' } = sectionOf(text, profile)
    if (key === '' || secret === '') throw new DeliveryError(`${file} has no keys of a profile ${profile}`, { isRetryable: false })
    return { accessKey: key, secretKey: secret, sessionToken }
  }

  async #borrow(sender: HttpSender, signal: AbortSignal): Promise<{ keys: Credentials; endsAtMs: number }> {
    const { roleArn, externalId, isFipsUsed } = this.#config
    const { region } = this
    const url = new URL(this.#environment['AWS_ENDPOINT_URL_STS'] || `https://sts${isFipsUsed ? '-fips' : ''}.${region}.amazonaws.com/`)
    const form = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', RoleArn: roleArn, RoleSessionName: `monitor-${Math.round(this.#clock.now() / 1000)}` })
    if (externalId !== '') form.set('ExternalId', externalId)
    const body = form.toString()
    const toSign = { method: 'POST', url, headers: { 'content-type': FORM }, body: Buffer.from(body) }
    const { host: _, 'content-type': __, ...headers } = signedHeaders(toSign, this.#ownKeys(), { region, service: 'sts' }, this.#clock.now())
    const { status, text } = await sender.exchange({ url: url.href, headers, contentType: FORM, body }, signal)
    const field = (name: string): string => text.split(`<${name}>`)[1]?.split('<')[0] ?? ''
    if (status < 200 || status > 299) throw new DeliveryError(`cannot take the role ${roleArn}: unexpected status code ${status}: ${field('Message') || text.slice(0, 300)}`, { isRetryable: status >= 500 || status === 429 })
    const keys = { accessKey: field('AccessKeyId'), secretKey: field('SecretAccessKey'), sessionToken: field('SessionToken') }
    const endsAtMs = Date.parse(field('Expiration'))
    if (keys.accessKey === '' || keys.secretKey === '' || Number.isNaN(endsAtMs)) throw new DeliveryError(`cannot take the role ${roleArn}: STS answered no keys`, { isRetryable: true })
    return { keys, endsAtMs }
  }
}

/** The settings of a section of an INI file. */
function sectionOf(text: string, name: string): Readonly<Record<string, string>> {
  const settings: Record<string, string> = {}
  let isIn = false
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(.*?)\s*\]\s*$/.exec(line)
    if (section !== null) isIn = section[1] === name
    const [, key, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (isIn && key !== undefined) settings[key.toLowerCase()] = value!
  }
  return settings
}
