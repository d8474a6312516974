// What the relational store can refuse, for callers to act on.

/** A write is not kept, or a read cannot be answered: the disk is full or fails, or another program has the file. The message names it. */
export class MetaError extends Error {
  readonly code = 'META'
}
