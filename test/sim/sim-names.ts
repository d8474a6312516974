// Names of the simulated disk. Operations on a folder's names reach the device in their order; a power cut keeps any
// number of those that no fsync of the folder has covered, folder by folder. A name and its file's data are apart: a
// synced file may lose its name, a name may lead to an empty file.
import type { Random } from '../../lib/std/random.ts'
import { SimFile, type Survival } from './sim-file.ts'

export class SimFolder {
  readonly kind = 'folder'
  readonly live: Map<string, SimNode> = new Map<string, SimNode>()
  readonly durable: Map<string, SimNode> = new Map<string, SimNode>()
}
export type SimNode = SimFile | SimFolder

interface Change {
  folder: SimFolder
  name: string
  /** null: the name goes. */
  node: SimNode | null
}

export class SimNames {
  readonly root: SimFolder
  /** Operations that are not on the device yet; the changes of one are one. */
  #journal: Change[][] = []

  constructor(root: SimFolder = new SimFolder()) {
    this.root = root
  }

  find(path: string): SimNode | null {
    let node: SimNode | undefined = this.root
    for (const name of path.split('/')) {
      if (name === '') continue
      if (node.kind === 'file') return null
      node = node.live.get(name)
      if (!node) return null
    }
    return node
  }

  /** How many names a file has. */
  namesOf(file: SimFile, folder: SimFolder = this.root): number {
    let count = 0
    for (const node of folder.live.values()) count += node === file ? 1 : node.kind === 'folder' ? this.namesOf(file, node) : 0
    return count
  }

  /** The folder that holds a path's last name, and that name; null if there is no such folder. */
  parentOf(path: string): { folder: SimFolder; name: string } | null {
    const cut = path.lastIndexOf('/')
    const folder = this.find(path.slice(0, cut))
    return folder?.kind === 'folder' ? { folder, name: path.slice(cut + 1) } : null
  }

  change(changes: Change[]): void {
    for (const change of changes) apply(change.folder.live, change)
    this.#journal.push(changes)
  }

  /** What was done to the folder's names is on the device, and whatever of other folders it hangs on. */
  synced(folder: SimFolder): void {
    const folders = new Set([folder])
    const rest: Change[][] = []
    const done: Change[][] = []
    for (const changes of this.#journal.toReversed()) {
      if (!changes.some((change) => folders.has(change.folder))) {
        rest.push(changes)
        continue
      }
      for (const change of changes) folders.add(change.folder)
      done.push(changes)
    }
    for (const changes of done.toReversed()) for (const change of changes) apply(change.folder.durable, change)
    this.#journal = rest.toReversed()
  }

  /** What a power cut leaves, as a tree of its own. */
  afterPowerCut(random: Random, survival: Survival): SimNames {
    const lost = new Set<SimFolder>()
    const oddsOfLoss = survival === 'nothing' ? 1 : survival === 'all' ? 0 : random.float()
    for (const changes of this.#journal) {
      if (random.float() < oddsOfLoss) for (const change of changes) lost.add(change.folder)
      // What follows on a lost operation is lost, too.
      if (changes.some((change) => lost.has(change.folder))) for (const change of changes) lost.add(change.folder)
      else for (const change of changes) apply(change.folder.durable, change)
    }
    return new SimNames(survivor(this.root, random, survival) as SimFolder)
  }
}

function apply(names: Map<string, SimNode>, { name, node }: Change): void {
  if (node === null) names.delete(name)
  else names.set(name, node)
}

function survivor(node: SimNode, random: Random, survival: Survival): SimNode {
  if (node.kind === 'file') return node.afterPowerCut(random, survival)
  const out = new SimFolder()
  for (const [name, child] of node.durable) {
    const kept = survivor(child, random, survival)
    out.live.set(name, kept)
    out.durable.set(name, kept)
  }
  return out
}
