// Which integration of a configuration has the target of an entry of the log of notifications: names count integrations of a
// receiver, and mean others when its list changes. An entry stays its receiver's: one that is taken back into the configuration finds it.
import type { NotificationEntry } from '../../meta/interface.ts'
import { nameAside } from '../../meta/told-journal.ts'
import type { Teller } from '../overlay.ts'

interface Home {
  name: string
  receiver: string
}

export class TargetHomes {
  readonly #targets = new Map<string, string>()
  /** By target. */
  readonly #homes = new Map<string, Home[]>()

  /** `integrations`: of each receiver, by its name. */
  constructor(integrations: ReadonlyMap<string, readonly Teller[]>) {
    for (const [receiver, own] of integrations) {
      for (const { name, target } of own) {
        this.#targets.set(name, target)
        const homes = this.#homes.get(target)
        if (homes === undefined) this.#homes.set(target, [{ name, receiver }])
        else homes.push({ name, receiver })
      }
    }
  }

  /** Name under which the entry is to stand. */
  nameFor({ receiver: name, target }: Pick<NotificationEntry, 'receiver' | 'target'>): string {
    // An entry of an earlier version is the name's.
    if (target === '' || this.#targets.get(name) === target) return name
    const home = this.#homes.get(target)?.find(({ receiver }) => name.startsWith(`${receiver}/`))
    if (home !== undefined) return home.name
    return this.#targets.has(name) ? nameAside({ receiver: name, target }) : name
  }
}
