// What the reader chose for all pages and wants to find again: theme, time zone, live interval. Kept in localStorage;
// a browser that refuses storage simply forgets.
import { computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Zone } from '../query/time-text.ts'

export type Theme = 'auto' | 'light' | 'dark'

/** Reads a JSON value kept under `monitor.<key>`; undefined when there is none or it cannot be read. */
export function readStored(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`monitor.${key}`) ?? 'null') ?? undefined
  } catch {
    // Storage may be forbidden, or hold another program's text: as good as empty.
    return undefined
  }
}

/** Keeps a JSON value under `monitor.<key>`. */
export function store(key: string, value: unknown): void {
  try {
    localStorage.setItem(`monitor.${key}`, JSON.stringify(value))
  } catch {
    // Full or forbidden storage costs the reader a setting, never the page.
  }
}

function stored<T>(key: string, choices: readonly T[], fallback: T): Signal<T> {
  const found = readStored(key) as T
  const setting = signal(choices.includes(found) ? found : fallback)
  effect(() => {
    if (setting.value !== fallback || readStored(key) !== undefined) store(key, setting.value)
  })
  return setting
}

/** Choices of the live interval in ms. */
export const LIVE_CHOICES_MS: readonly number[] = [1000, 5000, 10_000, 30_000, 60_000]

export const theme: Signal<Theme> = stored<Theme>('theme', ['auto', 'light', 'dark'], 'auto')
export const zone: Signal<Zone> = stored<Zone>('zone', ['local', 'UTC'], 'local')
export const isLive: Signal<boolean> = stored('live', [true, false], true)
export const intervalMs: Signal<number> = stored('interval', LIVE_CHOICES_MS, 10_000)
/** Ms between live beats, 0 while paused. */
export const liveMs: ReadonlySignal<number> = computed(() => (isLive.value ? intervalMs.value : 0))

const darkMedia = window.matchMedia('(prefers-color-scheme: dark)')
const systemIsDark = signal(darkMedia.matches)
darkMedia.addEventListener('change', (event) => (systemIsDark.value = event.matches))

/** The colours in force, `auto` resolved. */
export const scheme: ReadonlySignal<'light' | 'dark'> = computed(() =>
  theme.value === 'auto' ? (systemIsDark.value ? 'dark' : 'light') : theme.value)

effect(() => {
  document.documentElement.dataset['theme'] = theme.value
})

/** Who sits at this browser, as they said last. */
export function readerName(): string {
  const name = readStored('name')
  return typeof name === 'string' ? name : ''
}
