/** The SQL of dbt files without their Jinja, and what cannot be taken. */
import { describe, expect, it } from 'vitest';
import { splitJinja } from '../../src/from-dbt/jinja-parts.js';
import { renderJinja } from '../../src/from-dbt/render-jinja.js';

const rendering = {
  variables: new Map<string, unknown>([
    ['days', 21],
    ['kind', 'adult'],
    ['list', ['a', 'b']],
    ['isNew', true],
  ]),
  file: 'sql/views/x.sql',
  nameOf: ({ name, values }: { readonly name: string; readonly values: readonly unknown[] }) => {
    const parts = values.map((one) => String((one as { readonly value: unknown }).value));
    if (parts.includes('gone')) return { reason: 'gone is not there', instead: 'write it' };
    return `${name}.${parts.join('_')}`;
  },
};

function render(text: string): string {
  const made = renderJinja(text, rendering);
  return 'sql' in made ? made.sql.text : `${made.line}: ${made.reason}`;
}

describe('renderJinja', () => {
  it.each<[string, string, string]>([
    ['leaves SQL as it is', 'select 1\n', 'select 1\n'],
    ['fills in ref', "select * from {{ ref('a') }}", 'select * from ref.a\n'],
    ['takes both kinds of quotes', 'from {{ref("a")}} x', 'from ref.a x\n'],
    ['takes the name of a package', "from {{ ref('shop', 'a') }}", 'from ref.shop_a\n'],
    ['fills in source', "from {{ source('a', 'b') }}", 'from source.a_b\n'],
    ['knows ref of a package for tests', "from {{ dbt_unit_testing.ref('a') }}", 'from ref.a\n'],
    ['fills in a variable', "where n > {{ var('days') }}", 'where n > 21\n'],
    ['takes the default of a variable', "where n > {{ var('no', 3) }}", 'where n > 3\n'],
    ['takes a named default', "where n > {{ var('no', default=4) }}", 'where n > 4\n'],
    ['prints true as Python does', "select {{ var('isNew') }}", 'select True\n'],
    ['leaves config out', "{{ config(materialized='table') }}\n\nselect 1", 'select 1\n'],
    [
      'leaves config of many lines out',
      "{{\n  config(\n    tags=['a'],\n  )\n}}\nselect 1",
      'select 1\n',
    ],
    ['leaves comments out', 'select 1 {# no {{ x }} #}\n{# a\nb #}\nfrom a', 'select 1\nfrom a\n'],
    ['trims blanks at a minus', "a\n\n  {{- var('kind') -}}\n\n  b", 'aadultb\n'],
    [
      'leaves blocks of is_incremental out',
      'select 1\n{% if is_incremental() %}\nwhere t > (select max(t) from {{ this }})\n{% endif %}\nlimit 1',
      'select 1\nlimit 1\n',
    ],
    [
      'takes the other branch',
      'select {% if is_incremental() %} a {% else %} b {% endif %} from t',
      'select  b  from t\n',
    ],
    [
      'takes the branch of not is_incremental',
      'select {%- if not is_incremental() %} a {%- else %} b {%- endif %} from t',
      'select a from t\n',
    ],
    [
      'leaves out what stands inside such a block',
      '{% if is_incremental() and x %}{% for a in b %}{% if c %}{{ a }}{% endif %}{% endfor %}{% endif %}select 1',
      'select 1\n',
    ],
    [
      'leaves unknown words in comments of SQL',
      "select 1 -- {{ star(ref('a')) }}",
      "select 1 -- star(ref('a'))\n",
    ],
    ['fills in comments of SQL', "/* {{ ref('a') }} */ select 1", '/* ref.a */ select 1\n'],
    [
      'knows a text that looks like a comment',
      "select '-- ' || {{ var('days') }}",
      "select '-- ' || 21\n",
    ],
    [
      'unrolls a loop over a list that the file writes out',
      "{% set kinds = ['a', 'b'] %}\nselect\n  {% for kind in kinds -%}\n  sum({{ kind }}) as {{ kind }}_sum,\n  {% endfor -%}\n  1\n",
      'select\n  sum(a) as a_sum,\n  sum(b) as b_sum,\n  1\n',
    ],
    [
      'knows the first and the last round',
      "{% for a in [1, 2, 3] %}{% if loop.first %}<{% else %}|{% endif %}{{ a }}{{ ';' if not loop.last }}{% if not loop.last %},{% endif %}{% endfor %}",
      '<1;,|2;,|3\n',
    ],
    [
      'unrolls loops inside loops',
      "{% set a = [1, 2] %}{% for x in a %}{% for y in ['p', 'q'] %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{{ loop.index0 }};{% endfor %}",
      '1p1 1q2 0;2p1 2q2 1;\n',
    ],
    [
      'loops over a variable',
      "{% for a in var('list') %}{{ a }}{% endfor %}{% set d = var('days') %} {{ d }}",
      'ab 21\n',
    ],
  ])('%s', (_, text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it.each<[string, string, string]>([
    [
      'a macro',
      "select 1,\n{{ cents('a') }}",
      "2: edp has no templates, and {{ cents('a') }} is one",
    ],
    ['set', '{% set a = f() %}', '1: edp has no templates, and {% set a = f() %} is one'],
    [
      'set under a condition',
      "{% set a = 'x' %}\n{% if not is_incremental() %}\n{% set a = 'y' %}{% endif %}{{ a }}",
      "3: edp has no templates, and {% set a = 'y' %} is one",
    ],
    [
      'a loop without end',
      '{% for a in [1] %}{{ a }}',
      '1: edp has no templates, and {% for a in [1] %} is one',
    ],
    [
      'a call with what a loop gives',
      "{% for a in ['x'] %}\n{{ cents(a) }}{% endfor %}",
      '2: edp has no templates, and {{ cents(a) }} is one',
    ],
    [
      'a loop of too many rounds',
      `{% set a = [${'1,'.repeat(150)}] %}{% for x in a %}{% for y in a %}{{ y }}{% endfor %}{% endfor %}`,
      '1: edp has no templates, and {% set a = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1… %} is one',
    ],
    [
      'a loop',
      '\n{% for a in b %}{% endfor %}',
      '2: edp has no templates, and {% for a in b %} is one',
    ],
    [
      'an unknown condition',
      '{% if target.name %}',
      '1: edp has no templates, and {% if target.name %} is one',
    ],
    [
      'or beside is_incremental',
      '{% if is_incremental() or x %}',
      '1: edp has no templates, and {% if is_incremental() or x %} is one',
    ],
    ['this', 'from {{ this }}', '1: edp has no templates, and {{ this }} is one'],
    [
      'a filter',
      "{{ var('days') | int }}",
      "1: edp has no templates, and {{ var('days') | int }} is one",
    ],
    [
      'a variable without a value',
      "{{ var('no') }}",
      '1: dbt_project.yml has no value of the variable no',
    ],
    ['a list', "in {{ var('list') }}", "1: {{ var('list') }} is no single value"],
    ['a name that is not there', "from {{ ref('gone') }}", '1: gone is not there'],
    ['braces that do not close', 'select\n {{ ref(', '2: the Jinja cannot be read: {{ has no }}'],
    [
      'a materialization that is computed',
      '{{ config(materialized=target.name) }}',
      '1: config(materialized=…): the value of target.name is known to dbt alone',
    ],
    [
      'a macro in a text of SQL',
      "select '-- {{ a() }}'",
      '1: edp has no templates, and {{ a() }} is one',
    ],
  ])('refuses %s', (_, text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it('knows the line of the file that each line came from', () => {
    const text = "{{ config(\n a='b') }}\n\nselect 1,\n{# a #}\n  2 -- x\nfrom a";
    const made = renderJinja(text, rendering);
    expect('sql' in made && made.sql).toEqual({
      text: 'select 1,\n  2 -- x\nfrom a\n',
      lines: [4, 6, 7],
    });
  });
});

describe('splitJinja', () => {
  it('finds what closes behind a text that has it in quotes', () => {
    expect(splitJinja("{{ a('}}') }}b")).toEqual([
      { kind: 'value', text: "a('}}')", written: "{{ a('}}') }}", line: 1 },
      { kind: 'text', text: 'b', written: 'b', line: 1 },
    ]);
  });
});
