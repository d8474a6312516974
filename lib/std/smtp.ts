// The door to nodemailer: one mail over one connection. Which TLS, which credentials and how long it may take is the
// caller's; what the server says comes back as it is, with its code, and per recipient.
import addressparser from 'nodemailer/lib/addressparser'
import MailComposer from 'nodemailer/lib/mail-composer'
import SMTPConnection, { type SMTPConnectionAuth, type SMTPConnectionCustomAuthContext, type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection'
import type { Clock } from './clock.ts'
import { tlsContext, type TlsOptions } from './http-tls.ts'
import { SmtpError } from './smtp-error.ts'

export interface SmtpServer {
  host: string
  port: number
  /** What we call ourselves. */
  hello: string
  /** `implicit`: from the first byte; `starttls`: or nothing is sent; `none`. */
  security: 'implicit' | 'starttls' | 'none'
  tls: TlsOptions | null
  auth: SmtpAuth | null
}

export interface SmtpAuth {
  username: string
  /** For PLAIN and LOGIN; '' for none. */
  password: string
  /** For CRAM-MD5; '' for none. */
  secret: string
  /** On whose behalf, with PLAIN; '' for the user's own. */
  identity: string
}

/** A mail before it is written; texts are of any characters, lines of headers included. */
export interface MailParts {
  /** By name; From, To and Subject among them. */
  headers: ReadonlyMap<string, string>
  /** '' for no such part. */
  text: string
  html: string
  dateMs: number
}

export interface Envelope {
  from: string
  to: readonly string[]
}

export interface Refusal {
  address: string
  /** SMTP's, 0 where there is none. */
  replyCode: number
  reply: string
}

/** The addresses of a header such as `Ops <ops@example.com>, b@example.com`; names of groups are left out. */
export function parseAddresses(text: string): string[] {
  return addressparser(text, { flatten: true }).map(({ address }) => address)
}

/** A header's value on one line: whoever can write a label must not write headers. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\0\u2028\u2029\u0085]+/g, ' ').trim()
}

/** The mail's bytes. */
export function composeMail({ headers, text, html, dateMs }: MailParts): Promise<Buffer> {
  const line = (name: string): string | undefined => {
    const value = headers.get(name)
    return value === undefined ? undefined : oneLine(value)
  }
  const known = new Set(['From', 'To', 'Cc', 'Subject', 'Message-Id', 'Reply-To'])
  const others = Array.from(headers).filter(([name]) => !known.has(name)).map(([key, value]) => ({ key, value: oneLine(value) }))
  const composer = new MailComposer({
    from: line('From'), to: line('To'), cc: line('Cc'), replyTo: line('Reply-To'), subject: line('Subject'), messageId: line('Message-Id'),
    headers: others, date: new Date(dateMs), ...(text !== '' && { text }), ...(html !== '' && { html }),
    // What a template makes is text, never a file or an address to fetch from.
    disableFileAccess: true, disableUrlAccess: true,
  })
  return composer.compile().build()
}

/**
 * Sends a mail. Resolves with the recipients that were refused while others were taken; rejects with SmtpError where none
 * was, or with the signal's reason.
 */
export async function sendMail(
  server: SmtpServer, mail: { envelope: Envelope; bytes: Buffer }, time: { clock: Clock; timeoutMs: number; signal: AbortSignal },
): Promise<Refusal[]> {
  time.signal.throwIfAborted()
  const connection = new SMTPConnection(optionsOf(server, time.timeoutMs))
  let stage = 'connect' as SmtpError['stage']
  // Errors reach the promises of `steps`; this one hears of those that come between two steps.
  const lost = new Promise<never>((_, reject) => connection.on('error', reject))
  let onAbort = (): void => {}
  const cut = new Promise<never>((_, reject) => (onAbort = () => reject(time.signal.reason as Error)))
  // Taken back at the end: the signal outlives this mail and many more.
  time.signal.addEventListener('abort', onAbort, { once: true })
  let timer = { cancel(): void {} }
  const late = new Promise<never>((_, reject) => {
    timer = time.clock.after(time.timeoutMs, () => reject(new SmtpError(stage, `${place(server)} took longer than ${time.timeoutMs / 1000} s (${stage})`, 0)))
  })
  const steps = async (): Promise<Refusal[]> => {
    await new Promise<void>((resolve, reject) => {
      connection.once('error', reject)
      connection.connect((error) => (error ? reject(error) : resolve()))
    })
    stage = 'auth'
    const { auth } = server
    // As Alertmanager: a server that knows no AUTH is sent to without.
    if (auth !== null && connection.allowsAuth) {
      const login = loginOf(auth, mechanismsOf(connection.lastServerResponse || ''))
      await new Promise<void>((resolve, reject) => connection.login(login, (error) => (error ? reject(error) : resolve())))
    }
    stage = 'send'
    return await new Promise<Refusal[]>((resolve, reject) => connection.send({ from: mail.envelope.from, to: [...mail.envelope.to] }, mail.bytes, (error, info) => {
      if (error) reject(error)
      else resolve((info?.rejectedErrors ?? []).map((refused) => ({ address: refused.recipient ?? '', replyCode: refused.responseCode ?? 0, reply: refused.message })))
    }))
  }
  try {
    return await Promise.race([steps(), lost, cut, late])
  } catch (error) {
    if (time.signal.aborted || error instanceof SmtpError) throw error
    throw smtpError(error, stage, server)
  } finally {
    timer.cancel()
    time.signal.removeEventListener('abort', onAbort)
    if (stage === 'send') connection.quit()
    // The server has a moment to say goodbye.
    time.clock.after(QUIT_MS, () => connection.close(), true)
  }
}

const QUIT_MS = 1000

function optionsOf({ host, port, hello, security, tls }: SmtpServer, timeoutMs: number): SMTPConnectionOptions {
  return {
    host, port, name: hello, secure: security === 'implicit', requireTLS: security === 'starttls', ignoreTLS: security === 'none',
    connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: timeoutMs, allowInternalNetworkInterfaces: true,
    tls: tlsContext(tls), customAuth: { [PLAIN_AS]: plainAs },
  }
}

/** PLAIN with an identity, which nodemailer's has not. */
const PLAIN_AS = 'PLAIN-AS'

async function plainAs(context: SMTPConnectionCustomAuthContext): Promise<void> {
  const { user, pass, options } = context.auth.credentials
  const reply = await context.sendCommand(`AUTH PLAIN ${Buffer.from(`${String(options?.['identity'] ?? '')}\0${user}\0${pass}`).toString('base64')}`)
  if (reply.status === 235) context.resolve()
  else context.reject(Object.assign(new Error(reply.response), { responseCode: reply.status }))
}

/** What a server takes, in its order, as its reply to EHLO says. */
function mechanismsOf(reply: string): string[] {
  return Array.from(reply.matchAll(/^250[ -]AUTH[ =](.*)$/gim), ([, list]) => list!.trim().toUpperCase().split(/[ =]+/)).flat()
}

/**
 * The first of the server's mechanisms for which there are credentials, as in Alertmanager; nodemailer's own order would give the password to
 * CRAM-MD5, too. That is done where nothing else is left: with many servers it is the secret. Throws where none can be used.
 */
function loginOf({ username, password, secret, identity }: SmtpAuth, mechanisms: readonly string[]): SMTPConnectionAuth {
  const login = (method: string, pass: string): SMTPConnectionAuth => ({ user: username, pass, credentials: { user: username, pass, options: { identity } }, method })
  for (const mechanism of mechanisms) {
    if (mechanism === 'CRAM-MD5' && secret !== '') return login(mechanism, secret)
    if (mechanism === 'PLAIN' && password !== '') return login(identity === '' ? mechanism : PLAIN_AS, password)
    if (mechanism === 'LOGIN' && password !== '') return login(mechanism, password)
  }
  if (mechanisms.includes('CRAM-MD5') && password !== '') return login('CRAM-MD5', password)
  throw new Error(`no credentials for what the server takes (${mechanisms.join(', ')}): auth_password is for PLAIN and LOGIN, auth_secret for CRAM-MD5`)
}

function place({ host, port }: SmtpServer): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function smtpError(error: unknown, stage: SmtpError['stage'], server: SmtpServer): SmtpError {
  const message = error instanceof Error ? error.message : String(error)
  const replyCode = error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : 0
  return new SmtpError(stage, `${place(server)}: ${oneLine(message)}`, replyCode, error)
}
