/** Where an item stands in its heap; whoever added the item keeps it, to take the item out again. */
export interface Place<T> {
  readonly item: T
  index: number
}

/**
 * A binary heap from which any item can be taken in O(log n). Nothing that was taken out stays behind, so that memory follows
 * what is in it. What `before` looks at must not change while the item is in the heap.
 */
export interface Heap<T> {
  /** The item that comes before all others. */
  first(): T | undefined
  add(item: T): Place<T>
  /** Does nothing where the item is no longer in the heap. */
  delete(place: Place<T>): void
}

export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  const places: Place<T>[] = []

  const put = (place: Place<T>, index: number): void => {
    places[index] = place
    place.index = index
  }

  /** Moves `place` up from its index past all that come after it. */
  const rise = (place: Place<T>): void => {
    let { index } = place
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = places[parentIndex]
      if (parent === undefined || !before(place.item, parent.item)) break
      put(parent, index)
      index = parentIndex
    }
    put(place, index)
  }

  const firstChild = (index: number): Place<T> | undefined => {
    const left = places[2 * index + 1]
    const right = places[2 * index + 2]
    return left !== undefined && right !== undefined && before(right.item, left.item) ? right : left
  }

  /** Moves `place` down from its index past all that come before it. */
  const sink = (place: Place<T>): void => {
    let { index } = place
    let child = firstChild(index)
    while (child !== undefined && before(child.item, place.item)) {
      const childIndex = child.index
      put(child, index)
      index = childIndex
      child = firstChild(index)
    }
    put(place, index)
  }

  return {
    first: () => places[0]?.item,
    add(item) {
      const place: Place<T> = { item, index: places.length }
      places.push(place)
      rise(place)
      return place
    },
    delete(place) {
      const { index } = place
      if (places[index] !== place) return
      const last = places.pop()
      if (last === undefined || last === place) return
      put(last, index)
      rise(last)
      sink(last)
    },
  }
}
