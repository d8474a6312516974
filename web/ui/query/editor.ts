// The expression editor: CodeMirror 6 with the PromQL mode. A chunk of its own, loaded when idle or at the first
// focus (expression-field.tsx shows a plain textarea until then). Styles go in with the page's CSP nonce.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands'
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { forceLinting, linter, lintKeymap, type Diagnostic } from '@codemirror/lint'
import { EditorState, Prec, StateEffect, StateField, type Transaction } from '@codemirror/state'
import { drawSelection, EditorView, keymap, placeholder, tooltips } from '@codemirror/view'
import { classHighlighter, tagHighlighter, tags } from '@lezer/highlight'
import { PromQLExtension } from '@prometheus-io/codemirror-promql'
import { newLintStrategy } from '@prometheus-io/codemirror-promql/dist/esm/lint'
import { CompletionClient } from './completion-client.ts'
import { placeError } from './error-position.ts'

/** The server's complaint about an expression, as it came. */
export interface ServerError {
  expr: string
  message: string
}

export interface EditorSpec {
  parent: HTMLElement
  text: string
  placeholder: string
  /** Called on every change of the text. */
  onChange: (text: string) => void
  /** Called for Enter. */
  onSubmit: () => void
}

export interface Editor {
  /** Replaces the text unless it is that already. */
  setText(text: string): void
  /** Underlines what the server complained of, until the text changes. */
  setError(error: ServerError | null): void
  /** Focuses with the selection given (offsets), at the end by default. */
  focus(anchor?: number, head?: number): void
  destroy(): void
}

const setServerError = StateEffect.define<ServerError | null>()

const serverError = StateField.define<ServerError | null>({
  create: () => null,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setServerError)) return effect.value
    return transaction.docChanged ? null : value
  },
})

const localLint = newLintStrategy().promQL()

/** The server's word where there is one, else what the grammar says while typing. */
async function lint(view: EditorView): Promise<readonly Diagnostic[]> {
  const error = view.state.field(serverError)
  const text = view.state.doc.toString()
  if (error && error.expr === text.trim()) {
    const indent = text.length - text.trimStart().length
    const placed = placeError(error.message, error.expr)
    if (placed) return [{ from: placed.start + indent, to: placed.end + indent, severity: 'error', message: placed.message }]
  }
  return text.trim() === '' ? [] : localLint(view)
}

function keys(onSubmit: () => void): Parameters<typeof keymap.of>[0] {
  const submit = (): boolean => {
    onSubmit()
    return true
  }
  return [
    { key: 'Enter', run: submit },
    { key: 'Mod-Enter', run: submit },
    { key: 'Shift-Enter', run: insertNewlineAndIndent },
    ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap,
  ]
}

/** The one distinction of PromQL that the stock classes do not make. */
const functionHighlighter = tagHighlighter([{ tag: tags.function(tags.variableName), class: 'tok-function' }])

const theme = EditorView.theme({
  '&': { backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', fontSize: '13px', lineHeight: '20px', overflowX: 'auto' },
  '.cm-content': { padding: '7px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 10px' },
})

/**
 * Typing over a selection. Left to itself, Chromium wraps the new text in a span with the old text's style as an
 * attribute, which the CSP forbids and the console reports; so the replacement is made here.
 */
const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main
    const text = event.data
    if (event.inputType !== 'insertText' || empty || text === null || view.composing) return false
    event.preventDefault()
    const insert = (): Transaction => view.state.update({ ...view.state.replaceSelection(text), userEvent: 'input.type', scrollIntoView: true })
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert())
    return true
  },
})

/** Puts an editor into `spec.parent`; the caller destroys it. */
export function mountEditor(spec: EditorSpec): Editor {
  const client = new CompletionClient()
  const promql = new PromQLExtension().activateLinter(false).setComplete({ remote: client })
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ''
  const state = EditorState.create({
    doc: spec.text,
    extensions: [
      EditorView.cspNonce.of(nonce), theme, serverError, EditorView.lineWrapping, tooltips({ position: 'fixed' }),
      history(), drawSelection(), bracketMatching(), closeBrackets(), indentOnInput(), placeholder(spec.placeholder),
      syntaxHighlighting(classHighlighter), syntaxHighlighting(functionHighlighter),
      autocompletion({ icons: false, maxRenderedOptions: 100 }),
      promql.asExtension(), typeOver,
      linter(lint, {
        delay: 500,
        needsRefresh: (update) => update.transactions.some((tr) => tr.effects.some((effect) => effect.is(setServerError))),
      }),
      Prec.high(keymap.of(keys(spec.onSubmit))),
      EditorView.contentAttributes.of({ 'aria-label': 'Expression', 'aria-multiline': 'true', spellcheck: 'false' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) spec.onChange(update.state.doc.toString())
      }),
    ],
  })
  const view = new EditorView({ state, parent: spec.parent })
  return {
    setText(text) {
      if (view.state.doc.toString() === text) return
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } })
    },
    setError(error) {
      if (view.state.field(serverError) === error) return
      view.dispatch({ effects: setServerError.of(error) })
      forceLinting(view)
    },
    focus(anchor = view.state.doc.length, head = anchor) {
      view.dispatch({ selection: { anchor, head } })
      view.focus()
    },
    destroy() {
      view.destroy()
      promql.destroy()
    },
  }
}
