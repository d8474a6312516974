// The frame of all pages: rail, top bar, and the page the address names.
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { AlertsPage } from '../alerts/alerts-page.tsx'
import { QueryPage } from '../query/query-page.tsx'
import { formatDuration, zoneName } from '../query/time-text.ts'
import { RulesPage } from '../rules/rules-page.tsx'
import { TargetsPage } from '../targets/targets-page.tsx'
import { Icon, type IconName } from '../widgets/icons.tsx'
import { Popover } from '../widgets/popover.tsx'
import { hrefOf, navigate, place } from './router.ts'
import { ServerNotices } from './server-notices.tsx'
import { intervalMs, isLive, LIVE_CHOICES_MS, theme, zone, type Theme } from './settings.ts'

interface Page {
  path: string
  title: string
  icon: IconName
  /** Pressed after `g`. */
  key: string
}

const PAGES: readonly Page[] = [
  { path: 'query', title: 'Query', icon: 'query', key: 'q' },
  { path: 'alerts', title: 'Alerts', icon: 'bell', key: 'a' },
  { path: 'rules', title: 'Rules', icon: 'rules', key: 'r' },
  { path: 'targets', title: 'Targets', icon: 'targets', key: 't' },
]

/** `graph` is Prometheus' old address of the query page. */
function pageOf(path: string): Page | undefined {
  return PAGES.find((page) => page.path === (path === 'graph' ? 'query' : path))
}

export function App(): JSX.Element {
  const page = pageOf(place.value.path)
  useEffect(() => {
    document.title = page ? `${page.title} · Monitor` : 'Monitor'
  }, [page])
  useEffect(startKeys, [])
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>Skip to content</a>
      <nav class="rail" aria-label="Pages">
        <span class="logo" aria-hidden="true"><Icon name="query" /></span>
        {PAGES.map((each) => (
          <a key={each.path} class="rail-link" href={hrefOf(each.path)} data-route="" aria-current={each === page ? 'page' : undefined}>
            <Icon name={each.icon} /><span>{each.title}</span>
          </a>
        ))}
      </nav>
      <header class="top">
        <span class="page-title" aria-hidden="true">{page?.title ?? 'Not found'}</span>
        <span class="spacer" />
        <LiveControl /><CopyLink /><ZoneButton /><ThemeButton />
      </header>
      <main id="main" tabIndex={-1}>
        <ServerNotices />
        {page?.path === 'query' && <QueryPage />}
        {page?.path === 'alerts' && <AlertsPage />}
        {page?.path === 'rules' && <RulesPage />}
        {page?.path === 'targets' && <TargetsPage />}
        {!page && <div class="empty"><h1>No such page</h1><p>There is nothing at <code>/{place.value.path}</code>. <a href={hrefOf('query')} data-route="">Go to Query</a></p></div>}
      </main>
    </>
  )
}

/** With a <base>, a bare fragment would lead to another page. */
function skipToMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

/** `g` and a page's letter go there, `l` pauses and resumes, outside of fields. Returns how to stop listening. */
function startKeys(): () => void {
  let lastKey = ''
  const onKey = (event: KeyboardEvent): void => {
    const isTyping = event.target instanceof HTMLElement && event.target.closest('input, textarea, select, [contenteditable=true]') !== null
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return
    const page = lastKey === 'g' ? PAGES.find(({ key }) => key === event.key) : undefined
    if (page) navigate(hrefOf(page.path))
    else if (event.key === 'l') toggleLive()
    lastKey = event.key
  }
  document.addEventListener('keydown', onKey)
  return () => document.removeEventListener('keydown', onKey)
}

function toggleLive(): void {
  isLive.value = !isLive.peek()
}

function LiveControl(): JSX.Element {
  return (
    <div class="group" role="group" aria-label="Live">
      <button type="button" class={`button live ${isLive.value ? 'is-live' : ''}`} aria-pressed={isLive.value} title={isLive.value ? 'Pause  l' : 'Resume  l'} onClick={toggleLive}>
        <Icon name={isLive.value ? 'pause' : 'play'} /><span>{isLive.value ? 'Live' : 'Paused'}</span>
      </button>
      <Popover class="button" label={`Refresh interval ${formatDuration(intervalMs.value)}`} align="end" face={<><span class="interval">{formatDuration(intervalMs.value)}</span><Icon name="down" /></>}>
        {(close) => (
          <div class="menu">
            {LIVE_CHOICES_MS.map((ms) => (
              <button
                type="button" key={ms} class="menu-item" aria-pressed={ms === intervalMs.value}
                onClick={() => {
                  intervalMs.value = ms
                  isLive.value = true
                  close()
                }}
              >Every {formatDuration(ms)}</button>
            ))}
          </div>
        )}
      </Popover>
    </div>
  )
}

function CopyLink(): JSX.Element {
  const copy = (): void => void navigator.clipboard.writeText(window.location.href).catch((error: unknown) => console.warn('the link could not be copied', error))
  return <button type="button" class="button icon-button" aria-label="Copy link to this view" title="Copy link to this view" onClick={copy}><Icon name="link" /></button>
}

function ZoneButton(): JSX.Element {
  const name = zoneName(zone.value, Date.now())
  const other = zone.value === 'UTC' ? 'local' : 'UTC'
  return (
    <button type="button" class="button zone" aria-label={`Time zone ${name}, switch to ${other}`} title={`Times are ${zone.value === 'UTC' ? 'UTC' : 'local'}; switch to ${other}`} onClick={() => (zone.value = other)}>{name}</button>
  )
}

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }
const THEME_ICONS: Readonly<Record<Theme, IconName>> = { auto: 'auto', light: 'sun', dark: 'moon' }

function ThemeButton(): JSX.Element {
  const text = `Theme: ${theme.value}`
  return (
    <button type="button" class="button icon-button" aria-label={text} title={text} onClick={() => (theme.value = NEXT_THEME[theme.peek()])}><Icon name={THEME_ICONS[theme.value]} /></button>
  )
}
