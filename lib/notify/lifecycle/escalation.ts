// Escalation: ordered steps, each with its delay from when Monitor learnt that the alert fires, until someone acknowledges.
import type { EscalationPolicy } from '../../config/alertmanager-config.ts'
import type { AlertRecord } from '../../meta/interface.ts'

export interface DueStep {
  receiver: string
  /** Unix ms. */
  dueMs: number
}

/** What is to be told next, null where nothing is: no policy, all steps begun, acknowledged or over. */
export function nextStep({ status, escalationFromMs, escalationStep }: AlertRecord, policy: EscalationPolicy | undefined): DueStep | null {
  const step = status === 'open' ? policy?.steps[escalationStep] : undefined
  return step === undefined ? null : { receiver: step.receiver, dueMs: escalationFromMs + step.afterMs }
}
