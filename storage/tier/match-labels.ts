// Label sets against matchers, where no index has them.
import { getLabel, type Labels } from '../../lib/model/labels.ts'
import { compileMatcher, type Matcher } from '../../lib/model/matcher.ts'

/** The test whether a label set matches one of the sets. Throws RegexError. */
export function matchingLabels(sets: readonly (readonly Matcher[])[]): (labels: Labels) => boolean {
  const compiled = sets.map((set) => set.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) })))
  return (labels) => compiled.some((set) => set.every(({ name, test }) => test(getLabel(labels, name))))
}
