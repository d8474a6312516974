// Which rows of a long table to render. Up to ROWS_MAX all of them (find-in-page and copying work); above, only those
// in view, all of one height, with the rest as padding. The table scrolls with the page, whose scroller is `main`.
import { useLayoutEffect, useState } from 'preact/hooks'
import type { RefObject } from 'preact'

/** Rows that are rendered plainly. */
export const ROWS_MAX = 500
/** Rows rendered beyond each edge, so that a quick scroll does not show blank paper. */
const OVERSCAN = 20

/** Rows first..last-1 are to be rendered between paddings in px. */
export interface RowWindow {
  isVirtual: boolean
  first: number
  last: number
  padTop: number
  padBottom: number
}

/** The window for a list that begins `offset` px above the top of a view `viewHeight` px high. */
export function rowWindow(count: number, rowHeight: number, offset: number, viewHeight: number): RowWindow {
  if (count <= ROWS_MAX) return { isVirtual: false, first: 0, last: count, padTop: 0, padBottom: 0 }
  const rowsInView = Math.ceil(viewHeight / rowHeight)
  const first = Math.max(0, Math.min(count - rowsInView, Math.floor(offset / rowHeight)) - OVERSCAN)
  const last = Math.min(count, first + rowsInView + 2 * OVERSCAN)
  return { isVirtual: true, first, last, padTop: first * rowHeight, padBottom: (count - last) * rowHeight }
}

/** Follows the scrolling of `main`; `body` is the element whose rows start at its top. */
export function useRowWindow(body: RefObject<HTMLElement | null>, count: number, rowHeight: number): RowWindow {
  const [view, setView] = useState({ offset: 0, height: 0 })
  const isVirtual = count > ROWS_MAX
  useLayoutEffect(() => {
    const main = document.querySelector('main')
    if (!isVirtual || !main) return undefined
    const read = (): void => {
      const rect = main.getBoundingClientRect()
      const top = body.current?.getBoundingClientRect().top ?? rect.top
      // Whole rows only: the page is not rendered anew for each pixel.
      const offset = Math.floor((rect.top - top) / rowHeight) * rowHeight
      setView((old) => (old.offset === offset && old.height === rect.height ? old : { offset, height: rect.height }))
    }
    read()
    main.addEventListener('scroll', read, { passive: true })
    window.addEventListener('resize', read)
    return () => {
      main.removeEventListener('scroll', read)
      window.removeEventListener('resize', read)
    }
  }, [isVirtual, rowHeight, count])
  return rowWindow(count, rowHeight, view.offset, view.height)
}
