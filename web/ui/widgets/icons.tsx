// The icons of the pages, drawn here: 16 px, stroke of the text's colour. All are decoration: the control that holds
// one has a name of its own.
import type { JSX } from 'preact'

const PATHS = {
  query: 'M2 12.5h12M2.5 9.5l3-3.5 2.5 2.5 5-6',
  targets: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  bell: 'M3 11.500h10l-1.300-1.800V7a3.700 3.700 0 0 0-7.400 0v2.700L3 11.500ZM6.700 13.700h2.600',
  rules: 'M2.500 4.500l1.200 1.200L6 3M8.500 4.500h5M2.500 10.500l1.200 1.200L6 9M8.500 10.500h5',
  left: 'M10 3 5 8l5 5',
  right: 'm6 3 5 5-5 5',
  down: 'm4 6.5 4 4 4-4',
  plus: 'M8 3v10M3 8h10',
  close: 'm4 4 8 8m0-8-8 8',
  refresh: 'M13.5 8A5.5 5.5 0 1 1 11.6 3.8M12 1.5v3H9',
  history: 'M2.5 8A5.5 5.5 0 1 0 4.4 3.8M4 1.5v3h3M8 5v3l2 1.5',
  copy: 'M6 6h7.5v7.5H6zM3.5 10H2.5V2.5H10v1',
  link: 'M7 9.5a3 3 0 0 0 4.2 0l2-2A3 3 0 0 0 9 3.300l-.8.8M9 6.500a3 3 0 0 0-4.2 0l-2 2A3 3 0 0 0 7 12.700l.8-.8',
  sun: 'M8 10.800a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.600ZM8 1v1.500M8 13.500V15M1 8h1.500M13.5 8H15M3 3l1.1 1.100M11.9 11.9 13 13M3 13l1.1-1.100M11.9 4.1 13 3',
  moon: 'M13.5 9.500A6 6 0 0 1 6.5 2.500a6 6 0 1 0 7 7Z',
  auto: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 2v12M8 5l4.5-1M8 8h6M8 11l4.5 1',
  pause: 'M5.5 3.500v9M10.5 3.500v9',
  play: 'M5 3v10l8-5z',
  up: 'm8 3.5 4 5H4z',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
