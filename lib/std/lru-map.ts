// A map of bounded size that forgets what was not asked for longest.

export class LruMap<V> {
  readonly #sizeMax: number
  /** In order of last use. */
  readonly #entries = new Map<string, V>()

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Returns what had to go for it. */
  set(key: string, value: V): V | undefined {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return this.#entries.size > this.#sizeMax ? this.dropOldest() : undefined
  }

  /** False if it was not there. */
  delete(key: string): boolean {
    return this.#entries.delete(key)
  }

  dropOldest(): V | undefined {
    for (const [key, value] of this.#entries) {
      this.#entries.delete(key)
      return value
    }
    return undefined
  }
}
