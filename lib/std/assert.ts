// Assertions stay on in production: a wrong number in a store is worse than a stop.

/** An impossible state: our own bug, never the user's. */
class AssertionError extends Error {
  readonly code = 'BUG'
}

/** Throws AssertionError with `what` (numbers included) unless `claim` holds. */
export function assert(claim: boolean, what: string): asserts claim {
  if (!claim) throw new AssertionError(`BUG: ${what}`)
}
