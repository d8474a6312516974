// The service worker of web push: shows what the server sends, and opens what it is about on a click. Addresses in messages are
// relative: the browser goes to the Monitor that it subscribed at, under the name it has for it.
self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('push', (event) => {
  const { title, body, status, tag, url, ack } = read(event.data)
  event.waitUntil(self.registration.showNotification(title ?? 'Monitor', {
    body: body ?? '', tag: tag ?? '', renotify: Boolean(tag), requireInteraction: status === 'firing', icon: './icon.svg', data: { url, ack },
    actions: ack === undefined ? [] : [{ action: 'ack', title: 'Acknowledge' }],
  }))
})

self.addEventListener('notificationclick', (event) => {
  const { url, ack } = event.notification.data ?? {}
  event.notification.close()
  event.waitUntil(open(new URL((event.action === 'ack' && ack) || url || 'alerts', self.registration.scope).href))
})

/** A message that is none of ours is shown all the same: browsers take the subscription from those who show nothing. */
function read(data) {
  try {
    return data?.json() ?? {}
  } catch {
    return { body: data.text() }
  }
}

/** In the alerts page that is open, if there is one. */
async function open(href) {
  const pages = await self.clients.matchAll({ type: 'window' })
  const page = pages.find(({ url }) => new URL(url).pathname === new URL('alerts', self.registration.scope).pathname)
  const shown = await page?.navigate(href).catch(() => undefined)
  await (shown ? shown.focus() : self.clients.openWindow(href))
}
