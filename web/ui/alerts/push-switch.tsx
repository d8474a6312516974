// The switch that has this browser told of alerts also when no page is open (Web Push), and why it cannot be where it cannot.
import { useSignal, useSignalEffect, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError } from '../api/fetch-api.ts'
import { readerName, store } from '../shell/settings.ts'
import { Icon } from '../widgets/icons.tsx'
import { Popover } from '../widgets/popover.tsx'
import { readPushState, switchPushOff, switchPushOn, type PushState } from './push.ts'

/** Push services answer within a second or two. */
const SLOW_MS = 3000
/** Where the browser cannot reach its maker's servers it may try for minutes, and never say so. */
const SLOW_WHY = "This browser's push service has not answered yet. It is its maker's, on the internet (fcm.googleapis.com, push.services.mozilla.com, push.apple.com): "
  + 'see whether this machine, and the one Monitor is on, may reach it.'

export function PushSwitch(): JSX.Element {
  const state = useSignal<PushState | null>(null)
  const problem = useSignal('')
  const isBusy = useSignal(false)
  const take = (change: Promise<PushState>): void => {
    problem.value = ''
    isBusy.value = true
    change.then((now) => (state.value = now), (error: unknown) => {
      if (!(error instanceof ApiError) && !(error instanceof DOMException)) throw error
      problem.value = error.message
    }).finally(() => (isBusy.value = false))
  }
  useEffect(() => take(readPushState()), [])
  const isOn = state.value?.kind === 'on'
  return (
    <Popover class={`button push-switch ${isOn ? 'is-on' : ''}`} align="end" face={<><Icon name="bell" />{isOn ? 'Browser is told' : 'Tell this browser'}</>}>
      {() => <PushCard state={state} problem={problem} isBusy={isBusy} take={take} />}
    </Popover>
  )
}

interface PushCardProps {
  state: Signal<PushState | null>
  problem: Signal<string>
  isBusy: Signal<boolean>
  take: (change: Promise<PushState>) => void
}

function PushCard({ state, problem, isBusy, take }: PushCardProps): JSX.Element {
  const name = useSignal(readerName())
  const isSlow = useSignal(false)
  useSignalEffect(() => {
    isSlow.value = false
    if (!isBusy.value) return undefined
    const timer = setTimeout(() => (isSlow.value = true), SLOW_MS)
    return () => clearTimeout(timer)
  })
  const submit = (event: Event): void => {
    event.preventDefault()
    store('name', name.peek())
    take(switchPushOn())
  }
  const now = state.value
  return (
    <form class="card-form" onSubmit={submit}>
      {isBusy.value && <p role="status">{isSlow.value ? SLOW_WHY : 'Asking the browser…'}</p>}
      {now?.kind === 'cannot' && <p role="status">{now.why}</p>}
      {now?.kind === 'off' && (
        <>
          <p>Receivers with <code>webpush_configs</code>, and rules with <code>push:</code>, then tell this browser, also while no page is open.</p>
          <label class="field"><span>Your name</span><input data-autofocus value={name.value} maxLength={200} autocomplete="name" placeholder="for push:NAME" onInput={(event) => (name.value = event.currentTarget.value)} /></label>
          <div class="form-actions"><button type="submit" class="button primary" disabled={isBusy.value}>Tell this browser</button></div>
        </>
      )}
      {now?.kind === 'on' && (
        <>
          <p role="status">{readerName() === '' ? 'This browser is told what goes to all.' : `This browser is told what goes to all, or to ${readerName()}.`}</p>
          <div class="form-actions"><button type="button" class="button" disabled={isBusy.value} onClick={() => take(switchPushOff())}>Stop telling it</button></div>
        </>
      )}
      {problem.value && <p class="form-problem" role="alert">{problem}</p>}
    </form>
  )
}
