// The query page: panels read from the address and written back to it, refreshed on each live beat.
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { onLiveBeat } from '../shell/live.ts'
import { place, replaceSearch } from '../shell/router.ts'
import { Icon } from '../widgets/icons.tsx'
import { Panel } from './panel.ts'
import { QueryPanel } from './query-panel.tsx'
import { pan, zoom } from './time-controls.tsx'
import { DEFAULT_PANEL, decodePanels, encodePanels, type PanelOptions } from './url-state.ts'

function openPanels(search: string): Panel[] {
  const options = decodePanels(search)
  return (options.length > 0 ? options : [DEFAULT_PANEL]).map((each) => new Panel(each))
}

/** Keys that work outside of fields: time back and forth, zoom. They turn the first panel. */
function onKey(panel: Panel | undefined, event: KeyboardEvent): void {
  const isTyping = event.target instanceof HTMLElement && event.target.closest('input, textarea, [contenteditable=true]') !== null
  if (!panel || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === '[') pan(panel, -1)
  else if (event.key === ']' && panel.options.peek().endMs !== null) pan(panel, 1)
  else if (event.key === '-') zoom(panel, 2)
  else if (event.key === '+' || event.key === '=') zoom(panel, 0.5)
}

export function QueryPage(): JSX.Element {
  const panels = useSignal<Panel[]>(openPanels(place.peek().search))
  useEffect(() => {
    const openAll = (): void => panels.peek().forEach((panel) => void panel.run())
    openAll()
    const stopLive = onLiveBeat(() => panels.peek().forEach((panel) => panel.refresh()))
    let isFirst = true
    const stopPlace = place.subscribe(({ path, search }) => {
      if (isFirst || path === 'targets' || search === `?${encodePanels(panels.peek().map((panel) => panel.options.peek()))}`) {
        isFirst = false
        return
      }
      panels.peek().forEach((panel) => panel.stop())
      panels.value = openPanels(search)
      openAll()
    })
    const keys = (event: KeyboardEvent): void => onKey(panels.peek()[0], event)
    document.addEventListener('keydown', keys)
    return () => {
      stopLive()
      stopPlace()
      document.removeEventListener('keydown', keys)
      panels.peek().forEach((panel) => panel.stop())
    }
  }, [])
  useSignalEffect(() => {
    const options = panels.value.map((panel) => panel.options.value)
    const isPristine = options.length === 1 && options[0] === DEFAULT_PANEL
    if (!isPristine) replaceSearch(encodePanels(options))
  })
  const add = (): void => {
    const { tab, rangeMs, endMs, resolution } = panels.peek().at(-1)?.options.peek() ?? DEFAULT_PANEL
    const options: PanelOptions = { ...DEFAULT_PANEL, tab, rangeMs, endMs, resolution }
    panels.value = [...panels.peek(), new Panel(options)]
  }
  const remove = (panel: Panel): void => {
    panel.stop()
    panels.value = panels.peek().filter((other) => other !== panel)
  }
  const isOnly = panels.value.length === 1
  return (
    <>
      <h1 class="visually-hidden">Query</h1>
      {panels.value.map((panel, i) => (
        <QueryPanel key={panel.id} panel={panel} index={i} {...(isOnly ? {} : { onRemove: () => remove(panel) })} />
      ))}
      <button type="button" class="button add-query" onClick={add}><Icon name="plus" />Add query</button>
    </>
  )
}
