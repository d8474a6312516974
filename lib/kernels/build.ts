// Compiles assembly/*.ts to dist/HASH.wasm, HASH being that of the sources: what other sources made is never loaded for them.
// Nothing depends on it but speed; takes two seconds. cmd/bundle.ts calls it.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { DIST, builtFile } from './module.ts'

/** Files kept, the newest included: servers that were started before a build may load theirs yet. */
const KEPT = 4
/** The module's memory, of 64 KiB each, at first and where it has known series, too: memory.ts says what is where. */
const PAGES = 352
const PAGES_MAX = 9568
const TIMEOUT_MS = 120_000

/** Builds what is missing, or all anew where asked: then it throws where it cannot. */
export function buildKernels(isAsked: boolean): void {
  const file = builtFile()
  if (!isAsked && fs.existsSync(file)) return
  const compiler = compilerFile()
  if (compiler === null) {
    console.log('lib/kernels/dist is not built, as assemblyscript is not installed; the hot loops stay TypeScript')
    return
  }
  fs.mkdirSync(DIST, { recursive: true })
  const aside = `${file}.${process.pid}`
  const run = spawnSync(process.execPath, [
    compiler, path.join(import.meta.dirname, 'assembly/index.ts'), '-o', aside, '--runtime', 'stub', '-O3', '--noAssert', '--enable', 'simd',
    '--memoryBase', '1024', '--initialMemory', String(PAGES), '--maximumMemory', String(PAGES_MAX),
  ], { encoding: 'utf8', timeout: TIMEOUT_MS })
  if (run.status !== 0) {
    const why = `cannot compile lib/kernels/assembly: ${run.error?.message ?? `${run.stdout}${run.stderr}`.trim()}`
    if (isAsked) throw new Error(why)
    // An install or a start goes on: its user may not be the one who may write here, or mend it.
    console.log(`${why}\nthe hot loops stay TypeScript until npm run build succeeds`)
    return
  }
  fs.renameSync(aside, file)
  removeOld(file)
  console.log(`lib/kernels/dist built: ${fs.statSync(file).size} bytes`)
}

function compilerFile(): string | null {
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin/asc.js')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error
    return null
  }
}

function removeOld(newest: string): void {
  const others = fs.readdirSync(DIST).map((name) => path.join(DIST, name)).filter((file) => file !== newest)
  const byAge = others.map((file) => ({ file, madeMs: fs.statSync(file).mtimeMs })).toSorted((a, b) => b.madeMs - a.madeMs)
  for (const { file } of byAge.slice(KEPT - 1)) fs.rmSync(file, { force: true })
}
