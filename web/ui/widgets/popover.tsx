// A button with a card that opens below it: menus and small forms. The focus goes into the card and round in it; Escape and a
// press outside close it, and the focus goes back to the button.
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'

export interface PopoverProps {
  /** Content of the button. */
  face: ComponentChildren
  /** Accessible name, where the face does not say it. */
  label?: string
  class?: string
  /** Which edge of the button the card keeps to. */
  align?: 'start' | 'end'
  /** Content of the card, made when it opens. */
  children: (close: () => void) => ComponentChildren
}

export function Popover({ face, label, class: className = 'button', align = 'start', children }: PopoverProps): JSX.Element {
  const isOpen = useSignal(false)
  const root = useRef<HTMLDivElement>(null)
  const id = useId()
  const close = (): void => {
    if (!isOpen.peek()) return
    isOpen.value = false
    root.current?.querySelector('button')?.focus()
  }
  useLayoutEffect(() => {
    if (!isOpen.value) return undefined
    root.current?.querySelector<HTMLElement>('.popover-card [data-autofocus], .popover-card button, .popover-card input')?.focus()
    const onPress = (event: PointerEvent): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) isOpen.value = false
    }
    document.addEventListener('pointerdown', onPress)
    return () => document.removeEventListener('pointerdown', onPress)
  }, [isOpen.value])
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!isOpen.peek()) return
    if (event.key === 'Tab') keepFocus(event, root.current!.querySelector('.popover-card')!)
    if (event.key !== 'Escape') return
    event.stopPropagation()
    close()
  }
  return (
    <div class="popover" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button" class={className} aria-label={label} title={label} aria-haspopup="dialog" aria-expanded={isOpen.value} aria-controls={id}
        onClick={() => (isOpen.value = !isOpen.peek())}
      >{face}</button>
      <div id={id} class={`popover-card popover-${align}`} role="dialog" aria-label={label} hidden={!isOpen.value}>
        {isOpen.value && children(close)}
      </div>
    </div>
  )
}

/** From the last control of a card Tab leads to the first, and back. */
function keepFocus(event: KeyboardEvent, card: Element): void {
  const controls = [...card.querySelectorAll<HTMLElement>('a, button, input, select, textarea')].filter((control) => !control.matches(':disabled'))
  const at = controls.findIndex((control) => control === document.activeElement)
  const end = event.shiftKey ? 0 : controls.length - 1
  if (controls.length === 0 || (at >= 0 && at !== end)) return
  event.preventDefault()
  controls[event.shiftKey ? controls.length - 1 : 0]!.focus()
}
