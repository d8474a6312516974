// How the dead man's switch reaches people: by mail, by webhook, or by both. One that fails is tried again by itself, whatever the other does.
import nodemailer from 'nodemailer'
import { ask, words } from './ask.ts'
import type { DeadmanOptions, Mail } from './flags.ts'

export interface Page {
  status: 'firing' | 'resolved'
  text: string
  silentMs: number
  stopped: readonly string[]
}

export const SEND_MS = 20_000
/** The pause after the first failure, doubled with each further one, and the longest. */
const RETRY_MS = 5000
const RETRY_MS_MAX = 300_000

/** Mail, or the webhook. Times are ms of the clock that never jumps. */
export interface Way {
  readonly name: string
  readonly send: (page: Page) => Promise<unknown>
  /** When it last told of the silence that lasts; null: it has not. */
  toldMs: number | null
  failures: number
  retryAtMs: number
}

/** The state of one that has nothing to do. */
export const AT_REST: Pick<Way, 'toldMs' | 'failures' | 'retryAtMs'> = { toldMs: null, failures: 0, retryAtMs: -Infinity }

/** Never rejects. */
export async function tell(way: Way, page: Page, nowMs: number, log: (line: string) => void): Promise<void> {
  try {
    await way.send(page)
    Object.assign(way, AT_REST, page.status === 'firing' && { toldMs: nowMs })
  } catch (error) {
    const pauseMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** way.failures++)
    way.retryAtMs = nowMs + pauseMs
    log(`cannot page by ${way.name}, tried again in ${pauseMs / 1000} s: ${words(error)}`)
  }
}

export function waysOf({ mail, webhookUrl }: Pick<DeadmanOptions, 'mail' | 'webhookUrl'>): Way[] {
  const ways: Way[] = []
  if (mail !== null) ways.push({ ...AT_REST, name: 'mail', send: ({ status, text }) => sendMail(mail, `[${status.toUpperCase()}] Monitor's dead man's switch`, text) })
  if (webhookUrl !== '') ways.push({ ...AT_REST, name: 'webhook', send: ({ status, text, silentMs, stopped }) => ask(webhookUrl, SEND_MS, { status, text, silent_seconds: Math.round(silentMs / 1000), stopped }) })
  return ways
}

async function sendMail({ url, from, to }: Mail, subject: string, text: string): Promise<void> {
  const transport = nodemailer.createTransport({ url, connectionTimeout: SEND_MS, greetingTimeout: SEND_MS, socketTimeout: SEND_MS })
  await transport.sendMail({ from, to, subject, text: `${text}\n` })
}
