// Acknowledging many alerts at once: those that are chosen in the list, or all that the search and the address leave.
import { useSignal, type Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { ApiError } from '../api/fetch-api.ts'
import { countOf, formatCount } from '../query/number-format.ts'
import { Popover } from '../widgets/popover.tsx'
import { AckForm } from './ack-form.tsx'
import { acknowledgeMany, type BulkChoice, type BulkOutcome } from './alert-api.ts'
import { isWhole, type AlertScope } from './alert-scope.ts'

interface BulkBarProps {
  chosen: Signal<ReadonlySet<string>>
  /** Ids of the alerts that are listed. */
  listed: readonly string[]
  /** How many pass, listed or not. */
  passCount: number
  /** When these were all, RFC 3339. */
  asOf: string
  search: string
  scope: AlertScope
  onChange: () => void
}

export function BulkBar({ chosen, listed, passCount, asOf, search, scope, onChange }: BulkBarProps): JSX.Element {
  const outcome = useSignal('')
  const isProblem = useSignal(false)
  const tell = (text: string, isBad: boolean): void => {
    outcome.value = text
    isProblem.value = isBad
  }
  const send = (choice: BulkChoice, by: string, repageAfter: string): void => {
    acknowledgeMany({ by, ...(repageAfter !== '' && { repage_after: repageAfter }), ...choice }).then((answer) => {
      tell(outcomeText(answer), answer.refused.length > 0)
      chosen.value = new Set()
      onChange()
    }, (error: unknown) => {
      if (!(error instanceof ApiError)) throw error
      tell(error.message, true)
      onChange()
    })
  }
  // Some may have left the list meanwhile.
  const ids = listed.filter((id) => chosen.value.has(id))
  const isNarrowed = search.trim() !== '' || !isWhole(scope)
  return (
    <div class="bulk">
      <label class="choice"><input type="checkbox" checked={ids.length > 0 && ids.length === listed.length} ref={(box) => { if (box) box.indeterminate = ids.length > 0 && ids.length < listed.length }} onChange={() => (chosen.value = new Set(ids.length === listed.length ? [] : listed))} /><span>{ids.length === 0 ? 'Choose all shown' : `${formatCount(ids.length)} chosen`}</span></label>
      {ids.length > 0 && <AckMany face={`Acknowledge ${formatCount(ids.length)}`} onAck={(by, repageAfter) => send({ ids }, by, repageAfter)} />}
      {ids.length === 0 && isNarrowed && passCount > 1 && <AckMany face={`Acknowledge all ${formatCount(passCount)} that pass`} onAck={(by, repageAfter) => send({ search, filter: scope.filters, receiver: scope.receiver, to: asOf }, by, repageAfter)} />}
      <span role="status" class={isProblem.value ? 'form-problem' : 'muted'}>{outcome}</span>
    </div>
  )
}

function AckMany({ face, onAck }: { face: string; onAck: (by: string, repageAfter: string) => void }): JSX.Element {
  return <Popover class="button primary" face={face} align="start">{(close) => <AckForm onAck={(by, repageAfter) => (close(), onAck(by, repageAfter))} />}</Popover>
}

function outcomeText({ acknowledged, refused }: BulkOutcome): string {
  const done = `${countOf(acknowledged, 'alert')} acknowledged`
  if (refused.length === 0) return done
  const reasons = [...new Set(refused.map(({ error }) => error))]
  return `${done}, ${formatCount(refused.length)} not: ${reasons.slice(0, 3).join('; ')}`
}
