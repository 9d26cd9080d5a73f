import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cryptoTelemetry } from '../src/telemetry.ts'
import { incoming, key, recordedContext } from './support.ts'

const page = readFileSync(new URL('../../../docs/observability.md', import.meta.url), 'utf8')

/** The rows of the table of metrics whose head begins with this; the marks of code are taken off. */
const rowsOf = (firstHead: string): string[][] => {
  const [, table = ''] = page.split(`| ${firstHead} | Kind |`)
  const [, body = ''] = /\|---[^\n]*\n((?:\|[^\n]*\n)+)/.exec(table) ?? []
  return body
    .trim()
    .split('\n')
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

/** Every metric that the telemetry measures with: kind and labels, by name. */
const measured = async (): Promise<Record<string, unknown>> => {
  const found: Record<string, unknown> = {}
  const instrument = (kind: string, name: string) => {
    found[name] = [kind, 'never measured']
    const measure = (_: number, labels: object = {}): void => {
      found[name] = [kind, Object.keys(labels).join(', ')]
    }
    return { add: measure, record: measure }
  }
  const { context } = recordedContext({
    meter: {
      createCounter: (name) => instrument('counter', name),
      createGauge: (name) => instrument('gauge', name),
      createHistogram: (name) => instrument('histogram', name),
    },
  })
  const telemetry = cryptoTelemetry(context)
  const moment = new Date(context.clock.now())
  await telemetry.encrypting(async () => {})
  await telemetry.decrypting(async () => {})
  telemetry.sealed('m', 'k')
  telemetry.opened(incoming(new Uint8Array()), {
    ...{ keyId: 'k', encryptedAt: moment, audience: undefined, attributes: {} },
  })
  telemetry.failed('AuthenticationFailed')
  telemetry.seen(key('k', 0, { createdAt: moment }))
  return found
}

describe('docs/observability.md', () => {
  it('lists every metric of crypto, with its kind and its labels (O1, O3, O4)', async () => {
    const listed = rowsOf('Of crypto').map(([name, kind, labels]) => [name, [kind, labels]])
    expect(Object.fromEntries(listed)).toEqual(await measured())
  })
})
