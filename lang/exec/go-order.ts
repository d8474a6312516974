// Orders in which Go's sort leaves what its comparison does not order: of NaN each is less than the other to a heap of
// Prometheus, of an empty label none is less. Up to twelve elements Go sorts by insertion, step by step as here; with more
// it shuffles, and what is no order stands anyhow.

const INSERTION_MAX = 12

/** Sorts in place. `isBehind(a, b)`: a, which stands before b, has to change places with it. `orElse` is an order. */
export function sortAsGo(items: number[], isBehind: (a: number, b: number) => boolean, orElse: (a: number, b: number) => number): number[] {
  if (items.length > INSERTION_MAX) return items.sort(orElse)
  for (let i = 1; i < items.length; i++) {
    for (let j = i; j > 0 && isBehind(items[j - 1]!, items[j]!); j--) {
      const kept = items[j]!
      items[j] = items[j - 1]!
      items[j - 1] = kept
    }
  }
  return items
}
