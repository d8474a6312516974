import { expect, it } from 'vitest'
import { alternativeNames } from '../../../lib/std/tls-server.ts'

it('reads what a certificate is for, also where a name is made to look like several', () => {
  const f = (subjectaltname: string | undefined, ...names: string[]): void => {
    expect(alternativeNames(subjectaltname === undefined ? {} : { subjectaltname })).toEqual(names)
  }
  f(undefined)
  f('')
  f('DNS:a.example, IP Address:127.0.0.1, URI:spiffe://x/y, email:a@b.example', 'a.example', '127.0.0.1', 'spiffe://x/y', 'a@b.example')
  f('DNS:"a.example, DNS:b.example", IP Address:::1', 'a.example, DNS:b.example', '::1')
  f('othername:<unsupported>, DNS:a.example', 'a.example')
})
