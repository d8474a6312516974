// The service worker of web push: shows what the server sends, and opens the alerts page on a click.
self.addEventListener('push', (event) => {
  const { title, body, status, tag, url } = event.data?.json() ?? {}
  event.waitUntil(self.registration.showNotification(title ?? 'Monitor', {
    body: body ?? '', tag: tag ?? '', data: { url: url ?? './alerts' }, renotify: tag !== undefined, requireInteraction: status === 'firing', icon: './icon.svg',
  }))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(self.clients.openWindow(event.notification.data.url))
})
