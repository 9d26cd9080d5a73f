import { readdirSync, readFileSync } from 'node:fs'
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { openSpans } from '../src/telemetry/spans.ts'
import { INSTRUMENTS } from './instruments.ts'
import { spanRecorder } from './telemetry-support.ts'

const repository = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/observability.md', repository), 'utf8')

/** The rows of each table of a section whose head begins with this; the marks of code are taken off. */
const rowsOf = (heading: string, firstHead: string): string[][] => {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const [, table = ''] = section.split(`| ${firstHead} |`)
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

const labelsOf = (cell = ''): string[] => cell.split(', ').filter((label) => label !== '')

const NEAR = 200
const COMMENT = /\/\*\*.*?\*\//gs

/** The level that a text is written with: that of the logger nearest before it, or after it where the text is made first. */
const levelOf = (source: string, at: number): string => {
  const levels = (part: string): string[] =>
    [...part.matchAll(/logger(?:\.(\w+)|\[level\])\(/g)].map(([, level]) => level ?? '?')
  return levels(source.slice(Math.max(0, at - NEAR), at)).at(-1) ?? levels(source.slice(at, at + NEAR))[0] ?? '?'
}

/** What the sources of a package write to the log, and how loud: a sentence without a stop at its end. */
const linesIn = (name: string): Map<string, string> => {
  const folder = new URL(`packages/${name}/src/`, repository)
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  const sources = paths
    .filter((path) => !path.endsWith('telemetry/metrics.ts'))
    .map((path) => readFileSync(new URL(path, folder), 'utf8').replaceAll(COMMENT, ''))
  const sentence = /(description: |_SECONDS, )?'((?:[A-Z]|on[A-Z])[^'`\n]* [^'`\n]*[^.'`\n])'/g
  const found = sources.flatMap((source) =>
    [...source.matchAll(sentence)]
      .filter(([, describesMetric]) => describesMetric === undefined)
      .map((match): [string, string] => [match[2] ?? '', levelOf(source, match.index)]),
  )
  return new Map(found)
}

describe('docs/observability.md', () => {
  it('lists every metric of core, with its kind and its labels (O1, O3, O4)', () => {
    const listed = rowsOf('Metrics', 'Of core').map(([name, kind, labels]) => [name, kind, labelsOf(labels).sort()])
    const measured = Object.entries(INSTRUMENTS).map(([name, { type, labels = [] }]) => [name, type, labels])
    expect(Object.fromEntries(listed.map(([name, ...rest]) => [name, rest]))).toEqual(
      Object.fromEntries(measured.map(([name, ...rest]) => [name, rest])),
    )
    expect(listed).toHaveLength(measured.length)
  })

  it('lists every span, with its kind (O9)', () => {
    const recorder = spanRecorder()
    const spans = openSpans(recorder.provider, 'test', 'orders')
    const operations = ['send', 'receive', 'process', 'complete', 'abandon', 'deadLetter', 'session'] as const
    for (const operation of operations) spans.start(operation, [], ROOT_CONTEXT)?.end()
    const ended = recorder.spans().map(({ name, kind }) => [name, SpanKind[kind].toLowerCase()])
    expect(rowsOf('Traces', 'Span').map(([name, kind]) => [name, kind])).toEqual(ended)
  })

  it.each([
    { name: 'core', others: [], unsure: [] },
    {
      name: 'crypto',
      others: ['NonceReused in-flight', 'NonceReused completed', 'The directory of keys'],
      // Of these the code decides the level, or a caller does.
      unsure: [
        'One key seals for two queues without an audience: a message of one opens on the other',
        'Message received WITHOUT encryption',
      ],
    },
  ])('lists every line that $name writes, and how loud it is (O8)', ({ name, others, unsure }) => {
    const written = linesIn(name)
    for (const other of others) written.delete(other)
    const listed = rowsOf('Log lines', `Of ${name}`).map(([text = '', level = '']): [string, string] => [text, level])
    const unknown = new Set([...written].filter(([, level]) => level === '?').map(([text]) => text))
    const known = ([text]: [string, string]): boolean => !unknown.has(text)
    expect(new Set(listed.map(([text]) => text))).toEqual(new Set(written.keys()))
    expect(Object.fromEntries(listed.filter(known))).toEqual(Object.fromEntries([...written].filter(known)))
    expect([...unknown]).toEqual(unsure)
  })
})
