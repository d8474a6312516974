// bcrypt: whether a password is the one of a hash, as htpasswd -B and Go's golang.org/x/crypto/bcrypt make them. Slow on purpose:
// 2^cost times the tables of Blowfish are made anew of password and salt, in turns.
//
//   $2y$10$ 22 characters of salt | 31 characters of hash
//
// Source: Provos & Mazières, "A Future-Adaptable Password Scheme" (1999). What cannot be read takes no password.
import { timingSafeEqual } from 'node:crypto'
import type { Steps } from './steps.ts'

const DIGITS = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const HASH = /^\$2[a-z]?\$(\d\d)\$(.{22})(.*)$/s
const LENGTH_MIN = 59
const COST_MIN = 4
const COST_MAX = 31
const SALT_BYTES = 16
const HASH_BYTES = 23
const TEXT = 'OrpheanBeholderScryDoubt'
const TEXT_ROUNDS = 64
const SUBKEYS = 18
/** Four boxes of 256 words. */
const BOXES = 1024
/** Setups between two glances at the clock: some 2 ms. */
const SLICE_ROUNDS = 32

/** What is wrong with a hash; '' for nothing. */
export function bcryptFault(hash: string): string {
  const cost = Number(HASH.exec(hash)?.[1] ?? NaN)
  if (hash.length < LENGTH_MIN || Number.isNaN(cost)) return 'want the bcrypt hash of a password, which begins with $2 and has 60 characters; htpasswd -nB USER makes one'
  return cost < COST_MIN || cost > COST_MAX ? `want a cost of ${COST_MIN} to ${COST_MAX}, got ${cost}` : ''
}

/** Whether `password` is that of `hash`. */
export function* checkPassword(password: string, hash: string): Steps<boolean> {
  const [, cost, saltText, expected] = HASH.exec(hash) ?? []
  const salt = saltText === undefined ? null : saltOf(saltText)
  if (salt === null || bcryptFault(hash) !== '') return false
  const state = yield* setUp(words(Buffer.from(`${password}\0`), SUBKEYS), words(salt, 4), 2 ** Number(cost))
  const bytes = Buffer.alloc(TEXT.length)
  const block = new Int32Array(2)
  for (let at = 0; at < TEXT.length; at += 8) {
    block[0] = Buffer.from(TEXT).readInt32BE(at)
    block[1] = Buffer.from(TEXT).readInt32BE(at + 4)
    for (let i = 0; i < TEXT_ROUNDS; i++) encipher(state, block)
    bytes.writeInt32BE(block[0], at)
    bytes.writeInt32BE(block[1], at + 4)
  }
  const [made, wanted] = [Buffer.from(encode(bytes.subarray(0, HASH_BYTES))), Buffer.from(expected!)]
  return made.length === wanted.length && timingSafeEqual(made, wanted)
}

interface Tables {
  subkeys: Int32Array
  boxes: Int32Array
}

/** EksBlowfishSetup. */
function* setUp(key: Int32Array, salt: Int32Array, rounds: number): Steps<Tables> {
  const { subkeys, boxes } = (initial ??= piTables())
  const state = { subkeys: subkeys.slice(), boxes: boxes.slice() }
  const nothing = new Int32Array(4)
  const saltAsKey = Int32Array.from({ length: SUBKEYS }, (_, i) => salt[i % 4]!)
  expand(state, key, salt)
  for (let i = 0; i < rounds; i++) {
    expand(state, key, nothing)
    expand(state, saltAsKey, nothing)
    if (i % SLICE_ROUNDS === 0) yield
  }
  return state
}

/** ExpandKey: the key goes into the subkeys, and what the salt is enciphered to takes the place of all tables. */
function expand(state: Tables, key: Int32Array, salt: Int32Array): void {
  const { subkeys, boxes } = state
  for (let i = 0; i < SUBKEYS; i++) subkeys[i]! ^= key[i]!
  const block = new Int32Array(2)
  for (let i = 0; i < SUBKEYS + BOXES; i += 2) {
    block[0]! ^= salt[i & 3]!
    block[1]! ^= salt[(i + 1) & 3]!
    encipher(state, block)
    const [table, at] = i < SUBKEYS ? [subkeys, i] : [boxes, i - SUBKEYS]
    table[at] = block[0]!
    table[at + 1] = block[1]!
  }
}

/** One block of Blowfish, in place. */
function encipher({ subkeys, boxes }: Tables, block: Int32Array): void {
  let left = block[0]! ^ subkeys[0]!
  let right = block[1]!
  for (let i = 1; i < SUBKEYS - 1; i += 2) {
    right ^= (((boxes[left >>> 24]! + boxes[256 + ((left >>> 16) & 255)]!) ^ boxes[512 + ((left >>> 8) & 255)]!) + boxes[768 + (left & 255)]!) ^ subkeys[i]!
    left ^= (((boxes[right >>> 24]! + boxes[256 + ((right >>> 16) & 255)]!) ^ boxes[512 + ((right >>> 8) & 255)]!) + boxes[768 + (right & 255)]!) ^ subkeys[i + 1]!
  }
  block[0] = right ^ subkeys[SUBKEYS - 1]!
  block[1] = left
}

/** Big-endian words of the bytes, which begin anew where they end. */
function words(bytes: Uint8Array, count: number): Int32Array {
  const out = new Int32Array(count)
  for (let i = 0; i < count * 4; i++) out[i >> 2] = (out[i >> 2]! << 8) | bytes[i % bytes.length]!
  return out
}

/** null for what is no salt. */
function saltOf(text: string): Uint8Array | null {
  const out = new Uint8Array(SALT_BYTES)
  let bits = 0
  for (let i = 0, byte = 0, filled = 0; i < text.length; i++) {
    const digit = DIGITS.indexOf(text[i]!)
    if (digit < 0) return null
    bits = ((bits << 6) | digit) & 0xffff
    filled += 6
    if (filled < 8) continue
    filled -= 8
    if (byte < SALT_BYTES) out[byte++] = bits >> filled
  }
  return out
}

function encode(bytes: Uint8Array): string {
  let out = ''
  for (let bit = 0; bit < bytes.length * 8; bit += 6) {
    const pair = (bytes[bit >> 3]! << 8) | (bytes[(bit >> 3) + 1] ?? 0)
    out += DIGITS[(pair >> (10 - (bit & 7))) & 63]
  }
  return out
}

let initial: Tables | null = null

/** The tables begin as the digits of pi behind its point: computed (Machin's formula, some 20 ms) rather than listed. */
function piTables(): Tables {
  const wordCount = SUBKEYS + BOXES
  const spareBits = 64
  const one = 1n << BigInt(wordCount * 32 + spareBits)
  const arctanOfInverse = (n: bigint): bigint => {
    let sum = 0n
    for (let power = one / n, k = 1n, sign = 1n; power > 0n; power /= n * n, k += 2n, sign = -sign) sum += (sign * power) / k
    return sum
  }
  const fraction = ((16n * arctanOfInverse(5n) - 4n * arctanOfInverse(239n)) % one) >> BigInt(spareBits)
  const bytes = Buffer.from(fraction.toString(16).padStart(wordCount * 8, '0'), 'hex')
  const all = words(bytes, wordCount)
  return { subkeys: all.slice(0, SUBKEYS), boxes: all.slice(SUBKEYS) }
}
