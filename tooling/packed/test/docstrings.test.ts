import ts from 'typescript-5.2'
import { describe, expect, test } from 'vitest'
import { type PublicSymbol, publicSymbols } from './public-symbols.ts'

const symbols = publicSymbols()
const names = (found: readonly PublicSymbol[]): string[] => found.map(({ name }) => name)
const functions = symbols.filter(({ kind }) => kind === 'function')

/** What says all by its name. */
const SELF_EVIDENT = /\.(toJSON|toString)$/

/** Functions that take anything and throw nothing. */
const NEVER_THROW: readonly string[] = [
  ...['core', 'crypto/provider'].map((door) => `@queue-runtime/${door} isQueueError`),
  ...['errorClass', 'invalid', 'misconfigured', 'resolveLogger'].flatMap((name) =>
    ['core/provider', 'crypto/provider'].map((door) => `@queue-runtime/${door} ${name}`),
  ),
  ...['errorLabel', 'hasMethods', 'isAttributeName', 'isEncrypted', 'isReservedAttribute'].map(
    (name) => `@queue-runtime/core/provider ${name}`,
  ),
  ...['locate', 'logFields'].map((name) => `@queue-runtime/core/provider ${name}`),
  ...['isKeyId', 'isKeyText'].map((name) => `@queue-runtime/crypto/provider ${name}`),
  '@queue-runtime/core/testing fakeClock',
]

/** What applications call: its methods say what they throw, each by itself. */
const CALLED = /^@queue-runtime\/core (QueueSender|QueueReceiver|QueueClient|Session|DeadLetter|DeadLetters)\./

describe('every public symbol', () => {
  test('has a docstring, and so has each of its methods (style 7)', () => {
    expect(symbols.length).toBeGreaterThan(150)
    expect(names(symbols.filter(({ name, text }) => text === '' && !SELF_EVIDENT.test(name)))).toEqual([])
  })

  test('that is a function shows an example of its use (style 7)', () => {
    expect(names(functions.filter(({ tags }) => !tags.example))).toEqual([])
  })

  test('that is a function names what it throws, or throws nothing (style 7)', () => {
    const silent = names(functions.filter(({ tags }) => !tags.throws))
    expect(silent.toSorted()).toEqual(NEVER_THROW.toSorted())
  })

  test('that applications call names what it throws (style 7)', () => {
    const called = symbols.filter(({ name, kind }) => kind === 'method' && CALLED.test(name))
    expect(called.length).toBeGreaterThan(15)
    expect(names(called.filter(({ tags }) => !tags.throws))).toEqual([])
  })

  test.each(symbols.filter(({ tags }) => tags.example).map(({ name, tags }) => [name, tags.example ?? '']))(
    '%s: its example is JavaScript',
    (_, example) => {
      const { diagnostics = [] } = ts.transpileModule(
        `async () => {\n${example.replaceAll(/^import .*$|^export /gm, '')}\n}`,
        {
          reportDiagnostics: true,
          compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 },
        },
      )
      expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
    },
  )
})
