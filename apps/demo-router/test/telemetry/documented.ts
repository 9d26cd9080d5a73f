import { readFileSync } from 'node:fs'

const repository = new URL('../../../../', import.meta.url)

const readPage = (path: string): string => readFileSync(new URL(path, repository), 'utf8')

/** What a page promises of a metric. */
export interface Documented {
  readonly kind: string
  readonly labels: ReadonlySet<string>
}

const cellsOf = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''))

/** The rows of the table that begins with this head. */
const rowsOf = (page: string, head: string): string[][] => {
  const [, table = ''] = page.split(`| ${head} | Kind |`)
  const [, body = ''] = /\|---[^\n]*\n((?:\|[^\n]*\n)+)/.exec(table) ?? []
  return body.trim().split('\n').map(cellsOf)
}

const listed = (page: string, head: string, common: readonly string[]): Record<string, Documented> =>
  Object.fromEntries(
    rowsOf(readPage(page), head).map(([name = '', kind = '', labels = '']) => [
      name,
      { kind, labels: new Set([...common, ...labels.split(', ').filter((label) => label !== '')]) },
    ]),
  )

/** The metrics of core and crypto, as docs/observability.md lists them. */
export const LIBRARY: Readonly<Record<string, Documented>> = {
  ...listed('docs/observability.md', 'Of core', ['queue']),
  ...listed('docs/observability.md', 'Of crypto', []),
}

/** The metrics of the router itself, as docs/operations.md lists them. */
export const ROUTER: Readonly<Record<string, Documented>> = listed('docs/operations.md', 'Of the router', [])

/** What Prometheus calls a kind: it has no levels, and what goes up and down is a gauge. */
export const typeOf = ({ kind }: Documented): string => (kind === 'level' ? 'gauge' : kind)
