// What the store can refuse, for callers to act on.

/**
 * Why no samples are taken: the disk has no more free space than is to be kept, refuses writes or does not keep up, or the
 * head's memory is used up.
 */
export const REFUSAL_REASONS = ['disk_reserve', 'disk_error', 'disk_busy', 'memory'] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** Samples cannot be taken or made durable now; nothing since the last commit is promised. Senders should retry. */
export class LogError extends Error {
  readonly code = 'LOG'
  readonly reason: RefusalReason

  constructor(message: string, reason: RefusalReason, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** The limit of active series is reached; the series was not made, others are unharmed. */
export class SeriesLimitError extends Error {
  readonly code = 'SERIES_LIMIT'
}

/** The data folder cannot be used, or there is no memory to serve it from. */
export class FolderError extends Error {
  readonly code = 'FOLDER'
}

/** A block, or a part of one, cannot be read; other blocks are unharmed. */
export class BlockError extends Error {
  readonly code = 'BLOCK'
}

/** Blocks cannot become one as some of what they are made of is damaged; nothing has changed. */
export class MergeError extends BlockError {
  /** Folders of the damaged ones; none where it is not known which they are. */
  readonly damaged: readonly string[]

  constructor(message: string, damaged: readonly string[], options?: ErrorOptions) {
    super(message, options)
    this.damaged = damaged
  }
}
