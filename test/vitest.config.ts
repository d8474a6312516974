// One seed for the whole run, of the commit's tree: what passed here passes elsewhere, and each commit tries other data.
// SEED=n takes another; `npm run prove` takes seeds of its own.
import { execFileSync } from 'node:child_process'
import { defineConfig, type UserWorkspaceConfig } from 'vitest/config'
import { folderInMemory } from './support/folder-in-memory.ts'

function seedOfTree(): number {
  try {
    return Number.parseInt(execFileSync('git', ['rev-parse', 'HEAD^{tree}'], { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).slice(0, 8), 16)
  } catch {
    return 1 // not a checkout
  }
}

const seed = process.env['SEED'] ?? String(seedOfTree())
console.log(`SEED=${seed}`)

const ALL = 'test/**/*.test.ts'
/** Tests that leave nothing behind in their process: files share one, and what it has loaded and compiled. Not those that measure its memory or event loop. */
const SHARED = 'test/{cmd,conformance,differential,discovery,docs,lang,lib,web}/**/!(bundle|event-loop|hostile|node-sh|query-estimate|snappy|start-modules).test.ts'

const config: UserWorkspaceConfig = defineConfig({
  test: {
    // A test that reaches no assertion cannot fail.
    expect: { requireAssertions: true },
    projects: [
      { extends: true, test: { name: 'shared', include: [SHARED], isolate: false } },
      { extends: true, test: { name: 'alone', include: [ALL], exclude: [SHARED] } },
    ],
    pool: 'forks',
    // Node loads the sources as the server does: what Vite would make of them runs slower, and is made for each file anew.
    experimental: { viteModuleRunner: false },
    // One more than the machine of CI has cores: tests of whole servers wait much of their time.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
    env: { SEED: seed, TMPDIR: folderInMemory() },
  },
})

export default config
