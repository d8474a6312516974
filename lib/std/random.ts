// The only door to randomness: seeded, so that a failing run can be repeated from the seed it printed.
import { randomBytes, randomUUID } from 'node:crypto'

/** xorshift32: fast, small, good enough for jitter and test data; never for secrets. */
export class Random {
  #state: number

  constructor(seed: number) {
    const mixed = Math.imul((seed >>> 0) ^ 0x9e3779b9, 0x85ebca6b) >>> 0
    this.#state = mixed === 0 ? 1 : mixed
  }

  /** Uniform in [0, 2^32). */
  u32(): number {
    let s = this.#state
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    this.#state = s >>> 0
    return this.#state
  }

  /** Uniform in [0, 1). */
  float(): number {
    return this.u32() / 4294967296
  }

  /** Uniform integer in [0, n). */
  int(n: number): number {
    return Math.floor(this.float() * n)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!
  }
}

/** A seed nobody chose. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 4294967296)
}

/** A key that nobody guesses: 64 hex digits. */
export function freshKey(): string {
  return randomBytes(32).toString('hex')
}

/** An id that no other process gives, either (RFC 9562, version 4). */
export function freshUuid(): string {
  return randomUUID()
}

/** The same, in order of their time, Unix ms (version 7): rows that come together lie together where they are kept by id. */
export function freshOrderedUuid(timeMs: number): string {
  const time = timeMs.toString(16).padStart(12, '0')
  // The random half of one of version 4, of which Node makes many at once.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
