// How readers are told which series the head has forgotten: in place of its group a series has a mark with the epoch in
// which it was forgotten. A reader sees those that were forgotten when it opened, and no later ones: for each reader a
// series either has a place in the head, or is one that only blocks know.

/** Group ids lie below. */
const FORGOTTEN = 0xf0000000
const EPOCH_MAX = 0x0fffffff

/** What stands in place of the group of a series forgotten in an epoch (0: before this process began). */
export function forgottenIn(epoch: number): number {
  return FORGOTTEN + Math.min(epoch, EPOCH_MAX)
}

/** True if a series with this in place of its group has been forgotten, whenever that was. */
export function isForgotten(group: number): boolean {
  return group >= FORGOTTEN
}

/** True if it had been when `epoch` began. */
export function wasForgotten(group: number, epoch: number): boolean {
  return group >= FORGOTTEN && group - FORGOTTEN <= epoch
}
