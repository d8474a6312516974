// Which target wrote a series last, by ref: 4 bytes per series. A target that is removed marks only series that are
// still its own: those of a target that came back under another name have gone on, and the store, which takes late
// samples in, would not refuse the markers.
import { SparseU32 } from '../std/sparse-u32.ts'

export class SeriesOwners {
  readonly #owners = new SparseU32()

  claim(ref: number, ownerId: number): void {
    this.#owners.set(ref, ownerId)
  }

  owns(ownerId: number, ref: number): boolean {
    return this.#owners.get(ref) === ownerId
  }

  /** Lets go of what the store has forgotten, by the page. */
  forget(isLive: (ref: number) => boolean): void {
    this.#owners.drop(isLive)
  }
}
