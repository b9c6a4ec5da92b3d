/** Names in code are ASCII, and each its own. */
import { describe, expect, it } from 'vitest';
import { kebabCase, pascalCase, uniqueNames } from '../../src/codegen/code-names.js';

describe('a name', () => {
  it.each([
    ['order_lines', 'OrderLines', 'order-lines'],
    ['sales.orders', 'SalesOrders', 'sales-orders'],
    ['OrderLines', 'OrderLines', 'order-lines'],
    ['HTTPCode2x', 'Httpcode2x', 'httpcode2x'],
    ['größe/50%', 'Grosse50', 'grosse-50'],
    ['Ærø', 'Aero', 'aero'],
    ['2024', 'N2024', 'n-2024'],
    ['__proto__', 'Proto', 'proto'],
    ['注文', 'Unnamed', 'unnamed'],
    ['', 'Unnamed', 'unnamed'],
  ])('%s becomes %s and %s', (name, pascal, kebab) => {
    expect([pascalCase(name), kebabCase(name)]).toEqual([pascal, kebab]);
  });
});

describe('names', () => {
  it('that come out the same are numbered in their order, capitals or not', () => {
    const names = ['a_b', 'a.b', 'AB', 'ab', 'a b'];
    expect([...uniqueNames(names, pascalCase)]).toEqual([
      ['a_b', 'AB'],
      ['a.b', 'AB2'],
      ['AB', 'Ab3'],
      ['ab', 'Ab4'],
      ['a b', 'AB5'],
    ]);
  });

  it('are none that are reserved, nor make one that is taken', () => {
    const names = ['query', 'orders', 'orders_edge', 'edge'];
    expect([
      ...uniqueNames(names, pascalCase, ['query'], (code) => [`${code}Edge`]).values(),
    ]).toEqual(['Query2', 'Orders', 'OrdersEdge2', 'Edge']);
  });
});
