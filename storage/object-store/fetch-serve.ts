// The fetching thread's side of fetch-thread.ts, apart from it: threads that ask need not load what talks to a bucket.
import { systemClock } from '../../lib/std/clock.ts'
import { freshSeed, Random } from '../../lib/std/random.ts'
import { PULSE_MS, SIGN_ENDED, SIGN_NEWS, SIGN_PULSE, type FetchAnswer, type Fetched, type FetchRequest, type FetchSeat, type ObjectRange } from './fetch-thread.ts'
import { openStore } from './open-store.ts'

const CONNECTIONS = 32
const ATTEMPTS = 2
const FIRST_WAIT_MS = 100
/** People wait for what is fetched: a server that is silent for so long twice is left out of the answer. */
const HEADERS_MS = 5000

/** Serves until its thread is ended. */
export function serveFetches({ place, port, signs }: FetchSeat): void {
  const shown = new Int32Array(signs)
  showLife(shown)
  const store = openStore(place, { attempts: ATTEMPTS, firstWaitMs: FIRST_WAIT_MS, connections: CONNECTIONS, headersMs: HEADERS_MS }, systemClock, new Random(freshSeed()))
  const one = async ({ key, offset, bytes }: ObjectRange): Promise<Fetched> => {
    try {
      return await store.get(key, offset, bytes)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  port.on('message', ({ id, ranges }: FetchRequest) => {
    void Promise.all(ranges.map(one)).then((fetched) => {
      port.postMessage({ id, fetched } satisfies FetchAnswer, fetched.flatMap(memoryOf))
      wake(shown)
    })
  })
}

/** Who asks may sleep, and would wait for a thread that has ended. */
function showLife(shown: Int32Array<SharedArrayBuffer>): void {
  const beat = (): void => {
    Atomics.add(shown, SIGN_PULSE, 1)
    systemClock.after(PULSE_MS / 2, beat, true)
  }
  beat()
  process.once('exit', () => {
    Atomics.store(shown, SIGN_ENDED, 1)
    wake(shown)
  })
}

function wake(shown: Int32Array<SharedArrayBuffer>): void {
  Atomics.add(shown, SIGN_NEWS, 1)
  Atomics.notify(shown, SIGN_NEWS)
}

/** Memory that is a range's alone goes to who asked, and need not be copied. */
function memoryOf(bytes: Fetched): ArrayBuffer[] {
  return typeof bytes !== 'string' && bytes.buffer instanceof ArrayBuffer && bytes.byteLength > 0 && bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : []
}
