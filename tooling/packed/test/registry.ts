import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import type { Tarball } from './tarball.ts'

export interface Registry {
  readonly url: string
  close(): Promise<void>
}

/**
 * A package registry that knows these tarballs and nothing else: npm installs from it as a user would, without a network, and a package
 * that asks for anything more cannot be installed.
 */
export async function startRegistry(tarballs: readonly Tarball[]): Promise<Registry> {
  const answers = new Map<string, () => string | Buffer>()
  const server = createServer((request, response) => {
    const answer = answers.get(decodeURIComponent(request.url ?? ''))
    response.statusCode = answer === undefined ? 404 : 200
    response.end(answer?.() ?? '{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  for (const { manifest, path } of tarballs) {
    const tarballPath = `/tarballs/${basename(path)}`
    const integrity = `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`
    const version = { ...manifest, dist: { tarball: url + tarballPath, integrity } }
    const listing = {
      name: manifest.name,
      'dist-tags': { latest: manifest.version },
      versions: { [manifest.version]: version },
    }
    answers.set(`/${manifest.name}`, () => JSON.stringify(listing))
    answers.set(tarballPath, () => readFileSync(path))
  }

  return {
    url,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
