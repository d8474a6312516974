// The server's life: starts Monitor, listens to signals, drains.
import path from 'node:path'
import { ConfigError } from '../lib/config/load.ts'
import { RuleFilesError } from '../lib/rules/rule-files.ts'
import { sleep, systemClock } from '../lib/std/clock.ts'
import { explainDisk } from '../lib/std/disk-advice.ts'
import { DiskError } from '../lib/std/fs.ts'
import { LineSink } from '../lib/std/line-sink.ts'
import type { Logger } from '../lib/std/log.ts'
import { FolderError, LogError } from '../storage/errors.ts'
import { AlertConfigError } from './alert-config.ts'
import { ConfigFileError, WebConfigError } from './config-file.ts'
import type { Flags } from './flags.ts'
import { ListenError } from './front-door.ts'
import { ScrapeFilesError } from './scrape-files.ts'
import { Monitor, type Ground } from './serve.ts'
import { VERSION } from './version.ts'

/** After this, and the delay asked for, a drain is cut. */
const DRAIN_MS = 9000
/** For whoever reads the last lines. */
const FLUSH_MS = 1000

/** The end was orderly, but for what the disk refused. */
class UnkeptError extends Error {
  readonly code = 'UNKEPT'
}

/** Serves until a signal ends it; the exit code. Failures that an operator can mend are told, others rise. */
export async function serveUntilSignal(flags: Flags, ground: Ground, logger: Logger): Promise<number> {
  try {
    await serve(flags, ground, logger)
    endWithin(FLUSH_MS, 0)
    return 0
  } catch (error) {
    if (!isForPeople(error)) throw error
    process.stderr.write(`monitor: ${error instanceof DiskError ? explainDisk(error) : error.message}\n`)
    endWithin(FLUSH_MS, 1)
    return 1
  }
}

/** A process lives on while what it has said is not read: it does not wait long for that. */
function endWithin(ms: number, exitCode: number): void {
  systemClock.after(ms, () => process.exit(exitCode), true)
}

async function serve(flags: Flags, ground: Ground, logger: Logger): Promise<void> {
  // From the first moment: a start over a long log takes a while, in which a signal must neither kill nor be lost.
  let reload = (): void => void (isReloadDue = true)
  let isReloadDue = false
  process.on('SIGHUP', () => reload())
  const stopping = new Promise<void>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        beginStop(name, flags.shutdownDelayMs + DRAIN_MS, logger)
        resolve()
      })
    }
  })
  const monitor = await Monitor.start(flags, ground, logger, systemClock)
  new LineSink(process.stdout).write(`Monitor ${VERSION} serves ${monitor.url}, keeps data in ${path.resolve(flags.dataFolder)} (${monitor.retention}), scrapes ${monitor.scraped()}.\n`)
  reload = () => {
    monitor.reload().catch(() => {
      // Logged where it happened; the old configuration stays in force.
    })
  }
  if (isReloadDue) reload()
  await stopping
  if (flags.shutdownDelayMs > 0) {
    monitor.leave()
    await sleep(systemClock, flags.shutdownDelayMs)
  }
  // Parts that have stopped must not begin anew.
  reload = () => {}
  try {
    await monitor.stop()
  } catch (error) {
    if (!(error instanceof LogError || error instanceof DiskError)) throw error
    throw new UnkeptError(`what was scraped last is not on disk (what was acknowledged is): ${error.message}`, { cause: error })
  }
}

/** From a signal on the process ends in time, also where the start, or a part of the drain, hangs. */
function beginStop(signal: string, withinMs: number, logger: Logger): void {
  logger.info('stopping', { signal })
  // A second signal ends the process at once.
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.removeAllListeners(name).once(name, () => process.exit(130))
  systemClock.after(withinMs, () => {
    logger.error('the end took too long and is cut; what was acknowledged is on disk', { seconds: withinMs / 1000 })
    process.exit(1)
  }, true)
}

function isForPeople(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof RuleFilesError || error instanceof ScrapeFilesError || error instanceof AlertConfigError || error instanceof ConfigFileError || error instanceof WebConfigError || error instanceof FolderError || error instanceof DiskError || error instanceof ListenError || error instanceof UnkeptError
}
