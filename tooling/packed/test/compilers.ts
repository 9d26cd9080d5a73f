import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { output } from './consumer.ts'
import { root } from './tarball.ts'

/** The newest TypeScript and the oldest that the packages promise to work with. */
export const compilers: readonly { readonly name: string; readonly path: string }[] = [
  { name: 'TypeScript 7', path: join(root, 'node_modules/typescript/bin/tsc') },
  { name: 'TypeScript 5.2', path: join(root, 'tooling/packed/node_modules/typescript-5.2/bin/tsc') },
]

const strict = {
  noEmit: true,
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  typeRoots: [join(root, 'node_modules/@types')],
  types: ['node'],
}

/** What a compiler has against the program in app.ts, beside the packages that are installed in `folder`. */
export async function typeErrors(compiler: string, folder: string, options: object): Promise<string> {
  copyFileSync(join(root, 'tooling/packed/test/app.ts'), join(folder, 'app.mts'))
  const config = join(folder, 'tsconfig.json')
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...strict, ...options }, files: ['app.mts'] }))
  try {
    return await output(process.execPath, [compiler, '-p', config], folder)
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return String(error.stdout)
    throw error
  }
}
