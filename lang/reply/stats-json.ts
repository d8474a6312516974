// `stats=true`: where a query's time went and how many samples it touched (prometheus util/stats: QueryStats). Ours: which
// tier answered how many steps of selectors, and the rows it read for them.
import type { Budget } from '../exec/budget.ts'
import type { TierUse } from '../exec/tier-use.ts'

/** Monotonic ms. */
export interface QueryTimings {
  startedMs: number
  preparedMs: number
  evaluatedMs: number
}

/** The JSON value of `stats`; `isByStep`: with samples of each step. */
export function writeStats(timings: QueryTimings, { budget, tierUse }: { budget: Budget; tierUse: TierUse | null }, isByStep: boolean): string {
  const { startedMs, preparedMs, evaluatedMs } = timings
  const evaluation = (evaluatedMs - preparedMs) / 1000
  const preparation = (preparedMs - startedMs) / 1000
  return JSON.stringify({
    timings: {
      evalTotalTime: evaluation, resultSortTime: 0, queryPreparationTime: preparation, innerEvalTime: evaluation,
      execQueueTime: 0, execTotalTime: evaluation + preparation,
    },
    samples: {
      ...(isByStep && { totalQueryableSamplesPerStep: budget.stepSamples?.queryable() }),
      totalQueryableSamples: budget.samplesTotal,
      ...(isByStep && { samplesReadPerStep: budget.stepSamples?.read() }),
      samplesRead: budget.stepSamples?.readTotal,
      peakSamples: budget.samplesPeak,
    },
    memory: { peakBytes: budget.bytesPeak },
    ...(tierUse && { tiers: tierUse.counts() }),
  })
}
