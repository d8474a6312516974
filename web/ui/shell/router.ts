// A history router for a handful of pages. The place is a signal; links are ordinary anchors below <base href>, caught
// here so that they do not load the page anew. Edits of a page's state replace the entry, going elsewhere pushes one.
import { signal, type ReadonlySignal } from '@preact/signals'

export interface Place {
  /** Path below the base, without slashes around it: `query`, `targets`. */
  readonly path: string
  /** Query string with its `?`, or ''. */
  readonly search: string
}

const basePath = (): string => new URL(document.baseURI).pathname

function readPlace(): Place {
  const { pathname, search } = window.location
  const below = pathname.startsWith(basePath()) ? pathname.slice(basePath().length) : pathname
  return { path: below.replace(/^\/+|\/+$/g, ''), search }
}

const current = signal<Place>(readPlace())
/** Where the reader is. */
export const place: ReadonlySignal<Place> = current

/** Last query string seen per page, so that the rail leads back to what one left. */
const lastSearch = new Map<string, string>()

/** The address of a page, with the state it was left in. */
export function hrefOf(path: string): string {
  return `${basePath()}${path}${lastSearch.get(path) ?? ''}`
}

/** The address of a page in a state of its own, whatever it was left in. */
export function hrefWith(path: string, params: Readonly<Record<string, string>>): string {
  return `${basePath()}${path}?${new URLSearchParams(params).toString()}`
}

/** The address as this browser reaches it, where it is one of this server under the name it has for others. */
export function localHref(href: string): string {
  const external = document.querySelector<HTMLMetaElement>('meta[name=external-url]')?.content ?? ''
  return external !== '' && href.startsWith(`${external}/`) ? `${basePath()}${href.slice(external.length + 1)}` : href
}

/** Goes to an address of this app: a new entry in the history. */
export function navigate(href: string): void {
  window.history.pushState(null, '', href)
  current.value = readPlace()
}

/** Writes the page's state into the address without a new entry; the page is not told. */
export function replaceSearch(search: string): void {
  const { pathname } = window.location
  const text = search === '' ? '' : `?${search}`
  lastSearch.set(readPlace().path, text)
  if (text !== window.location.search) window.history.replaceState(null, '', `${pathname}${text}`)
}

/** Where an address of Alertmanager's own page leads, `#/alerts?filter=…` or `#/silences…`; null where it is none. */
function hashPlace(hash: string): string | null {
  const found = /^#\/(alerts|silences)(\/new)?\/?(\?.*)?$/.exec(hash)
  if (found === null) return null
  const [, page, isNew, search = ''] = found
  // A silence is made from an alert: those that it would hit.
  return page === 'silences' && isNew === undefined ? 'alerts?view=silences' : `alerts${search}`
}

/** Opens what the address names, `startPage` where that is nothing, and listens for links, back and forward; once, at boot. */
export function startRouter(startPage: string): void {
  const led = hashPlace(window.location.hash) ?? (current.peek().path === '' ? `${startPage}${window.location.search}` : null)
  if (led !== null) {
    window.history.replaceState(null, '', `${basePath()}${led}`)
    current.value = readPlace()
  }
  window.addEventListener('popstate', () => (current.value = readPlace()))
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const anchor = event.target instanceof Element ? event.target.closest('a') : null
    if (!anchor || anchor.target !== '' || anchor.origin !== window.location.origin) return
    if (anchor.dataset['route'] === undefined) return
    event.preventDefault()
    navigate(anchor.href)
  })
}
