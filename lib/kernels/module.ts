// The hot loops in WebAssembly (assembly/*.ts, AssemblyScript): one module with one memory a thread, loaded at first use.
// Each has a twin in TypeScript that does the same, and serves where the module was not built, cannot be loaded or is not
// wanted (--kernels=ts). Which it is, is decided once, by the main thread; threads take it from their environment.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { assert } from '../std/assert.ts'
import { powerOfTen } from './powers.ts'

export type KernelMode = 'auto' | 'ts' | 'wasm'

/** Of WebAssembly. */
const PAGE_BYTES = 65_536
const SOURCES = path.join(import.meta.dirname, 'assembly')
export const DIST: string = path.join(import.meta.dirname, 'dist')
/** Under this name threads find the file to load; '' where the twins serve. */
const FILE = 'monitor.kernels'

/** --kernels=wasm, and the module is not there or does not load. */
export class KernelsError extends Error {
  readonly code = 'KERNELS_MISSING'
}

/** What the module exports: its functions, and places in its memory. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  writePoints(count: number, isBegun: number): number
  decodeSnappy(from: number, size: number, length: number): number
  decodeDecimals(size: number, n: number): number
  decodeXor(size: number, n: number): number
  encodePiece(n: number): number
  encodeChunks(columns: number, rows: number): number
  matchLines(length: number, count: number): number
  translateRequest(length: number): number
  walkSeries(body: number, length: number): number
}

const FUNCTIONS = ['writePoints', 'decodeSnappy', 'decodeDecimals', 'decodeXor', 'encodePiece', 'encodeChunks', 'matchLines', 'translateRequest', 'walkSeries'] as const

function isKernelExports(exports: Readonly<Record<string, unknown>>): exports is KernelExports & Readonly<Record<string, unknown>> {
  const { memory } = exports as { memory?: unknown }
  return typeof memory === 'object' && memory !== null && 'buffer' in memory && memory.buffer instanceof ArrayBuffer && FUNCTIONS.every((name) => typeof exports[name] === 'function')
}

/** The module in this thread, with views of its memory as long as it is now: `lengthened` makes another of these. */
export class Kernels {
  readonly exports: KernelExports
  readonly bytes: Uint8Array
  readonly #places: KernelExports & Readonly<Record<string, unknown>>

  constructor(exports: KernelExports & Readonly<Record<string, unknown>>) {
    this.exports = exports
    this.#places = exports
    this.bytes = new Uint8Array(exports.memory.buffer)
  }

  /** With views of the memory as it is now. */
  renewed(): Kernels {
    return new Kernels(this.#places)
  }

  /** A constant of assembly/memory.ts. */
  place(name: string): number {
    const global = this.#places[name]
    assert(typeof global === 'object' && global !== null && 'value' in global, `the kernels' memory has no ${name}`)
    return Number(global.value)
  }
}

/** File of the module as it is built of these sources. */
export function builtFile(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(SOURCES).toSorted()) hash.update(name).update(readFileSync(path.join(SOURCES, name)))
  return path.join(DIST, `${hash.digest('hex').slice(0, 16)}.wasm`)
}

let loaded: Kernels | null | undefined
/** Of this thread, and the file it came from: optimised code and views outlive a change of mind. */
let instance: Kernels | null = null
let instanceFile = ''

/** Says what this thread and those that it starts from now on use. Throws KernelsError. */
export function chooseKernels(mode: KernelMode): void {
  const file = mode === 'ts' ? '' : builtFile()
  const isThere = file !== '' && existsSync(file)
  if (mode === 'wasm' && !isThere) throw new KernelsError(`cannot use --kernels=wasm: ${file} is not built; run npm run build, or leave the flag out`)
  setEnvironmentData(FILE, isThere ? file : '')
  loaded = undefined
  if (mode === 'wasm' && kernels() === null) throw new KernelsError(`cannot use --kernels=wasm: ${file} does not load here; leave the flag out`)
}

/** The module, or null: the twins serve. */
export function kernels(): Kernels | null {
  if (loaded === undefined) loaded = load()
  return loaded
}

/**
 * The module with at least so many bytes of memory, or null: there is none, or no room. Views of the memory that was are void then:
 * what `madeOfKernels` gives is made anew, and nobody holds it from one turn to the next.
 */
export function lengthenedKernels(bytes: number): Kernels | null {
  const short = kernels()
  if (short === null || short.bytes.length >= bytes) return short
  try {
    short.exports.memory.grow(Math.ceil((bytes - short.bytes.length) / PAGE_BYTES))
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
  loaded = instance = short.renewed()
  return loaded
}

/** What `make` makes of the module in force, made once, also for those who come back to it; null: the twin. */
export function madeOfKernels<T>(make: (module: Kernels) => T): () => T | null {
  let made: T | null = null
  let module: Kernels | null = null
  return () => {
    const now = kernels()
    if (now === null) return null
    if (now !== module) {
      module = now
      made = make(now)
    }
    return made
  }
}

function load(): Kernels | null {
  if (getEnvironmentData(FILE) === undefined) chooseKernels('auto')
  const file = getEnvironmentData(FILE)
  if (typeof file !== 'string' || file === '') return null
  if (file !== instanceFile) {
    instance = instantiate(file)
    instanceFile = file
  }
  return instance
}

function instantiate(file: string): Kernels | null {
  try {
    let memory: KernelExports['memory'] | null = null
    const imports = { powers: { powerOfTen: (k: number, at: number) => powerOfTen(k, memory!.buffer, at) } }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), imports)
    assert(isKernelExports(exports), `${file} exports ${Object.keys(exports).join(', ')}`)
    memory = exports.memory
    return new Kernels(exports)
  } catch (error) {
    // The file went meanwhile; no SIMD; no address space. The twins need none of these.
    if (error instanceof Error && /^(CompileError|LinkError|RangeError)$/.test(error.name)) return null
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
