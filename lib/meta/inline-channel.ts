// The file in the calling thread: with --threads=0.
import { closedOutcome, type Channel, type ChannelOptions } from './channel.ts'
import { GroupCommit } from './group-commit.ts'
import type { Call, Outcome } from './request.ts'

export class InlineChannel implements Channel {
  readonly #commit: GroupCommit
  readonly #waiting = new Map<number, (outcome: Outcome) => void>()
  #lastId = 0
  #isClosed = false

  constructor({ folder, clock, logger, metrics }: ChannelOptions) {
    this.#commit = new GroupCommit({ folder, warn: (message) => logger.repeated('error', message, {}) }, clock, {
      onOutcome: (id, outcome) => {
        this.#waiting.get(id)?.(outcome)
        this.#waiting.delete(id)
      },
      onCommit: (report) => metrics.committed(report),
    })
  }

  send(call: Call): Promise<Outcome> {
    if (this.#isClosed) return Promise.resolve(closedOutcome(call))
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#commit.add(id, call)
    })
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#commit.close()
    return Promise.resolve()
  }
}
