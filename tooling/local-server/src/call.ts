import type { IncomingHttpHeaders } from 'node:http'

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

/** One request of a client, read to its end. */
export interface LocalRequest {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  /** Null where there was none. */
  readonly body: Json
}

/** What a service calls a request. */
export interface Call {
  readonly operation: string
  /** The name of the secret that it concerns; empty where it concerns none. */
  readonly subject: string
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Json
}

/** A property of an object; undefined of anything else. */
export const field = (json: Json | undefined, name: string): Json | undefined =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? Reflect.get(json, name) : undefined

/** A text property; undefined where it is missing or no text. */
export const text = (json: Json | undefined, name: string): string | undefined => {
  const value = field(json, name)
  return typeof value === 'string' ? value : undefined
}
