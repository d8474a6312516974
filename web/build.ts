// Builds the browser app: web/ui -> web/dist (git-ignored), each asset also as .br and .gz, so that the server only
// sends files. Fails above the size budget. `--if-missing` does nothing when the build is newer than every source.
//   node web/build.ts [--if-missing]
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Rollup } from 'vite'
import { isInstalled } from '../lib/std/packages.ts'

const root = path.join(import.meta.dirname, 'ui')
const outDir = path.join(import.meta.dirname, 'dist')
/** Written last, so a build that was broken off counts as missing. */
const stamp = path.join(outDir, '.built')
const lockfile = path.join(import.meta.dirname, '..', 'package-lock.json')

/** Largest gzip sizes in bytes (kB of 1000), by what a reader has to fetch for it. */
const BUDGET = { 'first route': 60_000, css: 15_000, chart: 35_000, editor: 150_000, all: 300_000 }
type Part = keyof typeof BUDGET

/** Files smaller than this gain nothing from compression. */
const COMPRESS_MIN_BYTES = 512

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
}

/** Of the versions of all packages. npm writes the file anew where nothing in it changes (`npm prune`). */
function lockSum(): string {
  return createHash('sha256').update(readFileSync(lockfile)).digest('hex')
}

/** True when a whole build is there and nothing it was made from has changed since. */
function isFresh(): boolean {
  const builtMs = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs
  if (builtMs === undefined || readFileSync(stamp, 'utf8') !== lockSum()) return false
  return [...filesBelow(root), import.meta.filename].every((file) => statSync(file).mtimeMs <= builtMs)
}

async function bundle(): Promise<Rollup.RollupOutput> {
  // Not before it is needed: each start asks here whether there is something to build.
  const { build } = await import('vite')
  const built = await build({
    root, base: './', configFile: false, logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    worker: { format: 'es' },
    build: {
      outDir, emptyOutDir: true, target: 'es2023', sourcemap: false, modulePreload: { polyfill: false },
      // Inlined as data: URLs, assets would break the CSP.
      assetsInlineLimit: 0,
    },
  })
  if (Array.isArray(built) || !('output' in built)) throw new Error('cannot build the UI: vite gave no single output')
  return built
}

/** Chunks reached by static imports from a file: what must arrive before it runs. */
function closureOf(output: Rollup.RollupOutput, fileName: string, found: Set<string> = new Set()): Set<string> {
  const chunk = output.output.find((each) => each.fileName === fileName)
  if (chunk?.type !== 'chunk' || found.has(fileName)) return found
  found.add(fileName)
  for (const imported of chunk.imports) closureOf(output, imported, found)
  return found
}

function gzipBytes(file: string): number {
  return gzipSync(readFileSync(path.join(outDir, file)), { level: 9 }).length
}

/** Gzip sizes of the parts. */
function measure(output: Rollup.RollupOutput): Record<Part, number> {
  const chunks = output.output.filter((each) => each.type === 'chunk')
  const entry = chunks.find((chunk) => chunk.isEntry)
  if (!entry) throw new Error('cannot measure the UI: no entry chunk')
  const first = closureOf(output, entry.fileName)
  const lazy = (module: string): string[] => {
    const chunk = chunks.find((each) => each.isDynamicEntry && each.facadeModuleId?.endsWith(module))
    if (!chunk) throw new Error(`cannot measure the UI: no chunk of its own for ${module}`)
    return [...closureOf(output, chunk.fileName)].filter((file) => !first.has(file))
  }
  const sum = (files: Iterable<string>): number => [...files].reduce((total, file) => total + gzipBytes(file), 0)
  const all = filesBelow(outDir).map((file) => path.relative(outDir, file)).filter((file) => /\.(js|css|html|svg)$/.test(file))
  return {
    'first route': sum(first),
    css: sum(all.filter((file) => file.endsWith('.css'))),
    chart: sum(lazy('/query/chart.ts')),
    editor: sum(lazy('/query/editor.ts')),
    all: sum(all),
  }
}

/** Writes `.br` and `.gz` beside every text asset; index.html stays bare, the server fills in its nonce and base. */
function compressAll(): void {
  for (const file of filesBelow(outDir)) {
    if (!/\.(js|css|svg)$/.test(file)) continue
    const bytes = readFileSync(file)
    if (bytes.length < COMPRESS_MIN_BYTES) continue
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
    // Quality 9 is within 3 % of 11 and several times as fast; the first start waits for this.
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }))
  }
}

async function main(isAsked: boolean): Promise<void> {
  if (!isAsked && isFresh()) return
  if (!isAsked && !isInstalled('vite')) {
    const state = existsSync(stamp) ? 'is older than what it is made of, and vite is not installed: its pages are served as they are' : 'is not built, as vite is not installed: there are no pages'
    console.log(`web/dist ${state} until npm ci (without --omit=dev) brings it`)
    return
  }
  const startedMs = performance.now()
  mkdirSync(outDir, { recursive: true })
  rmSync(stamp, { force: true })
  const output = await bundle()
  const sizes = measure(output)
  compressAll()
  const over = (Object.keys(BUDGET) as Part[]).filter((part) => sizes[part] > BUDGET[part])
  const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`
  const report = (Object.keys(BUDGET) as Part[]).map((part) => `${part} ${kilobytes(sizes[part])} of ${kilobytes(BUDGET[part])}`)
  console.log(`web/dist built in ${((performance.now() - startedMs) / 1000).toFixed(1)} s; gzip: ${report.join(', ')}`)
  if (over.length > 0) {
    console.error(`cannot accept the UI: over budget: ${over.join(', ')}`)
    process.exitCode = 1
    return
  }
  writeFileSync(stamp, lockSum())
}

const isAsked = !process.argv.includes('--if-missing')
try {
  await main(isAsked)
} catch (error) {
  // Whoever may start Monitor need not own it.
  if (isAsked || !(error instanceof Error && 'code' in error && ['EACCES', 'EROFS', 'EPERM'].includes(String(error.code)))) throw error
  console.log('web/dist is older than its sources, and this user may not write it: pages stay as they are until the owner runs npm run build')
}
