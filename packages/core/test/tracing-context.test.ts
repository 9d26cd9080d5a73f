import { createTraceState, isSpanContextValid, type SpanContext } from '@opentelemetry/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extract, inject } from '../src/telemetry/trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const GOOD = `00-${TRACE}-${SPAN}-01`

const span = (fields: Partial<SpanContext> = {}): SpanContext => ({
  ...{ traceId: TRACE, spanId: SPAN, traceFlags: 1 },
  ...fields,
})

/** What is read from the two headers, in a form that can be compared. */
const read = (traceparent: unknown, tracestate?: unknown) => {
  const found = extract({ traceparent, tracestate } as Record<string, string>)
  return found && { ...found, ...(found.traceState !== undefined && { traceState: found.traceState.serialize() }) }
}

const REMOTE = { traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true }

const MALFORMED: Record<string, unknown> = {
  'nothing at all': undefined,
  'a number': 42,
  'a list that prints as a good one': [GOOD],
  'an empty string': '',
  'version ff': `ff-${TRACE}-${SPAN}-01`,
  'version ff with more to come': `ff-${TRACE}-${SPAN}-01-x`,
  'an upper case version': `0A-${TRACE}-${SPAN}-01`,
  'a version of one digit': `0-${TRACE}-${SPAN}-01`,
  'upper case ids': GOOD.toUpperCase(),
  'an upper case span id': `00-${TRACE}-${SPAN.toUpperCase()}-01`,
  'a trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
  'a span id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
  'a short trace id': `00-${TRACE.slice(1)}-${SPAN}-01`,
  'a long trace id': `00-${TRACE}0-${SPAN}-01`,
  'a short span id': `00-${TRACE}-${SPAN.slice(1)}-01`,
  'no flags': `00-${TRACE}-${SPAN}`,
  'one flag digit': `00-${TRACE}-${SPAN}-1`,
  'three flag digits': `00-${TRACE}-${SPAN}-011`,
  'three flag digits of a later version': `01-${TRACE}-${SPAN}-011`,
  'flags that are no hex': `00-${TRACE}-${SPAN}-0g`,
  underscores: GOOD.replaceAll('-', '_'),
  'more than version 00 has': `${GOOD}-00`,
  'a trailing dash': `${GOOD}-`,
  'a trailing newline': `${GOOD}\n`,
  'white space around': ` ${GOOD} `,
  'two headers in one': `${GOOD},${GOOD}`,
  'a full-width digit': GOOD.replace('7', '７'),
}

describe('reading traceparent (O10)', () => {
  it('takes the ids and the flags of a well-formed header', () => {
    expect(read(GOOD)).toEqual(REMOTE)
  })

  it.each(Object.entries(MALFORMED))('starts a new trace for %s', (_, header) => {
    expect(read(header, 'a=1')).toBeUndefined()
  })

  it.each([
    ['00', 0],
    ['01', 1],
    ['02', 2],
    ['03', 3],
    ['ff', 3],
    ['fc', 0],
  ])('keeps of the flags %s those that are defined: %i', (flags, traceFlags) => {
    expect(read(`00-${TRACE}-${SPAN}-${flags}`)).toEqual({ ...REMOTE, traceFlags })
  })

  it.each([
    [`01-${TRACE}-${SPAN}-01`, 1],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, 1],
    [`fe-${TRACE}-${SPAN}-00-`, 0],
    [`01-${TRACE}-${SPAN}-03`, 1],
    [`01-${TRACE}-${SPAN}-01-\n`, 1],
  ])('takes the ids and the sampled flag of a later version: %s', (header, traceFlags) => {
    expect(read(header)).toEqual({ ...REMOTE, traceFlags })
  })
})

describe('reading tracestate (O10)', () => {
  const members = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=v`)

  it.each<[string, unknown, string | undefined]>([
    ['one vendor', 'congo=t61rcWkgMzE', 'congo=t61rcWkgMzE'],
    ['several, in their order', 'rojo=00f067,congo=t61,tenant@vendor=x', 'rojo=00f067,congo=t61,tenant@vendor=x'],
    ['white space and empty members', 'a=1 ,\t, b=2,,', 'a=1,b=2'],
    ['an ill-formed member between good ones', 'a=1,B=2,c,=d,e=f=g,h=\u00e4,i=2', 'a=1,i=2'],
    ['nothing but ill-formed members', 'A,B', undefined],
    ['an empty string', '', undefined],
    ['no string', 42, undefined],
    ['nothing at all', undefined, undefined],
    ['32 members', members(32).join(), members(32).join()],
    ['more than 32 members: the first, in their order', members(40).join(), members(32).join()],
    ['32 members and nothing between them', members(32).join(' ,,'), members(32).join()],
    ['more than 32 members of more than 512 characters', members(40).join('xxxxxxxxxx,'), undefined],
    ['512 characters', `a=${'v'.repeat(251)},b=${'v'.repeat(256)}`, `a=${'v'.repeat(251)},b=${'v'.repeat(256)}`],
    ['513 characters', `a=${'v'.repeat(252)},b=${'v'.repeat(256)}`, undefined],
  ])('%s', (_, header, traceState) => {
    expect(read(GOOD, header)).toEqual(traceState === undefined ? REMOTE : { ...REMOTE, traceState })
  })
})

describe('writing the headers (O10)', () => {
  it('adds them to the attributes, which stay as they are', () => {
    const attributes = Object.freeze({ tenant: 'a' })
    expect(inject(span({ traceState: createTraceState('a=1,b=2') }), attributes)).toEqual({
      ...{ tenant: 'a', traceparent: GOOD, tracestate: 'a=1,b=2' },
    })
    expect(attributes).toEqual({ tenant: 'a' })
  })

  it('leaves nothing of the trace that was there before', () => {
    const old = { tenant: 'a', traceparent: `00-${'1'.repeat(32)}-${SPAN}-00`, tracestate: 'old=1' }
    expect(inject(span(), old)).toEqual({ tenant: 'a', traceparent: GOOD })
  })

  it.each([
    ['no span', undefined],
    ['no trace id', span({ traceId: '0'.repeat(32) })],
    ['no span id', span({ spanId: '' })],
  ])('gives the attributes back where there is %s', (_, none) => {
    const attributes = { traceparent: 'kept' }
    expect(inject(none, attributes)).toBe(attributes)
  })

  it('writes two digits of flags, and only flags that are defined', () => {
    expect(inject(span({ traceFlags: 0 }), {})).toEqual({ traceparent: `00-${TRACE}-${SPAN}-00` })
    expect(inject(span({ traceFlags: 0xff }), {})).toEqual({ traceparent: `00-${TRACE}-${SPAN}-03` })
  })

  it('drops a state that is too long for a receiver', () => {
    const long = { ...createTraceState('a=1'), serialize: () => `a=${'v'.repeat(511)}` }
    expect(inject(span({ traceState: long }), {})).toEqual({ traceparent: GOOD })
  })
})

describe('any headers', () => {
  const run = { numRuns: 2_000, seed: 10 }
  const hex = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
  const key = fc.stringMatching(/^[a-z][_0-9a-z*/-]{0,6}$/)
  const value = fc.stringMatching(/^[!-+.-<>-~]{1,6}$/)
  const state = fc.uniqueArray(fc.tuple(key, value), { maxLength: 32, selector: ([name]) => name })
  const anySpan = fc.record({ traceId: hex(32), spanId: hex(16), traceFlags: fc.integer({ min: 0, max: 3 }) })

  it('come back as they were sent, flags and state included (O10)', () => {
    fc.assert(
      fc.property(anySpan, state, (ids, pairs) => {
        fc.pre(isSpanContextValid(ids))
        const written = pairs.map(([name, text]) => `${name}=${text}`).join()
        const sent = written === '' ? ids : { ...ids, traceState: createTraceState(written) }
        const carried = inject(sent, { tenant: 'a' })
        const { traceparent, tracestate } = carried
        const expected = { ...ids, isRemote: true, ...(written !== '' && { traceState: written }) }
        expect(read(traceparent, tracestate)).toEqual(expected)
        expect(inject(extract(carried), {})).toEqual(inject(sent, {}))
      }),
      run,
    )
  })

  /** The grammar of the recommendation once more, character by character. */
  const isWellFormed = (header: string): boolean => {
    const isHex = (text: string, length: number): boolean =>
      text.length === length && [...text].every((character) => '0123456789abcdef'.includes(character))
    const isId = (text: string, length: number): boolean =>
      isHex(text, length) && [...text].some((digit) => digit !== '0')
    const [version = '', traceId = '', spanId = '', flags = '', ...rest] = header.split('-')
    const isKnown = isHex(version, 2) && version !== 'ff' && (version !== '00' || rest.length === 0)
    return isKnown && isId(traceId, 32) && isId(spanId, 16) && isHex(flags, 2)
  }

  /** Headers that are right but for a place or two. */
  const nearlyRight = fc
    .record({
      header: fc
        .tuple(fc.constantFrom('00', '01', 'cc', 'ff'), hex(32), hex(16), hex(2), fc.constantFrom('', '-', '-x', 'x'))
        .map(([version, traceId, spanId, flags, rest]) => `${version}-${traceId}-${spanId}-${flags}${rest}`),
      at: fc.nat(120),
      put: fc.constantFrom('', '', '', '-', '0', 'A', 'g', '\n', '\u0000'),
      cut: fc.nat(1),
    })
    .map(({ header, at, put, cut }) => header.slice(0, at) + put + header.slice(at + cut))

  it('are read where the grammar allows them and never throw (O10)', () => {
    let good = 0
    let bad = 0
    fc.assert(
      fc.property(
        fc.oneof(nearlyRight, fc.string({ unit: 'binary' })),
        fc.string({ unit: 'binary' }),
        (header, other) => {
          const found = extract({ traceparent: header, tracestate: other })
          expect(found !== undefined).toBe(isWellFormed(header))
          if (found === undefined) bad++
          else good++
          if (found !== undefined) expect(isSpanContextValid(found) && found.isRemote).toBe(true)
        },
      ),
      run,
    )
    expect(Math.min(good, bad)).toBeGreaterThan(run.numRuns / 10)
  })

  it('carry on a state of at most 512 characters and 32 members, whatever came (O10)', () => {
    const noise = fc.array(
      fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a=1', 'b=2', ' c=3 ', '', '=', 'K=1')),
      {
        maxLength: 80,
      },
    )
    fc.assert(
      fc.property(noise, (parts) => {
        const { tracestate } = inject(extract({ traceparent: GOOD, tracestate: parts.join() }), {})
        if (tracestate === undefined) return
        expect(tracestate.length).toBeLessThanOrEqual(512)
        expect(tracestate.split(',').length).toBeLessThanOrEqual(32)
        for (const member of tracestate.split(',')) expect(member).toMatch(/^[a-z0-9][_0-9a-z*/@-]*=[ -~]*[!-~]$/)
      }),
      run,
    )
  })
})
