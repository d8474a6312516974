// A fetching thread that dies as it is asked, so often as the file `deaths` of its folder says: of an error that nobody catches, or without
// a word, as one does whose memory is used up.
import fs from 'node:fs'
import path from 'node:path'
import { workerData } from 'node:worker_threads'
import { serveFetches } from '../../storage/object-store/fetch-serve.ts'
import type { FetchSeat } from '../../storage/object-store/fetch-thread.ts'

const seat = workerData as FetchSeat
const file = 'folder' in seat.place ? path.join(seat.place.folder, 'deaths') : ''
const { left, isSilent } = JSON.parse(fs.readFileSync(file, 'utf8')) as { left: number; isSilent: boolean }
if (left > 0) {
  seat.port.once('message', () => {
    fs.writeFileSync(file, JSON.stringify({ left: left - 1, isSilent }))
    if (!isSilent) throw new Error('killed by the test')
    process.removeAllListeners('exit')
    process.exit(1)
  })
}
serveFetches(seat)
