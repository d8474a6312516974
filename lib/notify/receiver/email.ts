// Email over SMTP. Whom a mail was refused for is told, and a repeated try goes only to those who have not got it.
import type { EmailConfig } from '../../config/receivers/email.ts'
import { SEND_TIMEOUT_MS } from '../../config/receivers/section.ts'
import type { Notification } from '../../model/notification.ts'
import { SmtpError } from '../../std/smtp-error.ts'
import { composeMail, parseAddresses, type Refusal, type SmtpAuth, type SmtpServer } from '../../std/smtp.ts'
import type { CarriedMail, Receipt } from '../courier/courier.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { Expander, groupHash, messageKey, secretOf, type ReceiverGround } from './ground.ts'
import { PartlyTold } from './partly-told.ts'

const DEFAULT_SUBJECT = '{{ template "email.default.subject" . }}'

export class EmailReceiver implements Receiver {
  readonly kind = 'email'
  readonly isResolvedSent: boolean
  readonly #config: EmailConfig
  readonly #ground: ReceiverGround
  readonly #partlyTold: PartlyTold

  constructor(config: EmailConfig, ground: ReceiverGround) {
    this.isResolvedSent = config.isResolvedSent
    this.#config = config
    this.#ground = ground
    this.#partlyTold = new PartlyTold(ground.clock)
  }

  async notify(notification: Notification, signal: AbortSignal, receipt: Receipt): Promise<void> {
    const expander = new Expander(this.#ground.templates, notification)
    const from = parseAddresses(expander.text('from', this.#config.from))
    const to = parseAddresses(expander.text('to', this.#config.to))
    if (from.length !== 1 || from[0] === '') throw new DeliveryError(`from must be one address, got ${from.length}`, { isRetryable: false })
    if (to.length === 0 || to.includes('')) throw new DeliveryError('to holds no address, or something that is none', { isRetryable: false })
    const before = this.#partlyTold.of(notification)
    const open = to.filter((address) => !before.has(address))
    const bytes = await composeMail({
      headers: this.#headers(expander, notification, from[0]!), dateMs: this.#ground.clock.now(),
      text: this.#config.text === '' ? '' : expander.text('text', this.#config.text), html: this.#config.html === '' ? '' : expander.html('html', this.#config.html),
    })
    const refused = await this.#send({ envelope: { from: from[0]!, to: open }, bytes }, signal, receipt).catch((error: unknown) => {
      throw error instanceof DeliveryError ? this.#partlyTold.failure(notification, before, error.message, [error]) : error
    })
    if (refused.length === 0) return
    const told = new Set([...before, ...open.filter((address) => !refused.some((one) => one.address === address))])
    const failures = refused.map(({ address, reply, replyCode }) => new DeliveryError(`${address} (${reply})`, { isRetryable: replyCode < 500 }))
    throw this.#partlyTold.failure(notification, told, `refused for ${refused.length} of ${to.length} recipients: ${failures.map(({ message }) => message).join(', ')}`, failures)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** `from`: the sender's address. A host has another name each time where it is a container, and would give what is told again another Message-Id. */
  #headers(expander: Expander, notification: Notification, from: string): Map<string, string> {
    const { headers: own, threading } = this.#config
    const { groupKey, timeMs } = notification
    const headers = new Map<string, string>()
    for (const [name, template] of [['From', this.#config.from], ['To', this.#config.to], ['Subject', DEFAULT_SUBJECT], ...own] as const) {
      headers.set(name, expander.text(`headers.${name}`, template))
    }
    if (!headers.has('Message-Id')) headers.set('Message-Id', `<${messageKey(notification).slice(0, 40)}@${from.slice(from.lastIndexOf('@') + 1)}>`)
    if (threading !== null) {
      const day = threading.isDaily ? new Date(timeMs).toISOString().slice(0, 10) : ''
      const root = `<alert-${groupHash(groupKey).slice(0, 16)}-${day}@alertmanager>`
      headers.set('References', root).set('In-Reply-To', root)
    }
    return headers
  }

  async #send(mail: Pick<CarriedMail, 'envelope' | 'bytes'>, signal: AbortSignal, receipt: Receipt): Promise<readonly Refusal[]> {
    try {
      return await this.#ground.courier.mail({ server: this.#server(), ...mail, timeoutMs: SEND_TIMEOUT_MS }, signal, receipt)
    } catch (error) {
      if (!(error instanceof SmtpError)) throw error
      // A refusal for good of the mail itself; what the server says before may change (a password renewed, a limit over).
      const isFinal = error.stage === 'send' && error.replyCode >= 500
      throw new DeliveryError(error.message, { isRetryable: !isFinal, cause: error })
    }
  }

  #server(): SmtpServer {
    const { smarthost: { host, port }, hello, tls, isTlsImplicit, isTlsRequired } = this.#config
    const isImplicit = isTlsImplicit ?? port === 465
    return { host, port, hello, tls, security: isImplicit ? 'implicit' : isTlsRequired ? 'starttls' : 'none', auth: this.#auth() }
  }

  #auth(): SmtpAuth | null {
    const { username, identity } = this.#config
    if (username === '') return null
    return { username, identity, password: secretOf('auth_password', this.#config.password), secret: secretOf('auth_secret', this.#config.secret) }
  }
}
