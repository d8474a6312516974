// Where an expression is typed: a textarea that works at once, replaced by the editor (editor.ts) when its chunk is
// here, text, focus and selection taken along. Both are the same size, so nothing moves.
import { useEffect, useRef } from 'preact/hooks'
import { useSignal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import type { Editor } from './editor.ts'
import type { Panel } from './panel.ts'

const HINT = 'PromQL, for example: rate(prometheus_http_requests_total[5m])'

let editorChunk: Promise<typeof import('./editor.ts')> | undefined

const loadEditor = (): Promise<typeof import('./editor.ts')> => (editorChunk ??= import('./editor.ts').catch((error: unknown) => {
  // The textarea goes on working; the next focus tries again.
  editorChunk = undefined
  throw error
}))

/** Calls `f` when the browser has time, at the latest after 2 s; returns a function that calls it off. */
function whenIdle(f: () => void): () => void {
  if (!('requestIdleCallback' in window)) {
    const timer = setTimeout(f, 200)
    return () => clearTimeout(timer)
  }
  const handle = window.requestIdleCallback(f, { timeout: 2000 })
  return () => window.cancelIdleCallback(handle)
}

/** Grows the textarea with its lines, as the editor does. */
function fit(area: HTMLTextAreaElement): void {
  area.rows = Math.min(12, area.value.split('\n').length)
}

export function ExpressionField({ panel, isFirst }: { panel: Panel; isFirst: boolean }): JSX.Element {
  const host = useRef<HTMLDivElement>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  const editor = useSignal<Editor | null>(null)
  const isGone = useRef(false)

  const mount = (): void => {
    if (editor.peek()) return
    loadEditor().then(({ mountEditor }) => {
      if (isGone.current || editor.peek() || !host.current) return
      const old = area.current
      const hadFocus = old !== null && document.activeElement === old
      const made = mountEditor({
        parent: host.current, text: panel.draft.peek(), placeholder: HINT,
        onChange: (text) => (panel.draft.value = text), onSubmit: () => panel.submit(),
      })
      editor.value = made
      if (hadFocus) made.focus(old.selectionStart, old.selectionEnd)
    }, (error: unknown) => console.warn('the editor could not be loaded, the plain field stays', error))
  }

  useEffect(() => {
    const callOff = whenIdle(mount)
    if (isFirst) area.current?.focus()
    return () => {
      isGone.current = true
      callOff()
      editor.peek()?.destroy()
    }
  }, [])
  useSignalEffect(() => editor.value?.setText(panel.draft.value))
  useSignalEffect(() => editor.value?.setError(panel.error.value))

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey) return
    event.preventDefault()
    panel.submit()
  }
  return (
    <div class="expression" ref={host}>
      {editor.value === null && (
        <textarea
          ref={area} rows={Math.min(12, panel.draft.peek().split('\n').length)} aria-label="Expression" spellcheck={false}
          placeholder={HINT} value={panel.draft.value} onFocus={mount} onKeyDown={onKeyDown}
          onInput={(event) => {
            panel.draft.value = event.currentTarget.value
            fit(event.currentTarget)
          }}
        />
      )}
    </div>
  )
}
