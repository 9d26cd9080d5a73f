import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tarball.ts'

/** A program on a page: a block of JavaScript that imports something. */
export interface Program {
  /** The page and which of its programs it is: `docs/testing.md 2`. */
  readonly name: string
  readonly code: string
  /** What the page says that it prints, line by line, where it says so: the next block of text, or the comments behind `console.log`. */
  readonly prints: readonly string[] | undefined
}

const BLOCK = /^```(\w+)\n(.*?)^```$/gms
const COMMENT = /^.*console\.log\(.*\) \/\/ (.*)$/gm

const commentsOf = (code: string): string[] | undefined => {
  const lines = [...code.matchAll(COMMENT)].flatMap(([, comment]) => comment ?? [])
  return lines.length > 0 ? lines : undefined
}

/** The programs of a page, in order. */
export function programsOf(page: string): Program[] {
  const blocks = [...readFileSync(join(root, page), 'utf8').matchAll(BLOCK)].map(([, language, text = '']) => ({
    language,
    text,
  }))
  return blocks
    .map(({ language, text }, index) => ({ language, text, next: blocks[index + 1] }))
    .filter(({ language, text }) => language === 'js' && /^import /m.test(text))
    .map(({ text, next }, index) => ({
      name: `${page} ${index + 1}`,
      code: text,
      prints: next?.language === 'text' ? next.text.trimEnd().split('\n') : commentsOf(text),
    }))
}

/** Every page for users, and the README of each package that works without a cloud. */
export const pages: readonly string[] = [
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
  ...['core', 'crypto', 'provider-memory'].map((name) => `packages/${name}/README.md`),
]

/** The lines as the page has them: behind a comma it may say more than what is printed. */
export const asOnPage = (printed: readonly string[], prints: readonly string[] = []): string[] =>
  printed.map((line, index) => (prints[index]?.startsWith(`${line},`) ? prints[index] : line))

/** The packages that a program imports. */
export const importsOf = ({ code }: Program): string[] =>
  [...code.matchAll(/^import .* from '([^']+)'$/gm)].flatMap(([, from]) => from ?? [])
