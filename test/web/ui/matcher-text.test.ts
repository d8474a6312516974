import { expect, it } from 'vitest'
import { matcherText, MatcherTextError, parseMatchers } from '../../../web/ui/alerts/matcher-text.ts'

it('reads matchers as people type them', () => {
  const f = (text: string, ...want: string[]): void => expect(parseMatchers(text).map(matcherText), text).toEqual(want)
  f('')
  f(' {} ')
  f('job=node', 'job="node"')
  f('job = "node" , instance=~"db.*",', 'job="node"', 'instance=~"db.*"')
  f('{a!="x",b!~"y|z"}', 'a!="x"', 'b!~"y|z"')
  f('a="1"\n,b="2, 3}"', 'a="1"', 'b="2, 3}"')
  f('"with space"="ü"', 'with space="ü"')
  f('a=', 'a=""')
  f('a=~"\\d+\\.x"', 'a=~"\\d+\\.x"')
  f('a="q\\"\\\\n"', 'a="q"\\n"')
})

it('says what it cannot read', () => {
  const f = (text: string, want: string): void => expect(() => parseMatchers(text), text).toThrow(want)
  f('job', 'Cannot read job: want label="value", with =, !=, =~ or !~, and commas between them')
  f('a="1" b="2"', 'Cannot read a="1" b="2"')
  f('a="1', 'Cannot read a="1')
  f('=x', 'Cannot read =x')
  f('a==b', 'Cannot read a==b')
  expect(() => parseMatchers('job')).toThrow(MatcherTextError)
})
