// Which colour and dash a line gets. A series asks for the slot its labels hash to, so a host keeps its colour across
// panels and refreshes; when two ask for the same slot the later one (by label text) takes the next free one, because
// two lines of one colour in a small chart are worse than a colour that moves when the set of series changes.
// Palette: searched for the largest least CIEDE2000 distance over normal, protan, deutan and tritan vision, each
// colour >= 3:1 on its background. More than eight series add dash patterns.
import { seriesText, type LabelSet } from './label-set.ts'

export const LINE_COLORS: Readonly<Record<'light' | 'dark', readonly string[]>> = {
  light: ['#558af7', '#924b00', '#2d7757', '#c67388', '#003e50', '#531b00', '#5c56a2', '#9c9759'],
  dark: ['#cbe7ff', '#a54e00', '#55ad65', '#dd8da8', '#176c71', '#ffd8cc', '#9f9eff', '#e5f782'],
}
/** Dash patterns in CSS px; the first is a full line. */
export const LINE_DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3]]

const COLOR_COUNT = 8

/** Place in the palette: `color` indexes LINE_COLORS[theme], `dash` indexes LINE_DASHES. */
export interface LineStyle {
  color: number
  dash: number
}

/** FNV-1a over UTF-16 units, with a final mix so that the low bits depend on all of the text. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Style of each set, in the order given; depends on the sets only, not on their order. */
export function assignLineStyles(sets: readonly LabelSet[]): LineStyle[] {
  const texts = sets.map(seriesText)
  const order = texts.map((_, i) => i).sort((a, b) => (texts[a]! < texts[b]! ? -1 : 1))
  const slotCount = sets.length <= COLOR_COUNT ? COLOR_COUNT : COLOR_COUNT * LINE_DASHES.length
  const taken = new Uint32Array(slotCount)
  const styles: LineStyle[] = Array.from({ length: sets.length })
  order.forEach((index, placed) => {
    const round = Math.floor(placed / slotCount)
    let slot = hashText(texts[index]!) % slotCount
    while (taken[slot]! > round) slot = (slot + 1) % slotCount
    taken[slot] = taken[slot]! + 1
    styles[index] = { color: slot % COLOR_COUNT, dash: Math.floor(slot / COLOR_COUNT) }
  })
  return styles
}
