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

/** The JSON value of `stats`. */
export function writeStats(timings: QueryTimings, budget: Budget, tierUse: TierUse | null): string {
  const { startedMs, preparedMs, evaluatedMs } = timings
  const evaluation = (evaluatedMs - preparedMs) / 1000
  const preparation = (preparedMs - startedMs) / 1000
  return JSON.stringify({
    timings: {
      evalTotalTime: evaluation, resultSortTime: 0, queryPreparationTime: preparation, innerEvalTime: evaluation,
      execQueueTime: 0, execTotalTime: evaluation + preparation,
    },
    samples: { ...(budget.stepSamples && { totalQueryableSamplesPerStep: budget.stepSamples.list() }), totalQueryableSamples: budget.samplesTotal, peakSamples: budget.samplesPeak },
    ...(tierUse && { tiers: tierUse.counts() }),
  })
}
