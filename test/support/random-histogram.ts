// Native histograms at random, of every kind the store must keep bit by bit.
import {
  CUSTOM_SCHEMA, HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, NO_BUCKETS, NO_CUSTOM_VALUES,
  type Buckets, type FloatHistogram,
} from '../../lib/model/histogram.ts'
import type { Random } from '../../lib/std/random.ts'

const ODD_FLOATS = [0, -0, NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 0.1, 2 ** 53, -3.5]

function anyFloat(random: Random): number {
  return random.int(3) === 0 ? random.pick(ODD_FLOATS) : random.float() * 10 ** (random.int(20) - 10)
}

/** A count as the kind has it, never 0. */
function anyCount(random: Random, isInteger: boolean): number {
  if (isInteger) return random.int(8) === 0 ? 2 ** 53 - 1 - random.int(1000) : 1 + random.int(100_000)
  const x = anyFloat(random)
  return x === 0 ? 0.25 : x
}

function anyBuckets(random: Random, most: number, isInteger: boolean): Buckets {
  const indexes = new Set<number>()
  const hasEmpty = random.int(2) === 0
  let index = random.int(8) === 0 ? -(2 ** 31) + random.int(10) : random.int(200) - 100
  for (let n = random.int(most); n > 0; n--) indexes.add(index += 1 + (random.int(4) === 0 ? random.int(1000) : 0))
  if (random.int(8) === 0) indexes.add(2 ** 31 - 1)
  if (indexes.size === 0) return NO_BUCKETS
  return { index: Int32Array.from(indexes), count: Float64Array.from(indexes, () => (hasEmpty && random.int(3) === 0 ? 0 : anyCount(random, isInteger))) }
}

export function randomHistogram(random: Random, mostBuckets = 40): FloatHistogram {
  const isInteger = random.int(2) === 0
  const isCustom = random.int(4) === 0
  const total = (): number => (random.int(8) === 0 ? 0 : anyCount(random, isInteger))
  const customValues = new Float64Array(1 + random.int(mostBuckets))
  for (let i = 0; i < customValues.length; i++) customValues[i] = (i === 0 ? -1 : customValues[i - 1]!) + random.pick([0.005, 0.25, 1, 1 / 3])
  return {
    schema: isCustom ? CUSTOM_SCHEMA : random.int(13) - 4,
    zeroThreshold: isCustom ? 0 : random.pick([0, 2 ** -128, 1e-6, 0.1]),
    zeroCount: isCustom ? 0 : total(), count: total(), sum: anyFloat(random),
    hint: random.pick([HINT_UNKNOWN, HINT_RESET, HINT_NOT_RESET, HINT_GAUGE]),
    positive: anyBuckets(random, mostBuckets, isInteger),
    negative: isCustom || random.int(2) === 0 ? NO_BUCKETS : anyBuckets(random, mostBuckets, isInteger),
    customValues: isCustom ? customValues : NO_CUSTOM_VALUES,
  }
}

/** What a series' next sample may look like: the same layout with more in it, mostly. */
export function nextHistogram(random: Random, h: FloatHistogram): FloatHistogram {
  if (random.int(16) === 0) return randomHistogram(random)
  const grow = ({ index, count }: Buckets): Buckets => {
    const grown = { index: Array.from(index), count: Array.from(count, (x) => (random.int(3) === 0 && x < 1e15 ? x + 1 + random.int(9) : x)) }
    if (index.length > 0 && random.int(4) === 0) {
      grown.index.push(grown.index.at(-1)! + 1 + random.int(3))
      grown.count.push(1)
    }
    if (index.length > 1 && random.int(4) === 0) {
      grown.index.shift()
      grown.count.shift()
    }
    return grown.index.at(-1)! > 2 ** 31 - 1 ? { index, count } : { index: Int32Array.from(grown.index), count: Float64Array.from(grown.count) }
  }
  return {
    ...h, count: h.count + random.int(5), sum: h.sum + random.float(), hint: random.int(8) === 0 ? HINT_RESET : h.hint,
    positive: h.positive.index.length === 0 ? NO_BUCKETS : grow(h.positive), negative: h.negative.index.length === 0 ? NO_BUCKETS : grow(h.negative),
  }
}
