import type { TestCase, TestModule } from 'vitest/node'

/** What is skipped for the same reason in the same group is told once. */
interface Skips {
  readonly where: string
  readonly note: string | undefined
  readonly names: string[]
}

const groupOf = (test: TestCase): string =>
  test.parent.type === 'suite' ? test.parent.fullName : test.module.relativeModuleId

const noteOf = (test: TestCase): string | undefined => {
  const result = test.result()
  return result.state === 'skipped' ? result.note : undefined
}

const lineOf = ({ where, note, names }: Skips): string => {
  const [first, ...more] = names
  const what = more.length === 0 ? `${where} > ${first}` : `${where}, ${names.length} tests`
  return note === undefined ? what : `${what}: ${note}`
}

/** Returns a line for each group of skipped tests that says why. A test without a note says it in its name. */
export function skipLines(modules: readonly TestModule[]): string[] {
  const groups = new Map<string, Skips>()
  for (const test of modules.flatMap((module) => [...module.children.allTests('skipped')])) {
    const [where, note] = [groupOf(test), noteOf(test)]
    const key = JSON.stringify([where, note ?? test.name])
    const skips = groups.get(key) ?? { where, note, names: [] }
    skips.names.push(test.name)
    groups.set(key, skips)
  }
  return Array.from(groups.values(), lineOf)
}
