/**
 * The X-Ray header for a W3C `traceparent`, and the other way. Both name the same ids: X-Ray splits the trace id after the eight
 * digits that it takes for a time.
 *
 * Source: "Tracing header" in the AWS X-Ray Developer Guide; W3C Trace Context, section 3.2.
 */
export function toXRay(traceparent: string): string | undefined {
  const [, time, rest, parent, flags] =
    /^00-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? []
  if (time === undefined || flags === undefined) return undefined
  return `Root=1-${time}-${rest};Parent=${parent};Sampled=${Number.parseInt(flags, 16) & 1}`
}

export function fromXRay(header: string): string | undefined {
  const parts = new Map(
    header.split(';').map((part): [string, string] => {
      const [name = '', value = ''] = part.trim().split('=')
      return [name, value]
    }),
  )
  const [, time, rest] = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(parts.get('Root') ?? '') ?? []
  const parent = parts.get('Parent') ?? ''
  if (time === undefined || !/^[0-9a-f]{16}$/.test(parent)) return undefined
  return `00-${time}${rest}-${parent}-${parts.get('Sampled') === '1' ? '01' : '00'}`
}
