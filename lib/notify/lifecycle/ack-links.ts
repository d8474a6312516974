// Signed addresses of the page that acknowledges an alert without login: whoever has the message may, nobody else, and not for
// ever: messages lie about in archives and chats. The day is in the token instead of in the record, so that a message of today about
// an alert of last month can be used; a try of the same message later that day is the same text.
//
//   <external url>/ack/<token>     token: base64url of the episode's UUID (16 bytes), the day it was made (days since 1970 in UTC,
//                                  2 bytes, big endian) and the first 16 bytes of the HMAC-SHA256 of both
import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto'

const UUID_BYTES = 16
const DAY_BYTES = 2
const MAC_BYTES = 16
const TOKEN_CHARS = Math.ceil((UUID_BYTES + DAY_BYTES + MAC_BYTES) * 8 / 6)
const DAY_MS = 86_400_000

/** What a token stands for. */
export interface AckLink {
  alertId: string
  /** Unix ms: the beginning of the day on which it was made. */
  dayMs: number
}

export class AckLinks {
  /** As a Buffer it would take 29 µs a signature instead of 5: ten thousand alerts are told at once. */
  readonly #key: KeyObject
  readonly #base: string

  /** `key`: hex digits; `externalUrl`: without a slash at its end. */
  constructor(key: string, externalUrl: string) {
    this.#key = createSecretKey(key, 'hex')
    this.#base = `${externalUrl}/ack/`
  }

  urlOf(alertId: string, nowMs: number): string {
    const signed = Buffer.alloc(UUID_BYTES + DAY_BYTES)
    signed.write(alertId.replaceAll('-', ''), 'hex')
    signed.writeUInt16BE(Math.floor(nowMs / DAY_MS), UUID_BYTES)
    return this.#base + Buffer.concat([signed, this.#mac(signed)]).toString('base64url')
  }

  /** null where Monitor did not make the token. What stands behind it in a text (`>`, `)`, a dot) may have come along. */
  read(text: string): AckLink | null {
    const token = text.slice(0, TOKEN_CHARS)
    const bytes = Buffer.from(token, 'base64url')
    if (bytes.length !== UUID_BYTES + DAY_BYTES + MAC_BYTES || bytes.toString('base64url') !== token || /[\w-]/.test(text.slice(TOKEN_CHARS))) return null
    const signed = bytes.subarray(0, UUID_BYTES + DAY_BYTES)
    if (!timingSafeEqual(bytes.subarray(UUID_BYTES + DAY_BYTES), this.#mac(signed))) return null
    const alertId = signed.toString('hex', 0, UUID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    return { alertId, dayMs: signed.readUInt16BE(UUID_BYTES) * DAY_MS }
  }

  #mac(signed: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update('acknowledge').update(signed).digest().subarray(0, MAC_BYTES)
  }
}

/** Whether a link no longer opens its page; `lifetimeMs` 0: it always does. The day on which it was made is not counted. */
export function isExpired({ dayMs }: AckLink, lifetimeMs: number, nowMs: number): boolean {
  return lifetimeMs > 0 && nowMs >= dayMs + DAY_MS + lifetimeMs
}
