// What a tool is given, and how it says that something did not work out.
import { once } from 'node:events'
import type { Clock } from '../../lib/std/clock.ts'

export interface ToolIo {
  out(text: string): void
  err(text: string): void
  /** Resolves when whoever reads the output has taken enough of it: who has much to say waits for that. */
  drain?(): Promise<void>
  clock: Clock
}

/** What a tool was asked for did not work out; the message is for people. */
export class ToolFailure extends Error {
  readonly code = 'TOOL_FAILURE'
  readonly exitCode: 1 | 3

  /** Without a message all has been said. Exit code 1 but for lints. */
  constructor(message: string, { exitCode = 1, ...options }: ErrorOptions & { exitCode?: 1 | 3 } = {}) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** The streams of the process. Whoever reads may have seen enough (`| head`): the tool then ends, and lets go of what it holds. */
export function standardIo(clock: Clock): ToolIo & { failure(): Promise<string> } {
  const { stdout, stderr } = process
  let failed: Error | null = null
  let isGone = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    isGone = true
    if (error.code !== 'EPIPE') failed = error
  })
  return {
    out(text) {
      if (isGone || stdout.destroyed) throw new ToolFailure('')
      stdout.write(text)
    },
    err: (text) => void stderr.write(text),
    async drain() {
      // Why it will not come is met by the next write.
      if (stdout.writableNeedDrain && !isGone) await once(stdout, 'drain').catch(() => undefined)
    },
    clock,
    /** Resolves once all is written: why some of it was not, '' where it was or nobody wants it. */
    async failure() {
      await new Promise((resolve) => stdout.write('', resolve))
      return failed === null ? '' : `cannot write the output: ${failed.message}\n`
    },
  }
}
