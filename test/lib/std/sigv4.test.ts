// The worked examples of AWS' documentation ("Signature Calculations for the Authorization Header").
import { expect, it } from 'vitest'
import { queryOf, signedHeaders } from '../../../lib/std/sigv4.ts'

const credentials = { accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', sessionToken: '' }
const at = Date.parse('2013-05-24T00:00:00Z')

function signatureOf(method: string, path: string, headers: Record<string, string>, body: string | null): string {
  const url = new URL(`https://examplebucket.s3.amazonaws.com${path}`)
  const signed = signedHeaders({ method, url, headers, body: body === null ? null : Buffer.from(body) }, credentials, { region: 'us-east-1', service: 's3' }, at)
  return /Signature=([\da-f]{64})$/.exec(signed['authorization']!)![1]!
}

it('signs as the documentation does', () => {
  expect(signatureOf('GET', '/test.txt', { range: 'bytes=0-9' }, null)).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41')
  const put = { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' }
  expect(signatureOf('PUT', '/test%24file.text', put, 'Welcome to Amazon S3.')).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
  expect(signatureOf('GET', `/?${queryOf({ lifecycle: '' })}`, {}, null)).toBe('fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543')
  expect(signatureOf('GET', `/?${queryOf({ 'prefix': 'J', 'max-keys': '2' })}`, {}, null)).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7')
})

it('sends the token of temporary credentials, signed', () => {
  const signed = signedHeaders({ method: 'GET', url: new URL('https://b.example/k'), headers: {}, body: null }, { ...credentials, sessionToken: 'T' }, { region: 'us-east-1', service: 's3' }, at)
  expect(signed['x-amz-security-token']).toBe('T')
  expect(signed['authorization']).toContain('x-amz-security-token')
})

it('encodes what S3 wants encoded', () => {
  expect(queryOf({ prefix: "a b/(c)'*!~é", x: '' })).toBe('prefix=a%20b%2F%28c%29%27%2A%21~%C3%A9&x=')
})
