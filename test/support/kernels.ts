// Tests of kernels hold both against each other: they need the module, and build it where it is not there.
import { buildKernels } from '../../lib/kernels/build.ts'
import { chooseKernels, type KernelMode } from '../../lib/kernels/module.ts'

/** Both kinds of hot loops. */
export const KERNEL_MODES: readonly KernelMode[] = ['ts', 'wasm']

/** What `f` gives with the hot loops of a kind. Throws where WebAssembly is asked for and assemblyscript is not installed. */
export function withKernels<T>(mode: KernelMode, f: () => T): T {
  if (mode === 'wasm') buildKernels(false)
  chooseKernels(mode)
  try {
    return f()
  } finally {
    chooseKernels('auto')
  }
}
