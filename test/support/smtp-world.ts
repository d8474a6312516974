// A real SMTP server on loopback that notes what comes, and can refuse, greylist, hang, ask for TLS and credentials.
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { onTestFinished } from 'vitest'

export interface ReceivedMail {
  from: string
  to: string[]
  /** As it came, lines joined by \r\n. */
  text: string
  user: string
  isSecure: boolean
}

export interface SmtpWorld {
  port: number
  mails: ReceivedMail[]
}

export async function smtpWorld(options: SMTPServerOptions = {}): Promise<SmtpWorld> {
  const mails: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'], logger: false, closeTimeout: 10,
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false || mailFrom === undefined ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(), user: typeof session.user === 'string' ? session.user : '', isSecure: session.secure === true,
        })
        callback(null)
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: (server.server.address() as AddressInfo).port, mails }
}

/** An error that the server answers with this reply. */
export function smtpReply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}
