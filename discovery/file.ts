// file_sd_configs: targets from files that someone else writes. Folders are watched (a file replaced by rename is
// seen); at the refresh interval they are watched anew, for one may have come or been replaced, and everything is read
// again. A bad file keeps what it said last; a removed one loses it.
import path from 'node:path'
import { readTargetFile } from '../lib/config/target-file.ts'
import type { FileSdConfig } from '../lib/config/scrape-config.ts'
import type { TargetGroup } from '../lib/model/target-group.ts'
import { DiskError, listFolder, readRegularUtf8, watchFolder } from '../lib/std/fs.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Discoverer, Emit } from './discoverer.ts'

/** Writers touch a file several times in a row; wait for them to be done. */
const SETTLE_MS = 100
/** Reading large files pauses this often, and this long, for what else the thread does. */
const SLICE_MS = 10
const PAUSE_MS = 5

export interface FileDiscovererOptions {
  config: FileSdConfig
  clock: Clock
  logger: Logger
  /** Called for each file that could not be read. */
  onError: () => void
}

export class FileDiscoverer implements Discoverer {
  readonly #options: FileDiscovererOptions
  /** Groups that each file gave last, by path. */
  readonly #known = new Map<string, readonly TargetGroup[]>()
  #isReading = false
  #mustRepeat = false

  constructor(options: FileDiscovererOptions) {
    this.#options = options
  }

  run(emit: Emit, signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#options
    return new Promise((resolve) => {
      let settling = clock.after(0, () => {}, true)
      const refresh = (): void => this.#refresh(emit, signal)
      const soon = (): void => {
        settling.cancel()
        settling = clock.after(SETTLE_MS, refresh, true)
      }
      let watchers: { close(): void }[] = []
      let timer = clock.after(0, () => {}, true)
      const again = (): void => {
        for (const watcher of watchers) watcher.close()
        watchers = this.#watch(soon)
        refresh()
        timer = clock.after(config.refreshIntervalMs, again, true)
      }
      again()
      signal.addEventListener('abort', () => {
        settling.cancel()
        timer.cancel()
        for (const watcher of watchers) watcher.close()
        resolve()
      }, { once: true })
    })
  }

  /** Watches the folders, not the files: those may not exist yet, or be replaced. */
  #watch(onChange: () => void): { close(): void }[] {
    const { logger } = this.#options
    const watchers: { close(): void }[] = []
    for (const folder of new Set(this.#options.config.files.map((file) => path.dirname(file)))) {
      const message = 'cannot watch a folder of targets; its files are read at the refresh interval'
      const onError = (error: Error): void => logger.warn(message, { folder, err: error })
      try {
        watchers.push(watchFolder(folder, onChange, onError))
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        onError(error)
      }
    }
    return watchers
  }

  /** Small files are read at once. A refresh that is asked for while one is under way follows it. */
  #refresh(emit: Emit, signal: AbortSignal): void {
    this.#mustRepeat = this.#isReading
    if (this.#isReading) return
    this.#isReading = true
    const { clock } = this.#options
    const work = this.#readAll(emit)
    const step = (): void => {
      const untilMs = clock.monotonic() + SLICE_MS
      while (!signal.aborted) {
        if (work.next().done === true) {
          this.#isReading = false
          if (this.#mustRepeat) this.#refresh(emit, signal)
          return
        }
        if (clock.monotonic() >= untilMs) {
          clock.after(PAUSE_MS, step, true)
          return
        }
      }
    }
    step()
  }

  *#readAll(emit: Emit): Generator<undefined, void> {
    const changed: TargetGroup[] = []
    const files = new Set(this.#options.config.files.flatMap(expandGlob))
    for (const file of files) {
      const groups = yield* this.#read(file)
      if (groups === null) continue
      const before = this.#known.get(file) ?? []
      for (const group of groups) changed.push(group)
      for (const group of before.slice(groups.length)) changed.push(emptied(group))
      this.#known.set(file, groups)
    }
    for (const [file, groups] of this.#known) {
      if (files.has(file)) continue
      for (const group of groups) changed.push(emptied(group))
      this.#known.delete(file)
    }
    emit(changed)
  }

  /** null if the file cannot be understood now: what it said last stays. */
  *#read(file: string): Generator<undefined, readonly TargetGroup[] | null> {
    try {
      return yield* readTargetFile(readRegularUtf8(file), file)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      // Gone since the folder was listed: the next refresh empties it.
      if (error instanceof DiskError && error.code === 'ENOENT') return null
      this.#options.onError()
      this.#options.logger.repeated('error', 'a file of targets is ignored; what it said last stays in force', { file, err: error }, file)
      return null
    }
  }
}

function emptied(group: TargetGroup): TargetGroup {
  return { ...group, targets: [] }
}

/** Files that match; `*` and `?` may stand in the last element of the path. */
function expandGlob(pattern: string): string[] {
  const folder = path.dirname(pattern)
  const name = path.basename(pattern)
  if (!name.includes('*') && !name.includes('?')) return listIfThere(folder).includes(name) ? [pattern] : []
  return listIfThere(folder).filter((file) => matchesGlob(file, name)).map((file) => path.join(folder, file))
}

function listIfThere(folder: string): string[] {
  try {
    return listFolder(folder)
  } catch (error) {
    if (error instanceof DiskError) return []
    throw error
  }
}

/** Greedy wildcard match with one point of return: linear in practice, no regex made of user text. */
function matchesGlob(text: string, pattern: string): boolean {
  let i = 0
  let j = 0
  let star = -1
  let mark = 0
  while (i < text.length) {
    if (pattern[j] === '*') {
      star = j++
      mark = i
    } else if (pattern[j] === '?' || pattern[j] === text[i]) {
      i++
      j++
    } else if (star >= 0) {
      j = star + 1
      i = ++mark
    } else {
      return false
    }
  }
  while (pattern[j] === '*') j++
  return j === pattern.length
}
