// From when on the log of a Prometheus folder has samples that no block has.
//
// Blocks of late samples lie beside the log, not before it, and say so (BlockMeta.isPartial). But Prometheus 3.5 forgets that when
// it makes one of two such; started again, it takes the result for a block that the log was cut into, and passes over hours of
// the log. Which of both a block is that was made of others, the log itself tells: what came in order is in the one, and not in the other.
import type { Labels } from '../../lib/model/labels.ts'
import { makeSamples } from '../import/series-samples.ts'
import { PrometheusBlock, type BlockMeta } from './block.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { readLogs } from './data-folder.ts'

/** Samples of the log that are looked for in a block. */
const PROBES_MAX = 1000

/** Times of samples to look for, by their series' labels. */
type Probes = Map<string, Set<number>>

/** Unix ms up to which blocks hold all that came in order, -Infinity without any. Those that cannot be read hold nothing. */
export async function wholeUntil(folder: string, blocks: readonly BlockMeta[]): Promise<number> {
  const whole = blocks.filter(({ isPartial }) => !isPartial)
  const surely = endOf(whole.filter(({ level }) => level === 1))
  const doubtful = whole.filter(({ level, maxt }) => level > 1 && maxt > surely)
  if (doubtful.length === 0) return surely
  const probes = await probesOf(folder, doubtful)
  return Math.max(surely, endOf(doubtful.filter((block) => isWhole(block, probes.get(block)!))))
}

function endOf(blocks: readonly BlockMeta[]): number {
  return blocks.reduce((end, { maxt }) => Math.max(end, maxt), -Infinity)
}

/** Samples that came in order, of each block's time. */
async function probesOf(folder: string, blocks: readonly BlockMeta[]): Promise<Map<BlockMeta, Probes>> {
  const probes = new Map(blocks.map((block) => [block, { count: 0, times: new Map<string, Set<number>>() }]))
  const keys: string[] = []
  await readLogs(folder, {
    series: (id, labels) => (keys[id] = keyOf(labels)),
    sample: (id, t, _v, _histogram, isLate) => {
      if (isLate) return
      for (const [{ mint, maxt }, found] of probes) {
        if (t < mint || t >= maxt || found.count === PROBES_MAX) continue
        found.count++
        const times = found.times.get(keys[id]!)
        if (times) times.add(t)
        else found.times.set(keys[id]!, new Set([t]))
      }
    },
    endOfRecord: () => undefined, brokenRecord: () => {}, onDamage: () => {},
  })
  return new Map(Array.from(probes, ([block, { times }]) => [block, times]))
}

/** Of late samples a few have the time of one that came in order: those that were sent twice. */
function isWhole({ folder }: BlockMeta, probes: Probes): boolean {
  const wanted = probes.values().reduce((sum, { size }) => sum + size, 0)
  let found = 0
  try {
    const block = new PrometheusBlock(folder, () => {})
    const samples = makeSamples()
    for (const ref of block.refs()) {
      const times = probes.get(keyOf(block.labelsOf(ref)))
      if (times === undefined) continue
      block.readStored(ref, samples)
      for (let i = 0; i < samples.count; i++) if (times.has(samples.t[i]!)) found++
    }
  } catch (error) {
    if (!(error instanceof PrometheusFormatError)) throw error
    return false
  }
  return found * 2 >= wanted
}

function keyOf(labels: Labels): string {
  return JSON.stringify(labels)
}
