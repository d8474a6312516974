// What an engine is given, wherever it runs: in query workers, for rules, for tests of rules.
import os from 'node:os'
import type { EngineOptions } from '../lang/engine.ts'
import { engineFeatures } from '../lang/parse/features.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import { memoryBytes, thisMachine, type MachineMemory } from '../lib/std/machine-memory.ts'
import type { Flags } from './flags.ts'
import { QUERY_SLOTS } from './runners.ts'

/** Structured-cloned to threads. */
export type EngineSettings = Partial<Omit<EngineOptions, 'clock'>>

/** All queries that run at once may take so much of memory together. */
const MEMORY_SHARE = 1 / 4
/** What a dashboard needs, but not more than a small container bears beside the rest. */
const BYTES_MIN = 256 * 2 ** 20
const MIN_SHARE = 1 / 8
const BYTES_MAX = 4 * 2 ** 30

/** The engine's options by flags and configuration. */
export function engineSettings(flags: Flags, config: Config): EngineSettings {
  return {
    features: engineFeatures([...flags.features, ...config.features]),
    samplesMax: flags.querySamplesMax,
    bytesMax: flags.queryBytesMax > 0 ? flags.queryBytesMax : queryBytesMax(flags, thisMachine()),
    subqueryStepMs: config.global.evaluationIntervalMs,
  }
}

/** Threads that evaluate queries: each has a reader slot of its own. */
export function queryThreads(flags: Flags): number {
  return Math.min(flags.threads ?? Math.max(2, os.availableParallelism()), QUERY_SLOTS)
}

/** What a query may hold by default. */
export function queryBytesMax(flags: Flags, machine: MachineMemory): number {
  const atOnce = Math.max(1, Math.min(queryThreads(flags), flags.queriesMax))
  const bytes = memoryBytes(machine)
  return Math.floor(Math.min(Math.max((bytes * MEMORY_SHARE) / atOnce, Math.min(BYTES_MIN, bytes * MIN_SHARE)), BYTES_MAX))
}
