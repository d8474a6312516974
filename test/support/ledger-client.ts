// Sends samples by remote write and notes, synced to its own file, each request that was answered 2xx. Runs as a
// process of its own, so that it outlives the server it watches being killed.
//
//   node ledger-client.ts URL LEDGER_FILE SERIES_PREFIX
//
// Each request: 20 series at one time, value = request number, and a native histogram of so many observations. A line per
// acknowledged request: "request time".
import fs from 'node:fs'
import { EMPTY_HISTOGRAM, denseBuckets } from '../../lib/model/histogram.ts'
import { field, label, writeBody } from './remote-write-body.ts'
import { histogramField } from './remote-write-histogram.ts'

const [url = '', ledgerPath = '', prefix = ''] = process.argv.slice(2)
export const LEDGER_SERIES = 20

function body(value: number, t: number): Uint8Array {
  return writeBody(Array.from({ length: LEDGER_SERIES }, (_, i) => ({
    labels: [['__name__', 'ledger'], ['client', prefix], ['i', String(i)]], samples: [[value, t]],
  })), field(1, label('__name__', 'ledger_native'), label('client', prefix), histogramField(
    { ...EMPTY_HISTOGRAM, count: value, sum: value / 3, positive: denseBuckets(value % 7, [value]) }, t,
  )))
}

async function main(): Promise<void> {
  const ledger = fs.openSync(ledgerPath, 'a')
  let t = Date.now()
  for (let request = 1; ; request++) {
    t = Math.max(t + 1, Date.now())
    try {
      const reply = await fetch(url, {
        method: 'POST', body: new Uint8Array(body(request, t)),
        headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' },
      })
      await reply.arrayBuffer()
      if (reply.status !== 204) continue
      fs.writeSync(ledger, `${request} ${t}\n`)
      fs.fdatasyncSync(ledger)
    } catch {
      // The server is down: that is what this client is for. It goes on until it is ended.
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

if (import.meta.main) await main()
