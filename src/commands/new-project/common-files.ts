/** Files that every new project has, made of the steps of its kind. */
import { stringify } from 'yaml';
import type { ProjectKind, Step } from './kinds.js';

const WORKFLOW = '.github/workflows/edp.yml';

/** Path in the project → text. A file that is there already is left alone. */
export function commonFiles(name: string, kind: ProjectKind): ReadonlyMap<string, string> {
  return new Map([
    ['README.md', formatReadme(name, kind)],
    ['.gitignore', GITIGNORE],
    ['Makefile', formatMakefile(kind.steps)],
    [WORKFLOW, formatWorkflow(kind.steps)],
  ]);
}

/** Without a package.json here, npm would install into a folder above that has one. */
const INSTALL = 'npm init -y && npm install PATH-OR-GIT-URL-OF-EDP';

/** Folders of edp and of npm, reports, and events that `edp generate-data` wrote. */
const GITIGNORE = ['.edp/', 'node_modules/', 'reports/*', 'data/events-*.csv', ''].join('\n');

function formatReadme(name: string, { about }: ProjectKind): string {
  return `# ${name}

${about} \`edp.yaml\` says how.

Install edp into the project once (\`${INSTALL}\`), then \`make\` does all: load, tables, tests, checks, report.
\`make help\` lists the steps, \`${WORKFLOW}\` runs them for each push; \`edp db psql\` asks the tables.
`;
}

function formatMakefile(steps: readonly Step[]): string {
  const targets = steps.map(({ target }) => target);
  const rules = steps.map(
    ({ target, title, commands }) =>
      `${target}: ## ${title}\n${commands.map((command) => `\t${command}\n`).join('')}`,
  );
  return `# The steps of this project; those of ${WORKFLOW}, too.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: all help clean ${targets.join(' ')}
.NOTPARALLEL:

all: ${targets.join(' ')}

help: ## List the targets
\t@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*## /\\t/'

${rules.join('\n')}
clean: ## Remove the embedded server with all its data
\tedp db destroy --yes
`;
}

function formatWorkflow(steps: readonly Step[]): string {
  const workflow = {
    name: 'edp',
    on: ['push', 'pull_request'],
    jobs: {
      edp: {
        'runs-on': 'ubuntu-latest',
        steps: [
          { uses: 'actions/checkout@v4' },
          { uses: 'actions/setup-node@v4', with: { 'node-version': 22 } },
          {
            name: 'Install edp',
            run: 'npm ci\necho "$PWD/node_modules/.bin" >> "$GITHUB_PATH"\n',
          },
          ...steps.map(({ title, commands }) => ({ name: title, run: commands.join('\n') })),
        ],
      },
    },
  };
  const head =
    `# Needs package.json and package-lock.json with edp, which this writes: ${INSTALL}\n` +
    '# The embedded PostgreSQL is enough; with DATABASE_URL in the environment, edp uses that server.\n';
  return head + stringify(workflow);
}
