/** One metric as Prometheus reads it. */
export interface Family {
  readonly type: string
  readonly labels: ReadonlySet<string>
  /** Of a histogram: upper bounds of its buckets, without the last, which has none. */
  readonly bounds: readonly number[]
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of a page of metrics; a line that is neither a comment nor a sample is an error. */
export const samplesOf = (text: string): Sample[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? []
      if (name === '') throw new Error(`No sample: ${line}`)
      const pairs = [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text])
      return { name, labels: Object.fromEntries(pairs), value: Number(value) }
    })

/** The metrics of a page, by name. */
export function familiesOf(text: string): Record<string, Family> {
  const samples = samplesOf(text)
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type] as const)
  return Object.fromEntries(
    types.map(([name, type]) => {
      const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      const own = samples.filter((sample) => suffixes.some((suffix) => sample.name === name + suffix))
      const labels = new Set(own.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== 'le'))
      const bounds = new Set(own.flatMap((sample) => sample.labels.le ?? []).filter((le) => le !== '+Inf'))
      return [name, { type, labels, bounds: [...bounds].map(Number) }]
    }),
  )
}
