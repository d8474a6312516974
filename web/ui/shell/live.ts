// The beat of live pages: calls its listeners every `liveMs`, and not while the tab is hidden; a tab that comes back
// is served at once.
import { effect } from '@preact/signals'
import { liveMs } from './settings.ts'

/** Calls `f` on each beat until the function returned is called. */
export function onLiveBeat(f: () => void): () => void {
  let lastMs = performance.now()
  let timer: number | undefined
  const beat = (): void => {
    lastMs = performance.now()
    f()
  }
  const stopEffect = effect(() => {
    const intervalMs = liveMs.value
    if (intervalMs > 0) timer = window.setInterval(() => !document.hidden && beat(), intervalMs)
    return () => window.clearInterval(timer)
  })
  const onVisible = (): void => {
    if (!document.hidden && liveMs.value > 0 && performance.now() - lastMs >= liveMs.value) beat()
  }
  document.addEventListener('visibilitychange', onVisible)
  return () => {
    stopEffect()
    document.removeEventListener('visibilitychange', onVisible)
  }
}
