import type { QueueName } from '../../src/github/routes.ts'

const repository = { id: 186_853_002, full_name: 'Codertocat/Hello-World', private: true, default_branch: 'main' }
const sender = { login: 'Codertocat', id: 21_031_067, type: 'User' }

/** Bodies such as GitHub sends, short. */
export const examples: Readonly<Record<QueueName, string>> = {
  'task-tactician': JSON.stringify({
    action: 'opened',
    number: 2,
    pull_request: { id: 279_147_437, title: 'Update the README with new information.', state: 'open', draft: false },
    ...{ repository, sender },
  }),
  'merge-warden': JSON.stringify({
    action: 'edited',
    issue: { number: 1, title: 'Spelling error in the README file', labels: ['bug'] },
    ...{ repository, sender },
  }),
  'spec-sentinel': JSON.stringify({
    ref: 'refs/heads/main',
    before: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    commits: [{ message: 'Adding a .gitignore file', added: ['.gitignore'] }],
    ...{ repository, sender },
  }),
}
