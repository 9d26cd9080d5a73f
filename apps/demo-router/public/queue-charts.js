import { createChart } from './charts.js'
import { count, duration } from './format.js'

/** Rate, latency and age of one queue. @param {string} queue */
export const chartsOf = (queue) => [
  createChart({
    ...{ title: 'Messages a second', queue, write: (value) => (value === null ? '–' : count(Math.round(value))) },
    lines: [
      { label: 'sent', colour: '--soft', dash: [4, 3], value: ({ sent }) => sent },
      { label: 'handled', colour: '--good', value: ({ handled }) => handled },
      { label: 'refused', colour: '--bad', dash: [2, 2], value: ({ refused }) => refused },
    ],
  }),
  createChart({
    ...{ title: 'Latency, send to handled', queue, write: duration },
    lines: [
      { label: 'median', colour: '--good', value: ({ latencyP50Ms }) => latencyP50Ms },
      { label: 'p95', colour: '--blue', dash: [4, 3], value: ({ latencyP95Ms }) => latencyP95Ms },
    ],
  }),
  createChart({
    ...{ title: 'Age of the oldest message handled', queue, write: duration },
    lines: [{ label: 'age', colour: '--warn', value: ({ ageMs }) => ageMs }],
  }),
]
