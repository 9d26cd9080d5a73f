import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tarball.ts'

/** The oldest Node that the packages promise to run on, where npm has it for this platform, and the one that runs the tests. */
export const nodes: readonly { readonly name: string; readonly path: string | undefined }[] = [
  { name: 'Node 22', path: oldest() },
  { name: `Node ${process.versions.node.split('.')[0]}`, path: process.execPath },
]

function oldest(): string | undefined {
  const path = join(root, `tooling/packed/node_modules/node22-${process.platform}-${process.arch}/bin/node`)
  return existsSync(path) ? path : undefined
}
