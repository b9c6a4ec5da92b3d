/** The captured tables of the model, as Ruby: what the mapping goes by. */
import type { Catalogue, CatalogueTable } from '../../catalogue.js';

export function tablesFile({ tables }: Catalogue): string {
  const captured = tables.filter(({ captured }) => captured !== undefined);
  return `module Edp
  # Of edp.yaml: where the attributes of each captured table come from.
  TABLES = [
${captured.map(tableText).join('')}  ].freeze
end
`;
}

function tableText({ name, columns, captured }: CatalogueTable): string {
  const { from, isStrict, columns: forms } = captured!;
  const attributes = columns.map((column) => {
    const form = forms[column.name] ?? { kind: 'column', column: column.name };
    const said =
      form.kind === 'column'
        ? `, column: ${rubyText(form.column)}`
        : form.kind === 'method'
          ? `, method: ${rubyText(form.method)}`
          : '';
    return `        ${rubyText(column.name)} => { type: ${rubyText(column.type)}${said} }.freeze,\n`;
  });
  return `    {
      table: ${rubyText(name)},
      from: ${rubyText(from)},
      strict: ${isStrict},
      attributes: {
${attributes.join('')}      }.freeze
    }.freeze,
`;
}

/** A text in double quotes, in which Ruby evaluates nothing. */
function rubyText(text: string): string {
  return JSON.stringify(text).replaceAll('#', '\\#');
}
