// Whether what rows of the log are of is defined, as a start asks it (head/head-replay.ts).
import type { GroupDefinition } from '../log/series-frames.ts'

interface Definition {
  /** Columns up to it were given by this definition or one before. */
  end: number
  salt: number
}

export class KnownGroups {
  readonly #definitions = new Map<number, Definition[]>()
  readonly #generations = new Map<number, number>()

  constructor(groups: readonly GroupDefinition[]) {
    for (const { group, firstColumn, refs, salt, generation } of groups) {
      const known = this.#definitions.get(group) ?? []
      if (refs.length === 0 || (known.at(-1)?.end ?? 0) !== firstColumn) continue
      known.push({ end: firstColumn + refs.length, salt })
      this.#definitions.set(group, known)
      this.#generations.set(group, generation)
    }
  }

  /** undefined where the group is not known. */
  generationOf(group: number): number | undefined {
    return this.#generations.get(group)
  }

  /** `salt`: the low half. */
  hasRow(group: number, endColumn: number, salt: number): boolean {
    const known = this.#definitions.get(group) ?? []
    return endColumn <= (known.at(-1)?.end ?? 0) && known.some((definition) => (definition.salt & 0xffff) === salt)
  }
}
