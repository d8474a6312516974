// Who takes an alert, or many, and when they page again.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { readerName, store } from '../shell/settings.ts'

const REPAGE_CHOICES: readonly (readonly [value: string, text: string])[] = [['', 'as configured'], ['1h', 'in 1 hour'], ['4h', 'in 4 hours'], ['12h', 'in 12 hours'], ['1d', 'in a day'], ['0', 'never']]

export function AckForm({ onAck }: { onAck: (by: string, repageAfter: string) => void }): JSX.Element {
  const by = useSignal(readerName())
  const repageAfter = useSignal('')
  const submit = (event: Event): void => {
    event.preventDefault()
    store('name', by.peek())
    onAck(by.peek(), repageAfter.peek())
  }
  return (
    <form class="card-form" onSubmit={submit}>
      <label class="field"><span>Your name</span><input data-autofocus value={by.value} maxLength={200} autocomplete="name" onInput={(event) => (by.value = event.currentTarget.value)} /></label>
      <label class="field"><span>Page again</span>
        <select value={repageAfter.value} onChange={(event) => (repageAfter.value = event.currentTarget.value)}>
          {REPAGE_CHOICES.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
      </label>
      <p class="muted">Repeats and escalation stop until it resolves.</p>
      <div class="form-actions"><button type="submit" class="button primary">Acknowledge</button></div>
    </form>
  )
}
