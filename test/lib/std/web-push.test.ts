import { createECDH, createPublicKey, verify } from 'node:crypto'
import { expect, it } from 'vitest'
import { arePushKeys, encryptPush, PUSH_BYTES_MAX, VapidKey } from '../../../lib/std/web-push.ts'
import { decryptPush } from '../../support/push-browser.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url')

it('encrypts as the example of RFC 8291 says (appendix A)', () => {
  const body = encryptPush(Buffer.from('When I grow up, I want to be a watermelon'), {
    p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  }, { privateKey: bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'), salt: bytes('DGv6ra1nlYgDCS1FRnbzlw') })
  expect(body.toString('base64url')).toBe(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  )
})

it('is read by the browser it is for, each time under other keys', () => {
  const browser = createECDH('prime256v1')
  browser.generateKeys()
  const auth = Buffer.alloc(16, 7)
  const keys = { p256dh: browser.getPublicKey().toString('base64url'), auth: auth.toString('base64url') }
  const [first, second] = [encryptPush(Buffer.from('é'.repeat(10)), keys), encryptPush(Buffer.from('é'.repeat(10)), keys)]
  expect(decryptPush(first, browser, auth)).toBe('é'.repeat(10))
  expect(first.equals(second)).toBe(false)
  expect(encryptPush(Buffer.alloc(PUSH_BYTES_MAX), keys)).toHaveLength(4096)
  expect(() => encryptPush(Buffer.alloc(PUSH_BYTES_MAX + 1), keys)).toThrow('a push message may have 3993 bytes, this one has 3994')
})

it('signs who sends, for the push service\'s origin', () => {
  const key = VapidKey.generate()
  const header = key.authorization(new URL('https://push.example:8443/abc'), 'mailto:a@example.com', 1_700_000_000_000)
  const [, token, publicKey] = /^vapid t=([^,]+), k=(.+)$/.exec(header)!
  expect(publicKey).toBe(key.publicKey)
  const [head, claims, signature] = token!.split('.') as [string, string, string]
  expect(JSON.parse(bytes(head).toString())).toEqual({ typ: 'JWT', alg: 'ES256' })
  expect(JSON.parse(bytes(claims).toString())).toEqual({ aud: 'https://push.example:8443', exp: 1_700_000_000 + 43_200, sub: 'mailto:a@example.com' })
  const point = bytes(publicKey!)
  const verifier = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') }, format: 'jwk' })
  expect(verify('sha256', Buffer.from(`${head}.${claims}`), { key: verifier, dsaEncoding: 'ieee-p1363' }, bytes(signature))).toBe(true)
  expect(new VapidKey(key.jwk).publicKey).toBe(key.publicKey)
})

it('knows keys that no browser gives', () => {
  const good = { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' }
  expect(arePushKeys(good)).toBe(true)
  expect(arePushKeys({ ...good, auth: 'AA' })).toBe(false)
  expect(arePushKeys({ ...good, p256dh: Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]).toString('base64url') })).toBe(false)
})
