// What a start loads: modules cost it half a millisecond each, and one import too many has cost it a fifth of a second.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')

/** Files, packages and modules of Node that are loaded with `entry`, by what first asks for them; dynamic imports left out. */
function loadedWith(entry: string): Map<string, string> {
  const found = new Map([[entry, 'the start']])
  for (const file of found.keys()) {
    if (!file.endsWith('.ts')) continue
    const text = readFileSync(path.join(root, file), 'utf8')
    for (const [, what, spec] of text.matchAll(/^(?:import|export) (type )?(?:[^'"]*? from )?'([^']+)'/gm)) {
      if (what !== undefined || spec === undefined) continue
      const name = spec.startsWith('.') ? path.join(path.dirname(file), spec) : spec
      if (!found.has(name)) found.set(name, file)
    }
  }
  return found
}

describe('what a start loads', () => {
  /** Its library's WebSocket comes with any import of node:http: see lib/std/http-status.ts. */
  const unwanted = ['undici', 'snappy', 'bcryptjs', 'node:http', 'node:https', 'storage/block-jobs.ts', 'storage/object-store/s3-store.ts', 'lang/engine.ts']

  const f = (entry: string, mayLoad: string, must: string): void => {
    const loaded = loadedWith(entry)
    expect(loaded.has(must)).toBe(true)
    expect(unwanted.filter((name) => loaded.has(name) && name !== mayLoad).map((name) => `${name} by ${loaded.get(name)}`)).toEqual([])
  }

  it('is on the main thread nothing that waits for its first use', () => f('cmd/serve-until-signal.ts', '', 'storage/database.ts'))
  it('is in a query thread what evaluates', () => f('cmd/query-worker.ts', 'lang/engine.ts', 'storage/store-querier.ts'))
  it('is in a thread of jobs only the place of jobs at first', () => f('cmd/maintenance-worker.ts', '', 'storage/job-runner.ts'))
})
