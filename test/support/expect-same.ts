// expect for what is compared by the hundred thousand.
import { expect } from 'vitest'

/** As `expect(got, what).toBe(want)`, which takes 5 µs: of hundreds of thousands, most of a test's time. */
export function expectSame(got: unknown, want: unknown, what: string): void {
  if (!Object.is(got, want)) expect(got, what).toBe(want)
}
