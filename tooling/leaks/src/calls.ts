import { type ESTree, parseSync, Visitor } from 'vite'
import { type Channel, channelOf } from './channels.ts'
import { LISTENER, type Listener } from './listener.ts'

/** What an error shows may be set after it was made. */
const SET = new Set(['message', 'stack', 'cause'])

type Callee = ESTree.CallExpression['callee'] | ESTree.NewExpression['callee'] | ESTree.AssignmentExpression['left']

const nameOf = (callee: Callee): string => {
  if (callee.type === 'Identifier') return callee.name
  if (callee.type !== 'MemberExpression' || callee.computed) return ''
  return 'name' in callee.property ? callee.property.name : ''
}

/** What is added to a set has no labels, and a text that is written into a buffer has an encoding. */
const isOther = (channel: Channel, given: number): boolean =>
  channel === 'metric' ? given < 2 : channel === 'console' && given > 1

/** Where a call shows something, as an expression of the source. */
const channelIn = ({ callee, arguments: given }: ESTree.CallExpression): string | undefined => {
  if (callee.type === 'MemberExpression' && callee.computed) {
    // A method that is named at run time, as in `logger[level]()`. What is no plain name cannot be looked at twice.
    return callee.property.type === 'Identifier' ? `${LISTENER}.channelOf(${callee.property.name})` : `'log'`
  }
  const channel = channelOf(nameOf(callee))
  return channel === undefined || isOther(channel, given.length) ? undefined : `'${channel}'`
}

/**
 * Returns a source in which the listener is told of what loggers, meters and tracers are called with, and of every error that is
 * made. The lines stay where they are.
 */
export function withListener(source: string, file: string): string {
  const { program, errors } = parseSync(file, source)
  if (errors[0] !== undefined) throw new Error(`${file} could not be read: ${errors[0].message}`)
  const insertions: { readonly at: number; readonly text: string }[] = []

  const wrap = (start: number, end: number, told: keyof Listener, channel: string): void => {
    const place = JSON.stringify(`${file}:${source.slice(0, start).split('\n').length}`)
    const spread = told === 'given' ? '...' : ''
    insertions.push({ at: start, text: `${spread}${LISTENER}.${told}(${channel}, ${place}, ` })
    insertions.push({ at: end, text: ')' })
  }

  new Visitor({
    CallExpression(node) {
      const channel = channelIn(node)
      if (channel === undefined || node.arguments.length === 0) return
      const open = source.indexOf('(', (node.typeArguments ?? node.callee).end)
      wrap(open + 1, node.end - 1, 'given', channel)
    },
    NewExpression(node) {
      if (!/(Error|Exception)$/.test(nameOf(node.callee))) return
      wrap(node.start, node.end, 'made', `'error'`)
    },
    AssignmentExpression({ left, operator, right }) {
      if (left.type !== 'MemberExpression' || operator !== '=' || !SET.has(nameOf(left))) return
      wrap(right.start, right.end, 'made', `'error'`)
    },
  }).visit(program)

  // Of two that begin at one place the outer was visited first, and stays first.
  const parts = insertions
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, text }, index, all) => text + source.slice(at, all[index + 1]?.at ?? source.length))
  return source.slice(0, Math.min(source.length, ...insertions.map(({ at }) => at))) + parts.join('')
}
