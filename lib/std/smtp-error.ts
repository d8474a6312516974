// Why a mail did not go out; apart from smtp.ts, which brings nodemailer along.

/** A mail that the server did not take. `replyCode`: SMTP's, 0 where it came to none. */
export class SmtpError extends Error {
  readonly code = 'SMTP'
  readonly stage: 'connect' | 'auth' | 'send'
  readonly replyCode: number

  constructor(stage: 'connect' | 'auth' | 'send', message: string, replyCode: number, cause?: unknown) {
    super(message, { cause })
    this.stage = stage
    this.replyCode = replyCode
  }
}
