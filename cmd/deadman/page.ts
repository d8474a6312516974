// How the dead man's switch reaches people: by mail, by webhook, or by both side by side.
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

/** Whether someone was reached. Never rejects. */
export async function page({ status, text, silentMs, stopped }: Page, { mail, webhookUrl, log }: Pick<DeadmanOptions, 'mail' | 'webhookUrl' | 'log'>): Promise<boolean> {
  log(text)
  const ways: Promise<boolean>[] = []
  const by = async (way: string, sent: Promise<unknown>): Promise<boolean> => {
    try {
      await sent
      return true
    } catch (error) {
      log(`cannot page by ${way}: ${words(error)}`)
      return false
    }
  }
  if (mail !== null) ways.push(by('mail', sendMail(mail, `[${status.toUpperCase()}] Monitor's dead man's switch`, text)))
  if (webhookUrl !== '') ways.push(by('webhook', ask(webhookUrl, SEND_MS, { status, text, silent_seconds: Math.round(silentMs / 1000), stopped })))
  return (await Promise.all(ways)).some(Boolean)
}

async function sendMail({ url, from, to }: Mail, subject: string, text: string): Promise<void> {
  const transport = nodemailer.createTransport({ url, connectionTimeout: SEND_MS, greetingTimeout: SEND_MS, socketTimeout: SEND_MS })
  await transport.sendMail({ from, to, subject, text: `${text}\n` })
}
