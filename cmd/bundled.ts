// The server's modules as few files (bundle.ts): which ones, and whether they say what the sources say.
//
//   cmd/dist/current.json   which folder, the size and time of each source that it was made of, and the packages
//   cmd/dist/ID/*.js        entries and their chunks
//
// A start over some 500 source files takes twice as long. A server that runs loads from its folder for as long as it
// lives, so a new bundle is a new folder.
import fs from 'node:fs'
import path from 'node:path'

export const DIST: string = path.join(import.meta.dirname, 'dist')
const ROOT = path.resolve(import.meta.dirname, '..')
const CURRENT = 'current.json'

/** What a file was: its path below the root, size, and time of change in ms. */
export type Input = readonly [file: string, sizeBytes: number, changedMs: number]

/** By its place, `node_modules/NAME`, what npm says of a package: it gives all files of packages one time. */
export type Packages = Readonly<Record<string, string>>

export interface Current {
  id: string
  inputs: readonly Input[]
  /** npm's list of what is installed, as it was. */
  installed: Input | null
  /** Those that went into the bundle. */
  packages: Packages
}

const INSTALLED = 'node_modules/.package-lock.json'

/** npm's list. Where that is as it was, so is all that is installed. */
export function installedList(root: string = ROOT): Input | null {
  return inputOf(INSTALLED, root)
}

/** Version and checksum of each package that is installed; empty where npm's list cannot be read. */
export function installedPackages(root: string = ROOT): Packages {
  try {
    const { packages } = JSON.parse(fs.readFileSync(path.join(root, INSTALLED), 'utf8')) as { packages: Record<string, { version?: string; integrity?: string }> }
    return Object.fromEntries(Object.entries(packages).map(([place, { version = '', integrity = '' }]) => [place, `${version} ${integrity}`]))
  } catch {
    // Not installed by npm, or broken off.
    return {}
  }
}

/** As a file is now; null if it is not there. */
export function inputOf(file: string, root: string = ROOT): Input | null {
  const found = fs.statSync(`${root}/${file}`, { throwIfNoEntry: false })
  return found === undefined ? null : [file, found.size, found.mtimeMs]
}

/** The folder to load from; null if there is none, or a source is not what it was when that was made. */
export function freshBundle(dist: string = DIST, root: string = ROOT): string | null {
  let current: Current
  try {
    current = JSON.parse(fs.readFileSync(path.join(dist, CURRENT), 'utf8')) as Current
  } catch {
    // Not made, or broken off: the sources serve.
    return null
  }
  for (const [file, sizeBytes, changedMs] of current.inputs) {
    const now = inputOf(file, root)
    if (now === null || now[1] !== sizeBytes || now[2] !== changedMs) return null
  }
  if (!hasPackages(current, root)) return null
  const folder = path.join(dist, current.id)
  return isReadable(path.join(folder, 'run.js')) ? folder : null
}

/** Packages that went into the bundle are installed as they were; others (`npm prune --omit=dev`) may have come or gone. */
function hasPackages({ installed, packages }: Current, root: string): boolean {
  const now = installedList(root)
  if (installed !== null && now !== null && now[1] === installed[1] && now[2] === installed[2]) return true
  const found = installedPackages(root)
  return Object.entries(packages).every(([place, what]) => found[place] === what)
}

/** It may be gone, or its maker's alone. */
function isReadable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** From now on starts load from the folder `current.id`. Those before it stay for servers that run. */
export function publishBundle(current: Current, dist: string = DIST): void {
  const aside = path.join(dist, `${CURRENT}.${process.pid}`)
  fs.writeFileSync(aside, JSON.stringify(current))
  fs.renameSync(aside, path.join(dist, CURRENT))
}
