// Builds cmd/dist: the server and its threads as some 60 files of JavaScript in place of 600 sources and 600 files of
// packages. Nothing depends on it but how soon a start is ready and what it holds in memory; bundled.ts says when it counts.
//   node cmd/bundle.ts [--if-missing]
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Plugin } from 'rolldown'
import { buildKernels } from '../lib/kernels/build.ts'
import { systemClock } from '../lib/std/clock.ts'
import { isInstalled } from '../lib/std/packages.ts'
import { DIST, freshBundle, inputOf, installedList, installedPackages, publishBundle, type Current, type Packages } from './bundled.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
/** Loaded where they lie, when they are first needed, if at all. */
const EXTERNAL = [/^node:/, 'undici', 'nodemailer', 'rolldown', 'vite']
/** Folders kept, the newest included: servers that were started before a build go on loading from theirs. */
const KEPT = 4

/** Entry files: what `run` serves, and each thread's. */
function entries(): string[] {
  return ['run.ts', ...fs.readdirSync(import.meta.dirname).filter((name) => name.endsWith('-worker.ts'))]
}

/**
 * Where a module says where it is, it goes on meaning its source, by the way from the bundle's folder: its data lies
 * beside that. Threads are entries of the bundle themselves.
 */
function keepPlaces(outDir: string): Plugin {
  const from = (target: string): string => JSON.stringify(path.relative(outDir, target).split(path.sep).join('/'))
  return {
    name: 'keep-places',
    transform(code, id) {
      if (!code.includes('import.meta') || id.includes('node_modules')) return null
      return code.replaceAll(/new URL\('\.\/([a-z-]+-worker)\.ts', import\.meta\.url\)|import\.meta\.(url|dirname)/g, (_, worker: string | undefined, what: string) => {
        if (worker !== undefined) return `new URL('./${worker}.js', import.meta.url)`
        return what === 'url' ? `new URL(${from(id)}, import.meta.url).href` : `(import.meta.dirname + '/' + ${from(path.dirname(id))})`
      })
    },
  }
}

/**
 * What packages do with themselves for what nobody here uses, a tenth of a start: they load HTTP/2, TLS, globs, clusters of
 * processes and a client of a push gateway, look for who loads them, and compile a function for each piece of a route's path.
 */
const EDITS: readonly { file: string; edits: readonly (readonly [from: string, to: string])[] }[] = [
  {
    file: 'fastify/lib/server.js',
    edits: [
      ["const http2 = require('node:http2')", ''], ['http2.create', "require('node:http2').create"],
      ["const https = require('node:https')", ''], ['https.createServer', "require('node:https').createServer"],
    ],
  },
  { file: '@fastify/static/index.js', edits: [["const { glob } = require('glob')", ''], ['await glob(', "await require('glob').glob("]] },
  { file: 'prom-client/index.js', edits: [["exports.Pushgateway = require('./lib/pushgateway');", ''], ["exports.AggregatorRegistry = require('./lib/cluster');", '']] },
  { file: 'depd/index.js', edits: [['  var stack = getStack()\n  var site = callSiteLocation(stack[1])\n  var file = site[0]\n\n  function deprecate', "  var file = ''\n\n  function deprecate"]] },
  { file: 'find-my-way/lib/node.js', edits: [['const LONG_PREFIX_MIN_LENGTH = 16', 'const LONG_PREFIX_MIN_LENGTH = 2'], ['path.indexOf(prefix, i) === i', 'path.startsWith(prefix, i)']] },
]

/** Throws where a package does not look as it did. */
function editPackages(): Plugin {
  return {
    name: 'edit-packages',
    transform(code, id) {
      const found = EDITS.find(({ file }) => id.endsWith(`/node_modules/${file}`))
      if (found === undefined) return null
      let edited = code
      for (const [from, to] of found.edits) {
        if (!edited.includes(from)) throw new Error(`cannot bundle the server: ${found.file} does not have \`${from}\` any more; mend EDITS in cmd/bundle.ts`)
        edited = edited.replaceAll(from, to)
      }
      return edited
    },
  }
}

export interface Bundle {
  /** Texts by name. */
  files: ReadonlyMap<string, string>
  /** Sources it was made of, by their paths below the root. */
  sources: readonly string[]
  /** Places of the packages it was made of, `node_modules/NAME`. */
  packages: readonly string[]
}

/** A folder of its own below `dist`, for all who may read that: installed by one user, a bundle is run by another. */
export function newFolder(dist: string): string {
  fs.mkdirSync(dist, { recursive: true })
  const folder = fs.mkdtempSync(path.join(dist, '.made-'))
  fs.chmodSync(folder, fs.statSync(dist).mode)
  return folder
}

/** Writes the bundle into a folder. */
export async function bundleInto(outDir: string): Promise<Bundle> {
  const { rolldown } = await import('rolldown')
  const files = new Map<string, string>()
  const modules = new Set<string>()
  // One by one: chunks that threads share would make each load some dozens of files, where nothing but the disk has them in common.
  for (const entry of entries()) {
    const name = path.basename(entry, '.ts')
    const build = await rolldown({
      input: { [name]: path.join(import.meta.dirname, entry) },
      platform: 'node', external: EXTERNAL, plugins: [keepPlaces(outDir), editPackages()], logLevel: 'warn',
    })
    const { output } = await build.generate({
      format: 'esm', entryFileNames: '[name].js', chunkFileNames: `${name}-[name]-[hash].js`,
      // Each thread keeps the text of what it loads: comments and indentation are a third of it. Names stay, for stack traces.
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    })
    await build.close()
    for (const chunk of output) {
      if (chunk.type !== 'chunk') continue
      files.set(chunk.fileName, inAscii(chunk.code))
      for (const id of chunk.moduleIds) modules.add(id)
    }
  }
  for (const [name, text] of files) fs.writeFileSync(path.join(outDir, name), text)
  const inputs = [...modules].filter((id) => id.startsWith(ROOT)).map((id) => path.relative(ROOT, id))
  return { files, sources: inputs.filter((id) => !id.includes('node_modules')), packages: [...new Set(inputs.flatMap((id) => PACKAGE.exec(id)?.[0] ?? []))] }
}

/** Of a file's path: the innermost package. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/

/** V8 keeps a text with one character beyond Latin-1 in two bytes a character. */
function inAscii(code: string): string {
  return code.replaceAll(/[^\0-\x7F]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What the bundle was made of, as it is now. Throws where some of it has changed since `startedMs`. */
function currentOf(id: string, { sources, packages }: Bundle, startedMs: number): Current {
  const installed = installedList()
  const inputs = ['package.json', ...sources].map((file) => inputOf(file)).filter((input) => input !== null)
  const changed = [...inputs, ...(installed === null ? [] : [installed])].find(([, , changedMs]) => changedMs >= startedMs)
  if (changed !== undefined) throw new Error(`cannot bundle the server: ${changed[0]} changed meanwhile; run again`)
  const found = installedPackages()
  const used: Packages = Object.fromEntries(packages.map((place) => [place, found[place] ?? '']))
  return { id, inputs, installed, packages: used }
}

/** Leaves the newest folders. */
function removeOld(newest: string): void {
  const folders = fs.readdirSync(DIST, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== newest)
  const byAge = folders.map(({ name }) => ({ name, madeMs: fs.statSync(path.join(DIST, name)).mtimeMs })).toSorted((a, b) => b.madeMs - a.madeMs)
  for (const { name } of byAge.slice(KEPT - 1)) fs.rmSync(path.join(DIST, name), { recursive: true, force: true })
}

async function main(isAsked: boolean): Promise<void> {
  buildKernels(isAsked)
  if (!isAsked && freshBundle() !== null) return
  if (!isInstalled('rolldown')) {
    console.log('cmd/dist is not built anew, as rolldown is not installed (npm ci without --omit=dev brings it); starts take twice as long')
    return
  }
  const startedMs = systemClock.now()
  const aside = newFolder(DIST)
  const bundle = await bundleInto(aside)
  const hash = createHash('sha256')
  for (const [name, text] of bundle.files) hash.update(name).update(text)
  const id = hash.digest('hex').slice(0, 16)
  const folder = path.join(DIST, id)
  if (fs.existsSync(folder)) fs.rmSync(aside, { recursive: true })
  else fs.renameSync(aside, folder)
  publishBundle(currentOf(id, bundle, startedMs))
  removeOld(id)
  console.log(`cmd/dist built in ${((systemClock.now() - startedMs) / 1000).toFixed(1)} s: ${bundle.files.size} files`)
}

if (import.meta.main) {
  const isAsked = !process.argv.includes('--if-missing')
  try {
    await main(isAsked)
  } catch (error) {
    // Whoever may start it need not own it.
    if (isAsked || !isReadOnly(error)) throw error
    console.log(`cmd/dist is older than the sources, and this user may not write it: starts take twice as long until its owner runs npm run build`)
  }
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EROFS', 'EPERM'].includes(String(error.code))
}
