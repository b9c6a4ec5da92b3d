/** Every fault of edp.yaml in one message, whatever kind each is of. */
import { expect, it } from 'vitest';
import { parseProject } from '../../src/project/parse.js';

function faultsOf(text: string): string[] {
  try {
    parseProject(text);
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace('edp.yaml:', ''));
  }
  return [];
}

it.each([
  {
    name: 'of options, tables, columns, keys, references, indexes and metrics',
    text: `
process-count: none
on-conflict: overwrite
colour: red
tables:
  shops:
    columns: {id: int, name: text}
    key: nr
  sales:
    columns:
      id: integer
      at: {type: timestamptz, formt: '%d', nullable: maybe}
      shop: {type: text, references: shop}
      amount: {type: numberic, references: shops}
    key: [id, line]
    indexes: [amont]
    lineage: 5
    metrics:
      from: doc
      columns: {a: whole}
      pth: x
`,
    faults: [
      '2: process-count: expected a whole number',
      '3: on-conflict: expected reject, skip or update',
      '4: colour: "colour" is not known here',
      '8: tables.shops.key: key column "nr" is not declared',
      '11: tables.sales.columns.id: "integer" is not a column type; the types are smallint, ',
      '12: tables.sales.columns.at.nullable: expected true or false',
      '12: tables.sales.columns.at.formt: "formt" is not known here; did you mean "format"?',
      '13: tables.sales.columns.shop.references: there is no table "shop" to refer to; did you mean "shops"?',
      '14: tables.sales.columns.amount: "numberic" is not a column type; the types are ',
      '15: tables.sales.key: key column "line" is not declared',
      '17: tables.sales.lineage: expected true or false, or a text',
      '20: tables.sales.metrics.columns.a: "whole" is not a column type',
      '21: tables.sales.metrics.pth: "pth" is not known here; did you mean "path"?',
    ],
  },
  {
    name: 'beside a key that is there twice',
    text: 'files: 2\nfiles: 3\ncount: -1\ntables:\n  a:\n    columns: {id: int}\n    key: ib\n',
    faults: [
      '2: "files" is there twice: line 1 has it, too',
      '3: count: expected 0 or more',
      '7: tables.a.key: key column "ib" is not declared',
    ],
  },
  {
    name: 'in the second of two sections of one name, which is the one that counts',
    text: 'tables: {}\ncount: 1\ntables:\n  a:\n    columns: {id: int}\n    key: ib\n',
    faults: [
      '3: "tables" is there twice: line 1 has it, too',
      '6: tables.a.key: key column "ib" is not declared',
    ],
  },
  {
    name: 'of values of another kind, in the words of the file',
    text: `csv: 5
tables:
  a: 5
  b: {colums: {id: int}}
  c: {columns: [id, int]}
  d:
    columns: {id: int}
    key: {id: int}
    files: 7
    extra: 5
    tags: 5
    description: [d]
`,
    faults: [
      '1: csv: expected keys with values',
      '3: tables.a: expected keys with values',
      '4: tables.b.columns: it is missing',
      '4: tables.b.colums: "colums" is not known here; did you mean "columns"?',
      '5: tables.c.columns: expected names, each with what it is',
      '8: tables.d.key: expected a text, or a list',
      '9: tables.d.files: expected a text, or a list',
      '10: tables.d.extra: expected a text',
      '11: tables.d.tags: expected a text, or a list',
      '12: tables.d.description: expected a text',
    ],
  },
  {
    name: 'before a line that is no YAML',
    text: 'count: -1\ntables:\n  a:\n    columns: {id: integer}\n  b:\n    columns: {id: int\n    key: id\n',
    faults: ['1: count: expected 0 or more', '4: tables.a.columns.id: "integer" is not', '7: '],
  },
  {
    name: 'and none that another one brings about',
    text: `tables:
  a:
    columns:
      id: {type: int, 'stored-as': nothing, separator: ';'}
      b: {type: int4}
    key: id
  c:
    columns:
      b: {type: bigint, references: a}
      d: {type: text, references: c.d}
    metrics: 5
    indexes: [some_metric]
`,
    faults: [
      '4: tables.a.columns.id.stored-as: expected ',
      '5: tables.a.columns.b: "int4" is not a column type',
      '10: tables.c.columns.d.references: a reference needs the key of "c"',
      '11: tables.c.metrics: metrics is {from, path, columns, extra}',
    ],
  },
])('$name', ({ text, faults }) => {
  expect(faultsOf(text)).toEqual(faults.map((fault) => expect.stringContaining(fault)));
});

/** In several texts, with an environment of their own. */
it.each([
  {
    name: 'each in the text that has it',
    texts: {
      'edp.yaml':
        'include: a.yaml\ncount: -1\ntables:\n  m:\n    columns: {id: {type: int, references: aa}}\n',
      'a.yaml': 'tabels: 1\ntables:\n  a:\n    columns: {id: int}\n    key: [ib]\n',
    },
    faults: [
      'edp.yaml:2: count: expected 0 or more',
      'edp.yaml:5: tables.m.columns.id.references: there is no table "aa" to refer to; did you mean "a"?',
      'a.yaml:1: tabels: "tabels" is not known here; did you mean "tables"?',
      'a.yaml:5: tables.a.key: key column "ib" is not declared; did you mean "id"?',
    ],
  },
  {
    name: 'one that is no YAML beside one that is; its tables may be there',
    texts: {
      'edp.yaml':
        'seed: x\ntables:\n  m: {columns: {id: {type: int, references: gone}}, key: ib}\n',
      'a.yaml': 'count: -1\ntables: {gone: {columns: {id: int\n',
    },
    faults: ['edp.yaml:1: seed: ', 'edp.yaml:3: tables.m.key: ', 'a.yaml:1: count: ', 'a.yaml:'],
  },
  {
    name: 'what is there twice, beside others',
    texts: { 'edp.yaml': 'count: -1\nseed: 1\n', 'a.yaml': 'seed: 2\nlimit: -2\n' },
    faults: ['edp.yaml:1: count: ', 'a.yaml:1: seed: edp.yaml:2 has it, too', 'a.yaml:2: limit: '],
  },
  {
    name: 'variables that are not there, and nothing that follows from that',
    texts: {
      'edp.yaml':
        'count: ${NONE}\nseed: -x\ntables:\n  a:\n    columns: {id: "${NONE}", b: {type: "${NONE}", owner: me}, c: intt, d: {type: int, references: a.d}}\n    key:\n      - "${NONE}"\n',
    },
    faults: [
      'edp.yaml:1: the environment has no variable NONE',
      'edp.yaml:2: seed: ',
      'edp.yaml:5: the environment has no variable NONE',
      'edp.yaml:5: tables.a.columns.c: "intt" is not a column type',
      'edp.yaml:7: the environment has no variable NONE',
    ],
  },
  {
    name: 'that quote a variable of another text',
    texts: {
      'edp.yaml': 'tables:\n  a: {columns: {id: {type: int, references: b.id}}}\n',
      'a.yaml': 'tables:\n  b: {columns: {id: "${SECRET}"}, key: "${SECRET}"}\n',
    },
    faults: [
      'edp.yaml:2: tables.a.columns.id.references: a reference needs the key of "b"',
      'a.yaml:2: tables.b.columns.id: "${SECRET}" is not a column type',
      'a.yaml:2: tables.b.key: key column "${SECRET}" is not declared',
    ],
  },
  {
    name: 'keys for people, and of files to include, are among those that are suggested',
    texts: {
      'edp.yaml':
        'inclde: a.yaml\ntables:\n  a:\n    ownr: me\n    columns: {id: {type: int, descripton: x}}\n    metrics: {from: d, columns: {m: {type: int, tag: y}}}\n',
    },
    faults: [
      'edp.yaml:1: inclde: "inclde" is not known here; did you mean "include"?',
      'edp.yaml:4: tables.a.ownr: "ownr" is not known here; did you mean "owner"?',
      'edp.yaml:5: tables.a.columns.id.descripton: "descripton" is not known here; did you mean "description"?',
      'edp.yaml:6: tables.a.metrics.columns.m.tag: "tag" is not known here; did you mean "tags"?',
    ],
  },
])('$name', ({ texts, faults }) => {
  const sources = Object.entries(texts).map(([name, text]) => ({ name, text }));
  let message = '';
  try {
    parseProject(sources, { SECRET: 'geheim-hunter2' });
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message.split('\n').slice(1)).toEqual(
    faults.map((fault) => expect.stringContaining(fault)),
  );
  expect(message).not.toContain('geheim');
});

it.each([
  {
    name: 'that is indented otherwise than the names beside it',
    text: 'tables:\n  a: {columns: {id: int}}\n\n b: {columns: {id: int}}\n  c: {columns: {id: int}}\n  a: 1\n',
    fault: '4: All mapping items must start at the same column',
  },
  {
    name: 'that a tab indents',
    text: 'tables:\n  a:\n\tkey: id\n    columns: {id: int}\n  b: {columns: {id: int}}\n',
    fault: '3: Tabs are not allowed as indentation',
  },
])('of a line $name, that line alone is named, not those behind it', ({ text, fault }) => {
  expect(faultsOf(text)).toEqual([fault]);
});
