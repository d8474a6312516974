import { describe, expect, it } from 'vitest'
import { bcryptFault, checkPassword } from '../../../lib/std/bcrypt.ts'
import { runThrough } from '../../../lib/std/steps.ts'

/** Made by libxcrypt (Perl's crypt), but for the first two, of OpenBSD's and Go's own tests. */
const VECTORS: readonly (readonly [password: string, hash: string])[] = [
  ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['allmine', '$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga'],
  ['secret', '$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'],
  ['', '$2y$04$ABCDEFGHIJKLMNOPQRSTUu8j1U7juAKgrFqRuEfOyY5KZo6M4DNqm'],
  ['päss wörd 🔑', '$2b$06$./0123456789zyxwvutsrOFjrMo/IjkxktI.Y2iTkIjYkxaHHC.lS'],
  ['a'.repeat(80), '$2b$04$zzzzzzzzzzzzzzzzzzzzzeTnZIHKRYFA5JneBuWg2RQP.4Mp0RYfW'],
  ['hunter2', '$2y$10$N9qo8uLOickgx2ZMRZoMyerQKEVFj1vJdjpgp6AGhdEpgLcn6nAea'],
]

describe('bcrypt', () => {
  it('knows the password of a hash, and no other', () => {
    for (const [password, hash] of VECTORS) {
      expect(runThrough(checkPassword(password, hash)), hash).toBe(true)
      expect(runThrough(checkPassword(`x${password}`, hash)), hash).toBe(false)
      expect(runThrough(checkPassword(password, `${hash.slice(0, -1)}${hash.endsWith('a') ? 'e' : 'a'}`)), hash).toBe(false)
    }
  })

  it('reads 72 bytes of a password, as all others', () => {
    const [, hash] = VECTORS.find(([password]) => password.length === 80)!
    expect(runThrough(checkPassword('a'.repeat(72), hash))).toBe(true)
    expect(runThrough(checkPassword('a'.repeat(71), hash))).toBe(false)
  })

  it('refuses what is no hash, and takes no password for it', () => {
    const f = (hash: string, fault: RegExp): void => {
      expect(bcryptFault(hash)).toMatch(fault)
      expect(runThrough(checkPassword('secret', hash))).toBe(false)
    }
    const [, good] = VECTORS[2]!
    f('', /want the bcrypt hash/)
    f('secret', /want the bcrypt hash/)
    f(good.slice(0, 58), /want the bcrypt hash/)
    f(good.replace('$2b', '$1'), /want the bcrypt hash/)
    f(good.replace('$05$', '$03$'), /want a cost of 4 to 31, got 3/)
    f(good.replace('$05$', '$32$'), /want a cost of 4 to 31, got 32/)
    // As Go: long enough is all that is looked at before a password comes.
    f(good.slice(0, 59), /^$/)
    f(good.replace('$05$', '$05$=').slice(0, 60), /^$/)
  })
})
