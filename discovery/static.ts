// static_configs: targets as the configuration names them.
import type { TargetGroup } from '../lib/model/target-group.ts'
import type { Discoverer, Emit } from './discoverer.ts'

export class StaticDiscoverer implements Discoverer {
  readonly #groups: readonly TargetGroup[]

  constructor(groups: readonly TargetGroup[]) {
    this.#groups = groups
  }

  run(emit: Emit): Promise<void> {
    emit(this.#groups)
    return Promise.resolve()
  }
}
