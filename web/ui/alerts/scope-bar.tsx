// What the alerts shown are limited to beside the search; each limit can be dropped.
import type { JSX } from 'preact'
import { isWhole, type AlertScope } from './alert-scope.ts'

export function ScopeBar({ scope, onChange }: { scope: AlertScope; onChange: (scope: AlertScope) => void }): JSX.Element | null {
  const { receiver, filters } = scope
  if (isWhole(scope)) return null
  return (
    <p class="scope" aria-label="Alerts are limited to">
      {receiver !== '' && <Limit text={`receiver ${receiver}`} onDrop={() => onChange({ receiver: '', filters })} />}
      {filters.map((text) => <Limit key={text} text={text} onDrop={() => onChange({ receiver, filters: filters.filter((one) => one !== text) })} />)}
    </p>
  )
}

function Limit({ text, onDrop }: { text: string; onDrop: () => void }): JSX.Element {
  return <span class="scope-limit"><bdi>{text}</bdi><button type="button" aria-label={`No longer only ${text}`} onClick={onDrop}>×</button></span>
}
