// The dead man's switch: `monitor deadman`, a process of its own that pages when Monitor has been silent. It hears the alert
// Watchdog, which always fires, through the whole pipe (rule, route, receiver), and stands on nothing of Monitor's: this folder, Node's
// own modules and the mail library. Whatever stops Monitor must not stop this.
//
//   Monitor ──Watchdog, each minute──▶ POST / ──▶ last heard ──3 min of silence──▶ mail, webhook (again each half hour)
//                                             └──▶ GET heartbeat URL, so that an outside service notices when this stops, too
import { setTimeout as sleep } from 'node:timers/promises'
import { words } from './ask.ts'
import { Deadman } from './deadman.ts'
import { HELP, readFlags } from './flags.ts'

const TICK_MS = 5000

/** Runs until a signal; the exit code. */
export async function runDeadman(argv: readonly string[]): Promise<number> {
  try {
    const options = readFlags(argv)
    if (options === 'help') {
      process.stdout.write(HELP)
      return 0
    }
    const deadman = new Deadman(options)
    options.log(`listening on port ${await deadman.start()}`)
    const stop = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort())
    while (await sleep(TICK_MS, true, { signal: stop.signal }).catch(() => false)) await deadman.look()
    await deadman.stop()
    return 0
  } catch (error) {
    process.stderr.write(`monitor deadman: ${words(error)}\nSee monitor deadman --help.\n`)
    return 2
  }
}
