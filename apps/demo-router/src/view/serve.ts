import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { ViewState } from './state.ts'

/** The page: four files beside `src` and `dist`, read once. */
const FILES: Readonly<Record<string, readonly [file: string, contentType: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
}

/** The page may load its own files and ask its own server, nothing else. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Adds the page at `/` and what it reads, `/state.json`. */
export function serveView(app: FastifyInstance, state: () => ViewState): void {
  for (const [path, [file, contentType]] of Object.entries(FILES)) {
    const content = readFileSync(new URL(`../../public/${file}`, import.meta.url))
    app.get(path, (_request, reply) => reply.headers(HEADERS).type(contentType).send(content))
  }
  app.get('/state.json', (_request, reply) => reply.headers(HEADERS).send(state()))
}
