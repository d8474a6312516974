// Web push of this browser: whether it can be, whether it is, on and off. The server knows each browser by the address of its push
// service.
import { ApiError, fetchApi } from '../api/fetch-api.ts'
import { readerName } from '../shell/settings.ts'
import { sendJson } from './alert-api.ts'

const WORKER = './push-worker.js'
const SUBSCRIPTIONS = 'api/alerts/push/subscriptions'

export type PushState = { kind: 'on' | 'off' } | { kind: 'cannot'; why: string }

const BLOCKED = 'Notifications of this site are blocked. Allow them in what the browser keeps for the site (beside the address), then load the page again.'

/** Also mends what the server or the browser has lost since. */
export async function readPushState(): Promise<PushState> {
  if (!window.isSecureContext) return { kind: 'cannot', why: 'Browsers take push messages on pages that come by https, or from their own machine. This page does not.' }
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) {
    return { kind: 'cannot', why: 'This browser has no web push. On an iPhone or iPad add the page to the home screen, and open it there.' }
  }
  if (Notification.permission === 'denied') return { kind: 'cannot', why: BLOCKED }
  const subscription = await currentSubscription()
  if (subscription === null) return { kind: 'off' }
  const key = await serverKey()
  if (keyText(subscription) !== key) {
    // Made for a server that is no more, such as one whose data folder is new: nobody can send to it.
    await subscription.unsubscribe()
    return { kind: 'off' }
  }
  await tellServer(subscription)
  return { kind: 'on' }
}

export async function switchPushOn(): Promise<PushState> {
  if (await Notification.requestPermission() !== 'granted') return { kind: 'cannot', why: BLOCKED }
  const registration = await navigator.serviceWorker.register(new URL(WORKER, document.baseURI))
  await navigator.serviceWorker.ready
  const key = await serverKey()
  let subscription: PushSubscription
  try {
    subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    throw new ApiError('refused', `this browser's push service does not subscribe it: ${error.message}`, { cause: error })
  }
  try {
    await tellServer(subscription)
  } catch (error) {
    // Else it would seem to be on.
    await subscription.unsubscribe()
    throw error
  }
  return { kind: 'on' }
}

export async function switchPushOff(): Promise<PushState> {
  const subscription = await currentSubscription()
  if (subscription === null) return { kind: 'off' }
  await subscription.unsubscribe()
  try {
    await sendJson('DELETE', SUBSCRIPTIONS, { endpoint: subscription.endpoint })
  } catch (error) {
    // Its push service tells the server with the next message.
    if (!(error instanceof ApiError)) throw error
  }
  return { kind: 'off' }
}

async function currentSubscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration(new URL('./', document.baseURI))
  return await registration?.pushManager.getSubscription() ?? null
}

async function serverKey(): Promise<string> {
  return (await fetchApi<{ public_key: string }>(document.baseURI, { path: 'api/alerts/push/key', method: 'GET', params: [] }, null)).data.public_key
}

/** Base64url, as the server writes it. */
function keyText({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0))
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

async function tellServer(subscription: PushSubscription): Promise<void> {
  await sendJson('POST', SUBSCRIPTIONS, { subscription: subscription.toJSON(), user: readerName() })
}
