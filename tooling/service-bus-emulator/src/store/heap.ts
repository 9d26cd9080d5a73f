/** Where an item stands in its heap; whoever added the item keeps it, to take the item out again. */
export interface Place<T> {
  readonly item: T
  index: number
}

/** A binary heap from which any item can be taken in O(log n). What `before` looks at must not change while an item is in it. */
export interface Heap<T> {
  readonly size: number
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

  const rise = (place: Place<T>): void => {
    let { index } = place
    while (index > 0) {
      const up = (index - 1) >> 1
      const parent = places[up]
      if (parent === undefined || !before(place.item, parent.item)) break
      put(parent, index)
      index = up
    }
    put(place, index)
  }

  const lesserChild = (index: number): Place<T> | undefined => {
    const left = places[2 * index + 1]
    const right = places[2 * index + 2]
    return left !== undefined && right !== undefined && before(right.item, left.item) ? right : left
  }

  const sink = (place: Place<T>): void => {
    let { index } = place
    for (let child = lesserChild(index); child !== undefined; child = lesserChild(index)) {
      if (!before(child.item, place.item)) break
      const down = child.index
      put(child, index)
      index = down
    }
    put(place, index)
  }

  return {
    get size() {
      return places.length
    },
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
