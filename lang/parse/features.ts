// The names of PromQL's feature flags (docs/feature_flags.md of Prometheus 3.14), for --enable-feature on the command
// line and `features:` in monitor.yml.
import type { EngineFeatures, ParserFeatures } from './ast.ts'

/** All experimental syntax switched off, as Prometheus starts. */
export const NO_FEATURES: ParserFeatures = { experimentalFunctions: false, extendedRangeSelectors: false, fillModifiers: false }

/** Everything switched off. */
export const NO_ENGINE_FEATURES: EngineFeatures = {
  ...NO_FEATURES,
  delayedNameRemoval: false, typeAndUnitLabels: false, startTimestamps: false, perStepStats: false,
}

/** What each name switches on. */
export const ENGINE_FEATURE_NAMES: ReadonlyMap<string, keyof EngineFeatures> = new Map([
  ['promql-experimental-functions', 'experimentalFunctions'],
  ['promql-delayed-name-removal', 'delayedNameRemoval'],
  ['promql-extended-range-selectors', 'extendedRangeSelectors'],
  ['promql-binop-fill-modifiers', 'fillModifiers'],
  ['type-and-unit-labels', 'typeAndUnitLabels'],
  ['use-start-timestamps', 'startTimestamps'],
  ['promql-per-step-stats', 'perStepStats'],
])

/** The features that `names` switch on; names of other things are left to the caller. */
export function engineFeatures(names: Iterable<string>): EngineFeatures {
  const features = { ...NO_ENGINE_FEATURES }
  for (const name of names) {
    const key = ENGINE_FEATURE_NAMES.get(name)
    if (key !== undefined) features[key] = true
  }
  return features
}
