// What passes between the main thread and the rules' own. Rows to be written go to main, which owns the store; their
// verdicts come back before the next rule asks. Answers travel by transfer.
import type { SentAlert } from '../model/alert.ts'
import type { BaselineAnswer, BaselineAsk } from './baseline/awaited-past.ts'
import type { WrittenRow } from './group.ts'
import type { RuleSettings } from './manager.ts'
import type { PendingPart } from './pending-notes.ts'
import type { RuleRequest } from './rule-list.ts'
import type { GroupReport } from './rule-metrics.ts'

/** Main to worker. */
export type ToRules =
  | { kind: 'apply'; settings: RuleSettings }
  /** Answered at once where no rule is being evaluated. */
  | { kind: 'ping' }
  | { kind: 'ask'; id: number; request: RuleRequest }
  /** `error`: why nothing was written, '' where all was judged. */
  | { kind: 'written'; id: number; verdicts: Uint8Array; error: string }
  | { kind: 'baseline'; answer: BaselineAnswer }
  /** The alerts, or pending ones, that were sent: more may be. */
  | { kind: 'taken' }

/** Worker to main. */
export type FromRules =
  | { kind: 'write'; id: number; timeMs: number; rows: readonly WrittenRow[] }
  | { kind: 'answer'; id: number; status: number; body: Uint8Array }
  /** Of all groups there are; told when a configuration is applied. */
  | { kind: 'applied'; reports: readonly GroupReport[] }
  | { kind: 'evaluated'; report: GroupReport }
  | { kind: 'expanded'; isGood: boolean }
  | { kind: 'pong' }
  | { kind: 'baseline'; ask: BaselineAsk }
  /** `hasMore`: others of the same evaluation follow once these are taken. */
  | { kind: 'alerts'; alerts: readonly SentAlert[]; hasMore: boolean }
  /** Only while no alerts wait. */
  | { kind: 'pending' } & PendingPart
