// Which part of Monitor has stopped, as its heartbeats say (cmd/heartbeat.ts).
import { ask, words } from './ask.ts'

export interface Parts {
  stopped: readonly string[]
  /** Some have stopped and others have not: where none is younger, the clocks may differ. */
  hasSomeLeft: boolean
  /** For people. */
  why: string
}

const ANSWER_MS = 5000
const STOPPED_S = 60

/** `nowMs`: Unix ms. Never rejects. */
export async function askParts(monitorUrl: string, nowMs: number): Promise<Parts> {
  const shown = monitorUrl.replace(/\/\/.*@/, '//')
  let page: string
  try {
    page = await (await ask(`${monitorUrl}/metrics`, ANSWER_MS)).text()
  } catch (error) {
    return { stopped: [], hasSomeLeft: false, why: `${shown} does not answer as it should (${words(error)})` }
  }
  const beats = [...page.matchAll(/^monitor_heartbeat_timestamp_seconds\{component="([a-z]+)"\} (\S+)$/gm)]
  const stopped = beats.filter(([, , at]) => nowMs / 1000 - Number(at) > STOPPED_S).map(([, component]) => component!)
  const hasSomeLeft = stopped.length > 0 && stopped.length < beats.length
  if (beats.length === 0) return { stopped, hasSomeLeft, why: `${shown} answers and shows no heartbeats` }
  if (stopped.length === 0) return { stopped, hasSomeLeft, why: `${shown} answers and all of its parts work; look at the rule Watchdog, its route and its receiver` }
  return { stopped, hasSomeLeft, why: `stopped: ${stopped.join(', ')}` }
}
