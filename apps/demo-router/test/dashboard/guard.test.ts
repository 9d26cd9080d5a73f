import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { isFromHere } from '../../src/dashboard/guard.ts'

const request = (headers: Record<string, string>, remoteAddress: string | undefined = '127.0.0.1') =>
  ({ headers, socket: { remoteAddress } }) as unknown as FastifyRequest

const host = '127.0.0.1:8080'
const visit = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

describe('whoever is taken for a page or a program of this machine', () => {
  it.each([
    ['a program', { host }],
    ['a program that says localhost', { host: 'localhost:8080' }],
    ['a program over IPv6', { host: '[::1]:8080' }],
    ['our own page', { host, origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }],
    ['somebody who types the address', { host, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['somebody who follows a link', { host, 'sec-fetch-site': 'cross-site', ...visit }],
  ])('is %s', (_, headers) => {
    expect(isFromHere(request(headers))).toBe(true)
  })

  it.each([
    ['a name that was pointed here (DNS rebinding)', { host: 'evil.example:8080' }],
    ['a name that only begins like ours', { host: '127.0.0.1.evil.example' }],
    ['no host', {}],
    ['a host that is none', { host: 'a b' }],
    ['the page of another site', { host, origin: 'https://evil.example' }],
    ['a page of another port', { host, origin: 'http://127.0.0.1:9090' }],
    ['a page in a sandbox', { host, origin: 'null' }],
    ['a picture on the page of another site', { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    [
      'a hidden frame on the page of another site',
      { host, 'sec-fetch-site': 'cross-site', ...visit, 'sec-fetch-dest': 'iframe' },
    ],
    ['a page of another port that asks without Origin', { host, 'sec-fetch-site': 'same-site' }],
  ])('is not %s', (_, headers) => {
    expect(isFromHere(request(headers))).toBe(false)
  })

  it.each(['192.168.1.7', '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', undefined])('is not a peer at %s', (address) => {
    expect(isFromHere(request({ host }, address ?? ''))).toBe(false)
  })

  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])('may be a peer at %s', (address) => {
    expect(isFromHere(request({ host }, address))).toBe(true)
  })
})
