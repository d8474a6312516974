// Labels as text that can be selected and searched: name="value", separated by spaces.
import { Fragment } from 'preact'
import type { JSX } from 'preact'
import { labelValue, type LabelSet } from '../query/label-set.ts'

/** Letters written from the right, and marks that turn what follows: such a value must not carry its neighbours along. */
const MAY_TURN = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/

/** The metric's name first, then the other labels; `empty` stands where there is none. */
export function LabelText({ labels, empty = '{}' }: { labels: LabelSet; empty?: string }): JSX.Element {
  const name = labelValue(labels, '__name__')
  const others = labels.filter(([label]) => label !== '__name__')
  return (
    <span class="labels">
      {name !== '' && <span class="label-metric">{name}{others.length > 0 && ' '}</span>}
      {others.map(([label, value], i) => (
        <Fragment key={label}><span class="label"><span class="label-name">{label}=</span>"{MAY_TURN.test(value) ? <bdi>{value}</bdi> : value}"</span>{i < others.length - 1 && ' '}</Fragment>
      ))}
      {labels.length === 0 && <span class="label-name">{empty}</span>}
    </span>
  )
}
