// The switch that has this browser told of alerts also when no page is open (Web Push). Not shown where the browser has no
// such thing, which is so for pages that come neither by https nor from this machine.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, fetchApi } from '../api/fetch-api.ts'
import { readerName } from '../shell/settings.ts'
import { Icon } from '../widgets/icons.tsx'
import { sendJson } from './alert-api.ts'

const WORKER = './push-worker.js'
const SUBSCRIPTIONS = 'api/alerts/push/subscriptions'

export function PushSwitch(): JSX.Element | null {
  const isOn = useSignal<boolean | null>(null)
  const problem = useSignal('')
  const isPossible = 'serviceWorker' in navigator && 'PushManager' in window
  useEffect(() => {
    if (!isPossible) return
    void navigator.serviceWorker.getRegistration().then((registration) => registration?.pushManager.getSubscription()).then((subscription) => (isOn.value = subscription != null))
  }, [])
  if (!isPossible || isOn.value === null) return null
  const toggle = (): void => {
    problem.value = ''
    const change = isOn.peek() === true ? switchOff() : switchOn()
    change.then((now) => (isOn.value = now), (error: unknown) => (problem.value = error instanceof ApiError || error instanceof DOMException ? error.message : 'this browser cannot be subscribed'))
  }
  return (
    <>
      <button type="button" class="button" role="switch" aria-checked={isOn.value} title="Have this browser told of alerts, also while no page is open" onClick={toggle}><Icon name="bell" />{isOn.value ? 'Browser is told' : 'Tell this browser'}</button>
      {problem.value && <span class="form-problem" role="alert">{problem}</span>}
    </>
  )
}

async function switchOn(): Promise<boolean> {
  if (await Notification.requestPermission() !== 'granted') throw new ApiError('refused', 'this browser does not allow notifications of this site')
  const registration = await navigator.serviceWorker.register(new URL(WORKER, document.baseURI))
  await navigator.serviceWorker.ready
  const { data: { public_key: key } } = await fetchApi<{ public_key: string }>(document.baseURI, { path: 'api/alerts/push/key', method: 'GET', params: [] }, null)
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
  await sendJson('POST', SUBSCRIPTIONS, { subscription: subscription.toJSON(), user: readerName() })
  return true
}

async function switchOff(): Promise<boolean> {
  const subscription = await (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription()
  if (subscription != null) {
    await subscription.unsubscribe()
    await sendJson('DELETE', SUBSCRIPTIONS, { endpoint: subscription.endpoint })
  }
  return false
}
