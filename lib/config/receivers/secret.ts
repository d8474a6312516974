// Secrets and URLs of a receiver's section: a secret is written out or stands in a file, a URL may be one.
import path from 'node:path'
import { isUrl } from '../http-client.ts'
import type { MapReader } from '../reader.ts'

/** A secret as it is written, or the file that holds it, read anew for each message; both '' where there is none. */
export interface Secret {
  readonly text: string
  readonly file: string
}

export const NO_SECRET: Secret = { text: '', file: '' }

export function isGiven({ text, file }: Secret): boolean {
  return text !== '' || file !== ''
}

/** `key` or `key_file`, not both. */
export function readSecret(reader: MapReader, key: string, folder: string): Secret {
  const fileKey = `${key}_file`
  const file = reader.text(fileKey, '')
  const secret = { text: reader.text(key, ''), file: file === '' ? '' : path.resolve(folder, file) }
  if (secret.text !== '' && secret.file !== '') reader.error(fileKey, `at most one of ${key} and ${fileKey} may be set`)
  return secret
}

/** As readSecret, for a URL that is one. */
export function readSecretUrl(reader: MapReader, key: string, folder: string): Secret {
  const secret = readSecret(reader, key, folder)
  checkGivenUrl(reader, key, secret.text)
  return secret
}

/** As readSecret, for a secret without which nothing can be sent. */
export function readNeededSecret(reader: MapReader, key: string, folder: string, fallback: Secret = NO_SECRET): Secret {
  const own = readSecret(reader, key, folder)
  const secret = isGiven(own) ? own : fallback
  if (!isGiven(secret)) reader.error(key, `one of ${key} and ${key}_file must be set`)
  return secret
}

/** As readNeededSecret, for a URL. */
export function readNeededUrl(reader: MapReader, key: string, folder: string, fallback: Secret = NO_SECRET): Secret {
  const secret = readNeededSecret(reader, key, folder, fallback)
  checkUrl(reader, key, secret.text)
  return secret
}

/** An http or https URL; `fallback` where it is absent or null. */
export function readUrl(reader: MapReader, key: string, fallback: string): string {
  const url = reader.has(key) ? reader.text(key, '') : fallback
  checkGivenUrl(reader, key, url)
  return url
}

/** One that is empty was meant to be something: a variable that nobody has set. */
function checkGivenUrl(reader: MapReader, key: string, url: string): void {
  if (url === '' && reader.has(key)) reader.error(key, 'is empty; leave it out where the default is meant')
  checkUrl(reader, key, url)
}

/** A text with a template in it may become anything. */
function checkUrl(reader: MapReader, key: string, url: string): void {
  if (url !== '' && !url.includes('{{') && !isUrl(url)) reader.error(key, 'want a URL that begins with http:// or https://')
}
