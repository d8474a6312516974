// The controls of time: range, end (or moment) and resolution of one panel.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { zone } from '../shell/settings.ts'
import { Icon } from '../widgets/icons.tsx'
import { Popover } from '../widgets/popover.tsx'
import type { Panel } from './panel.ts'
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp, zoneName } from './time-text.ts'
import { stepOf, type Density, type Resolution } from './url-state.ts'

const RANGES = ['5m', '15m', '30m', '1h', '3h', '6h', '12h', '1d', '2d', '1w', '2w', '30d']
const STEPS = ['1s', '5s', '15s', '1m', '5m', '15m', '1h']
const DENSITIES: readonly (readonly [Density, string])[] = [['low', 'coarse'], ['medium', 'medium'], ['high', 'fine']]

/** Moves the window by half its width; reaching the present it follows it again. */
export function pan(panel: Panel, direction: -1 | 1): void {
  const { endMs, rangeMs, tab } = panel.options.peek()
  const shiftMs = tab === 'table' ? 300_000 : Math.max(1000, Math.round(rangeMs / 2000) * 1000)
  const next = (endMs ?? Math.floor(Date.now() / 1000) * 1000) + direction * shiftMs
  panel.change({ endMs: next >= Date.now() ? null : next })
}

/** Doubles or halves the window around its right edge. */
export function zoom(panel: Panel, factor: 2 | 0.5): void {
  const rangeMs = Math.round((panel.options.peek().rangeMs * factor) / 1000) * 1000
  panel.change({ rangeMs: Math.max(1000, rangeMs) })
}

export function TimeControls({ panel }: { panel: Panel }): JSX.Element {
  const { rangeMs, endMs, tab } = panel.options.value
  const end = endMs === null ? '' : formatTimestamp(endMs, zone.value)
  const isGraph = tab === 'graph'
  const face = isGraph ? (endMs === null ? `Last ${formatDuration(rangeMs)}` : `${formatDuration(rangeMs)} to ${end}`) : (endMs === null ? 'Now' : end)
  return (
    <div class="group" role="group" aria-label="Time">
      <button type="button" class="button icon-button" aria-label="Earlier" title="Earlier  [" onClick={() => pan(panel, -1)}><Icon name="left" /></button>
      <Popover class="button range-button" align="end" label={isGraph ? 'Time range' : 'Moment'} face={<><span class="face">{face}</span><Icon name="down" /></>}>
        {(close) => <TimeForm panel={panel} close={close} />}
      </Popover>
      <button type="button" class="button icon-button" aria-label="Later" title="Later  ]" disabled={endMs === null} onClick={() => pan(panel, 1)}><Icon name="right" /></button>
    </div>
  )
}

function TimeForm({ panel, close }: { panel: Panel; close: () => void }): JSX.Element {
  const { rangeMs, endMs, tab } = panel.options.peek()
  const isGraph = tab === 'graph'
  const range = useSignal(formatDuration(rangeMs))
  const end = useSignal(endMs === null ? '' : formatTimestamp(endMs, zone.peek()))
  const problem = useSignal('')
  const apply = (event: Event): void => {
    event.preventDefault()
    const newRangeMs = parseDuration(range.value)
    const isNow = end.value.trim() === '' || end.value.trim() === 'now'
    const newEndMs = isNow ? null : parseTimestamp(end.value, zone.peek())
    if (!newRangeMs) problem.value = 'A range looks like 90m, 2h30m or 3d.'
    else if (newEndMs === undefined) problem.value = 'A time looks like 2026-01-31 13:05:00; empty means now.'
    else {
      panel.change({ rangeMs: newRangeMs, endMs: newEndMs })
      close()
    }
  }
  return (
    <form class="card-form" onSubmit={apply}>
      {isGraph && (
        <div class="presets" role="group" aria-label="Ranges">
          {RANGES.map((text) => (
            <button
              type="button" key={text} class="button" aria-pressed={endMs === null && parseDuration(text) === rangeMs}
              onClick={() => {
                panel.change({ rangeMs: parseDuration(text)!, endMs: null })
                close()
              }}
            >{text}</button>
          ))}
        </div>
      )}
      {isGraph && (
        <label class="field"><span>Range</span><input value={range} spellcheck={false} onInput={(event) => (range.value = event.currentTarget.value)} /></label>
      )}
      <label class="field">
        <span>{isGraph ? 'End' : 'At'} <small class="muted">{zoneName(zone.value, endMs ?? Date.now())}</small></span>
        <input data-autofocus={!isGraph} value={end} placeholder="now" spellcheck={false} onInput={(event) => (end.value = event.currentTarget.value)} />
      </label>
      {problem.value && <p class="form-problem" role="alert">{problem}</p>}
      <div class="form-actions"><button type="submit" class="button primary">Apply</button></div>
    </form>
  )
}

function resolutionText(resolution: Resolution, rangeMs: number): string {
  return `Step ${formatDuration(stepOf(resolution, rangeMs))}${resolution.type === 'auto' ? ' auto' : ''}`
}

export function ResolutionControl({ panel }: { panel: Panel }): JSX.Element {
  const { resolution, rangeMs } = panel.options.value
  const custom = useSignal('')
  const problem = useSignal('')
  const choose = (next: Resolution, close: () => void): void => {
    panel.change({ resolution: next })
    close()
  }
  return (
    <Popover label="Resolution" align="end" face={<><span class="face">{resolutionText(resolution, rangeMs)}</span><Icon name="down" /></>}>
      {(close) => (
        <form
          class="card-form" onSubmit={(event) => {
            event.preventDefault()
            const stepMs = parseDuration(custom.value)
            if (stepMs) choose({ type: 'custom', stepMs }, close)
            else problem.value = 'A step looks like 30s or 5m.'
          }}
        >
          <div class="presets three" role="group" aria-label="Automatic">
            {DENSITIES.map(([density, text]) => (
              <button
                type="button" key={density} class="button" aria-pressed={resolution.type === 'auto' && resolution.density === density}
                onClick={() => choose({ type: 'auto', density }, close)}
              >{text}</button>
            ))}
          </div>
          <div class="presets" role="group" aria-label="Fixed">
            {STEPS.map((text) => (
              <button
                type="button" key={text} class="button" aria-pressed={resolution.type !== 'auto' && resolution.stepMs === parseDuration(text)}
                onClick={() => choose({ type: 'fixed', stepMs: parseDuration(text)! }, close)}
              >{text}</button>
            ))}
          </div>
          <label class="field"><span>Step</span><input value={custom} placeholder="30s" spellcheck={false} onInput={(event) => (custom.value = event.currentTarget.value)} /></label>
          {problem.value && <p class="form-problem" role="alert">{problem}</p>}
          <div class="form-actions"><button type="submit" class="button primary">Apply</button></div>
        </form>
      )}
    </Popover>
  )
}
