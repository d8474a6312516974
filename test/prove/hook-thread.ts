// A webhook in a thread of its own, as a receiver has a process of its own: it answers at once, whatever the proof is doing, and
// tells the proof which alerts it was told of.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort } from 'node:worker_threads'

const server = http.createServer((request, response) => {
  let body = ''
  request.on('data', (piece: Buffer) => (body += piece.toString()))
  request.on('end', () => {
    response.end()
    const { alerts } = JSON.parse(body) as { alerts: { labels: { alertname: string } }[] }
    parentPort!.postMessage(alerts.map(({ labels }) => labels.alertname))
  })
})
server.listen(0, '127.0.0.1', () => parentPort!.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`))
