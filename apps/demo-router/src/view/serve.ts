import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { ViewState } from './state.ts'

/** What the page is made of; of its folder nothing else is served. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Files of libraries that the page loads as they are. */
const LIBRARIES: Readonly<Record<string, string>> = {
  '/vendor/uplot.js': 'uplot/dist/uPlot.esm.js',
  '/vendor/uplot.css': 'uplot/dist/uPlot.min.css',
}

/** The page may load its own files and ask its own server, nothing else; no text ever becomes HTML or a script. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

const FOLDER = new URL('../../public/', import.meta.url)
const libraries = createRequire(import.meta.url)

/** Each path of the page, and the file behind it. A path that is not in the list is none. */
const files = (): (readonly [path: string, file: URL | string])[] => [
  ...readdirSync(FOLDER)
    .filter((name) => extname(name) in TYPES)
    .map((name) => [name === 'index.html' ? '/' : `/${name}`, new URL(name, FOLDER)] as const),
  ...Object.entries(LIBRARIES).map(([path, name]) => [path, libraries.resolve(name)] as const),
]

/** Adds the page at `/` and the files it is made of, each read once. */
export function servePage(app: FastifyInstance): void {
  for (const [path, file] of files()) {
    const content = readFileSync(file)
    const type = TYPES[extname(String(file))]
    app.get(path, (_request, reply) => reply.headers({ ...HEADERS, 'content-type': type }).send(content))
  }
}

/** The same, and `/state.json` for programs that look. */
export function serveView(app: FastifyInstance, state: () => ViewState): void {
  servePage(app)
  app.get('/state.json', (_request, reply) => reply.headers(HEADERS).send(state()))
}
