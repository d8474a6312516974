// Which target wrote a series last, by ref: 4 bytes per series. A target that is removed marks only series that are
// still its own: those of a target that came back under another name have gone on, and the store, which takes late
// samples in, would not refuse the markers.

export class SeriesOwners {
  #owners = new Uint32Array(1024)

  claim(ref: number, ownerId: number): void {
    if (ref >= this.#owners.length) {
      const grown = new Uint32Array(Math.max(ref + 1, this.#owners.length * 2))
      grown.set(this.#owners)
      this.#owners = grown
    }
    this.#owners[ref] = ownerId
  }

  owns(ownerId: number, ref: number): boolean {
    return this.#owners[ref] === ownerId
  }
}
