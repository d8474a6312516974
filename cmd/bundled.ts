// The server's modules as few files (bundle.ts): which ones, and whether they say what the sources say.
//
//   cmd/dist/current.json   which folder, and the size and time of each file that it was made of
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

export interface Current {
  id: string
  inputs: readonly Input[]
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
  const folder = path.join(dist, current.id)
  return isReadable(path.join(folder, 'run.js')) ? folder : null
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
