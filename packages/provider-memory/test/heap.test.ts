import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHeap, type Place } from '../src/heap.ts'

const operation = fc.oneof(
  { weight: 2, arbitrary: fc.record({ name: fc.constant('add' as const), value: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('delete' as const), value: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('pop' as const), value: fc.constant(0) }) },
)

test('the first item of a heap is always the least one that is in it, wherever others were taken out', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), (operations) => {
      const heap = createHeap<number>((a, b) => a < b)
      const inside: Place<number>[] = []
      for (const { name, value } of operations) {
        if (name === 'add') inside.push(heap.add(value))
        else {
          const index = name === 'pop' ? inside.findIndex(({ item }) => item === heap.first()) : value % inside.length
          for (const place of inside.splice(index, inside.length === 0 ? 0 : 1)) heap.delete(place)
        }
        const least = inside.length === 0 ? undefined : Math.min(...inside.map(({ item }) => item))
        expect(heap.first()).toBe(least)
      }
    }),
    { numRuns: 500, seed: 1 },
  )
})

test('an item that is no longer in the heap is not taken out again, nor another in its place', () => {
  const heap = createHeap<number>((a, b) => a < b)
  const one = heap.add(1)
  const two = heap.add(2)
  heap.add(3)
  heap.delete(one)
  heap.delete(one)
  expect(heap.first()).toBe(2)
  heap.delete(two)
  expect(heap.first()).toBe(3)
})
