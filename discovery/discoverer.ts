// The seam of discovery: something that finds targets and says so each time they change.
import type { TargetGroup } from '../lib/model/target-group.ts'

/** Hands over groups that are new or changed. A group without targets takes away what its source gave before. */
export type Emit = (groups: readonly TargetGroup[]) => void

export interface Discoverer {
  /** Runs until the signal aborts, then resolves. What it cannot find now it keeps as it was last. */
  run(emit: Emit, signal: AbortSignal): Promise<void>
}
