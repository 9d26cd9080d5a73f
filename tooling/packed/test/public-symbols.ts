import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-5.2'
import { root } from './tarball.ts'

/** What a package exports, or a method of it, with what its comment says. */
export interface PublicSymbol {
  /** `@queue-runtime/core/testing fakeClock`, `@queue-runtime/core QueueClient.send`. */
  readonly name: string
  readonly kind: 'function' | 'method' | 'type' | 'value'
  readonly text: string
  /** What stands behind its tags: `throws`, `example`. */
  readonly tags: Readonly<Record<string, string>>
}

interface Door {
  readonly name: string
  readonly types: string
}

/** Every door of every package that is published, as it was built. */
function doorsOf(folder: string): Door[] {
  const path = join(root, 'packages', folder)
  const { name, exports } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  return Object.entries<{ types: string }>(exports).map(([door, { types }]) => {
    const file = join(path, types)
    if (!existsSync(file)) throw new Error(`packages/${folder} is not built: run \`pnpm build\` first.`)
    return { name: name + door.slice(1), types: file }
  })
}

const callable = (checker: ts.TypeChecker, symbol: ts.Symbol, at: ts.Node): boolean =>
  checker.getTypeOfSymbolAtLocation(symbol, at).getCallSignatures().length > 0

/** Methods, and properties that can only be called. A callback that may be left out is described with the others. */
function methodsOf(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol[] {
  const members = symbol.declarations?.flatMap((declaration) => {
    if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) return [...declaration.members]
    const isShape = ts.isTypeAliasDeclaration(declaration) && ts.isTypeLiteralNode(declaration.type)
    return isShape ? [...declaration.type.members] : []
  })
  return (members ?? []).flatMap((member) => {
    const found = member.name && checker.getSymbolAtLocation(member.name)
    if (found === undefined || member.name?.getText().startsWith('[')) return []
    return callable(checker, found, member) ? [found] : []
  })
}

/** Reads the declarations of every package. */
export function publicSymbols(): PublicSymbol[] {
  const doors = readdirSync(join(root, 'packages')).flatMap(doorsOf)
  const options = { strict: true, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }
  const program = ts.createProgram(
    doors.map(({ types }) => types),
    options,
  )
  const checker = program.getTypeChecker()
  const read = (name: string, kind: PublicSymbol['kind'], symbol: ts.Symbol): PublicSymbol => ({
    ...{ name, kind },
    text: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    tags: Object.fromEntries(symbol.getJsDocTags(checker).map((tag) => [tag.name, ts.displayPartsToString(tag.text)])),
  })

  return doors.flatMap((door) => {
    const source = program.getSourceFile(door.types)
    const module = source && checker.getSymbolAtLocation(source)
    if (source === undefined || module === undefined) throw new Error(`${door.types} exports nothing.`)
    return checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      const name = `${door.name} ${exported.name}`
      const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0
      const kind = !isValue ? 'type' : callable(checker, symbol, source) ? 'function' : 'value'
      const methods = methodsOf(checker, symbol)
      return [read(name, kind, symbol), ...methods.map((method) => read(`${name}.${method.name}`, 'method', method))]
    })
  })
}
