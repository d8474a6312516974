// What the store can refuse, for callers to act on.

/** The disk refused what the log must write, or the head's memory is used up; nothing since the last commit is promised. Senders should retry. */
export class LogError extends Error {
  readonly code = 'LOG'
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
