// Web push: a message encrypted for one browser (RFC 8291 over aes128gcm, RFC 8188), and the token by which a push service knows
// who sends (VAPID, RFC 8292).
//
//   ECDH(own key, browser's key) ─HKDF with auth secret, both keys─▶ IKM ─HKDF with salt─▶ key, nonce
//   body = salt (16) | record size (4) | key length (1) | own public key (65) | AES-128-GCM(message | 0x02) | tag (16)
import { createCipheriv, createECDH, createPrivateKey, generateKeyPairSync, hkdfSync, randomBytes, sign, type JsonWebKey, type KeyObject } from 'node:crypto'

const CURVE = 'prime256v1'
const SALT_BYTES = 16
const RECORD_BYTES = 4096
/** What push services must take is 4,096 bytes of body. */
export const PUSH_BYTES_MAX: number = RECORD_BYTES - SALT_BYTES - 4 - 1 - 65 - 1 - 16
/** RFC 8292 allows a day. */
const TOKEN_AGE_S = 12 * 3600

export interface PushKeys {
  /** The browser's public key, 65 bytes, base64url. */
  p256dh: string
  /** Its authentication secret, 16 bytes, base64url. */
  auth: string
}

/** Whether the keys are such as browsers give. */
export function arePushKeys({ p256dh, auth }: PushKeys): boolean {
  const key = Buffer.from(p256dh, 'base64url')
  if (key.length !== 65 || key[0] !== 4 || Buffer.from(auth, 'base64url').length !== 16) return false
  const ecdh = createECDH(CURVE)
  ecdh.generateKeys()
  try {
    // Not every 65 bytes are a point of the curve.
    ecdh.computeSecret(key)
    return true
  } catch {
    return false
  }
}

/** The body of a push message. `own` and `salt` are fresh ones unless a test vector gives them. Throws RangeError for what is too long. */
export function encryptPush(message: Uint8Array, keys: PushKeys, given: { privateKey: Buffer; salt: Buffer } | null = null): Buffer {
  if (message.length > PUSH_BYTES_MAX) throw new RangeError(`a push message may have ${PUSH_BYTES_MAX} bytes, this one has ${message.length}`)
  const own = createECDH(CURVE)
  if (given === null) own.generateKeys()
  else own.setPrivateKey(given.privateKey)
  const salt = given?.salt ?? randomBytes(SALT_BYTES)
  const browserKey = Buffer.from(keys.p256dh, 'base64url')
  const ownKey = own.getPublicKey()
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), browserKey, ownKey])
  const ikm = hkdf(own.computeSecret(browserKey), Buffer.from(keys.auth, 'base64url'), info, 32)
  const key = hkdf(ikm, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16)
  const nonce = hkdf(ikm, salt, Buffer.from('Content-Encoding: nonce\0'), 12)
  const cipher = createCipheriv('aes-128-gcm', key, nonce)
  // 0x02 ends the last record.
  const sealed = Buffer.concat([cipher.update(message), cipher.update(Buffer.of(2)), cipher.final(), cipher.getAuthTag()])
  const head = Buffer.alloc(SALT_BYTES + 5)
  salt.copy(head)
  head.writeUInt32BE(RECORD_BYTES, SALT_BYTES)
  head[SALT_BYTES + 4] = ownKey.length
  return Buffer.concat([head, ownKey, sealed])
}

function hkdf(key: Uint8Array, salt: Uint8Array, info: Uint8Array, sizeBytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, info, sizeBytes))
}

/** Who sends, to push services: a key pair that must stay, because subscriptions are made for it. */
export class VapidKey {
  readonly #key: KeyObject
  readonly #jwk: JsonWebKey

  constructor(jwk: JsonWebKey) {
    this.#key = createPrivateKey({ key: jwk, format: 'jwk' })
    this.#jwk = jwk
  }

  static generate(): VapidKey {
    return new VapidKey(generateKeyPairSync('ec', { namedCurve: CURVE }).privateKey.export({ format: 'jwk' }))
  }

  /** With the private part. */
  get jwk(): JsonWebKey {
    return this.#jwk
  }

  /** 65 bytes, base64url: what a browser subscribes with. */
  get publicKey(): string {
    const part = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url')
    return Buffer.concat([Buffer.of(4), part(this.#jwk.x), part(this.#jwk.y)]).toString('base64url')
  }

  /** The Authorization header for an endpoint. `subject`: `mailto:` or `https:`, '' for none. */
  authorization(endpoint: URL, subject: string, nowMs: number): string {
    const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { aud: endpoint.origin, exp: Math.floor(nowMs / 1000) + TOKEN_AGE_S, ...(subject !== '' && { sub: subject }) }
    const signed = `${json({ typ: 'JWT', alg: 'ES256' })}.${json(claims)}`
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
    return `vapid t=${signed}.${signature}, k=${this.publicKey}`
  }
}
