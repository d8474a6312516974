// The kinds of jobs on blocks, for counting them and for saying what failed.
import type { BlockJob } from './block-jobs.ts'

/** None of each. */
export const NO_JOBS: Readonly<Record<BlockJob['kind'], number>> = {
  cut: 0, compact: 0, drop: 0, remove: 0, delete: 0, clean: 0, snapshot: 0, expire: 0, tier: 0, 'tier-compact': 0, 'tier-expire': 0, 'tier-drop': 0, hours: 0,
}

/** What each kind does, for the log. */
export const JOB_NAMES: Readonly<Record<BlockJob['kind'], string>> = {
  cut: 'cutting the head', compact: 'compacting', drop: 'dropping old blocks', remove: 'removing old blocks', delete: 'deleting', clean: 'cleaning tombstones',
  snapshot: 'making a snapshot', expire: 'removing samples past their retention', tier: 'making rows of the 1-minute tier', 'tier-compact': 'compacting the 1-minute tier',
  'tier-expire': 'removing rows of the 1-minute tier past their retention', 'tier-drop': 'dropping old rows of the 1-minute tier',
  hours: 'making rows of the 1-hour tier',
}
