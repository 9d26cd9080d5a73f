import { drawing } from './dom.js'

/** The signs of the picture, drawn around 0,0. Each has a shape of its own: none is told by its colour alone. */

export const padlock = () =>
  drawing(
    'g',
    { class: 'padlock' },
    drawing('path', { class: 'bow', d: 'M-3.5 -1.5 V-4 a3.5 3.5 0 0 1 7 0 V-1.5' }),
    drawing('rect', { x: '-6', y: '-2', width: '12', height: '9', rx: '2' }),
  )

export const sheet = () =>
  drawing(
    'g',
    { class: 'sheet' },
    drawing('path', { class: 'paper', d: 'M-5.5 -7 H2 L5.5 -3.5 V7 H-5.5 Z' }),
    drawing('path', { class: 'lines', d: 'M-2.5 -1 H2.5 M-2.5 2.5 H2.5' }),
  )

export const cross = () => drawing('path', { class: 'cross', d: 'M-5 -5 L5 5 M5 -5 L-5 5' })

export const key = () =>
  drawing(
    'g',
    { class: 'key' },
    drawing('circle', { cx: '-4', cy: '0', r: '3.2' }),
    drawing('path', { d: 'M-0.8 0 H7 M4 0 V3.2 M7 0 V2.6' }),
  )

export const person = () =>
  drawing(
    'g',
    { class: 'person' },
    drawing('circle', { cx: '0', cy: '-4', r: '3.6' }),
    drawing('path', { d: 'M-7 8 a7 7 0 0 1 14 0 Z' }),
  )
