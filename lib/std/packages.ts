// Which packages are there: npm leaves out what only builds need, where it is told so (`npm ci --omit=dev`).

export function isInstalled(name: string): boolean {
  try {
    return import.meta.resolve(name) !== ''
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    return false
  }
}
