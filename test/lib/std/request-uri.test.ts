import { expect, it } from 'vitest'
import { isRequestUri } from '../../../lib/std/request-uri.ts'

// What Alertmanager 0.35 took as an alert's generatorURL, and what it refused.
const TAKEN = [
  '/graph?a=b', '//x/y', 'http://a/b c', 'http://a/b?x=%zz', 'javascript:alert(1)', 'mailto:x', 'http://', 'http:', 'http://[::1]:80/', 'http://ü/ä?ö', 'http://a/#%zz',
  'http://u:p@h/', '*', 'http://a/ü b', 'http://prom:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1', 'http://a:/', 'http://[fe80::1%25en0]/', 'http://a<b/', 'http://a"b/', 'http://a/<b>', 'http://a/#\n', '/a#', '*#x', 'http:#x',
]
const REFUSED = [
  '::bad', 'graph', 'http://a b/c', 'http://a\tb', 'http://a/\n', 'http://a/%zz', '1http://x', 'http://[::1', 'http://a:port/', 'a/b:c', '?x', '#f', 'http://u:p w@h/',
  'http://h%41/', 'http://h%zz/', 'a b:c', ' http://a', 'http://a/\x7f', 'http://a:-1/', '#', 'a#/b', '',
]

it('takes what Go takes for the address of a request', () => {
  for (const text of TAKEN) expect(isRequestUri(text), text).toBe(true)
  for (const text of REFUSED) expect(isRequestUri(text), text).toBe(false)
})
