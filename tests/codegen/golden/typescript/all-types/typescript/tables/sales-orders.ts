// Generated from edp.yaml by edp codegen; edits are lost.

import type { About, Envelope } from '../envelope.js';

/** the key of sales.orders */
export interface SalesOrdersKey {
  readonly id: number;
}

/** attributes of sales.orders, as its events have them */
export interface SalesOrdersAttributes {
  readonly id: number;
  readonly deleted_at: string | null;
}

/** a row of the realized table, its values written as events write them */
export interface SalesOrdersRow {
  readonly id: number;
  readonly deleted_at: string | null;
  readonly change_sequence: string;
}

/** what an event that makes a row of sales.orders has at least */
export type SalesOrdersCreated = SalesOrdersKey & Partial<SalesOrdersAttributes>;

/** a change of sales.orders, by version 1 of its schema */
export type SalesOrdersEvent = Envelope &
  (
    | { readonly type: 'sales.orders.created'; readonly data: About & { readonly op: 'create'; readonly key: SalesOrdersKey; readonly after: SalesOrdersCreated } }
    | { readonly type: 'sales.orders.read'; readonly data: About & { readonly op: 'read'; readonly key: SalesOrdersKey; readonly after: SalesOrdersCreated } }
    | { readonly type: 'sales.orders.updated'; readonly data: About & { readonly op: 'update'; readonly key: SalesOrdersKey; readonly after: Partial<SalesOrdersAttributes>; readonly before?: Partial<SalesOrdersAttributes> } }
    | { readonly type: 'sales.orders.deleted'; readonly data: About & { readonly op: 'delete'; readonly key: SalesOrdersKey; readonly before?: Partial<SalesOrdersAttributes> } }
    | { readonly type: 'sales.orders.truncated'; readonly data: About & { readonly op: 'truncate' } }
  );

/** JSON Schema of `data` of its events */
export const schema: object = {
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "schemas/sales.orders/change/v1.json",
  "$comment": "Generated from edp.yaml by edp codegen; edits are lost.",
  "title": "a change of sales.orders, version 1",
  "type": "object",
  "required": [
    "op"
  ],
  "properties": {
    "op": {
      "enum": [
        "create",
        "update",
        "delete",
        "truncate",
        "read"
      ]
    },
    "key": {
      "type": "object",
      "required": [
        "id"
      ],
      "properties": {
        "id": {
          "type": "integer",
          "minimum": -2147483648,
          "maximum": 2147483647
        }
      },
      "additionalProperties": false
    },
    "after": {
      "$ref": "#/$defs/attributes"
    },
    "before": {
      "$ref": "#/$defs/attributes"
    },
    "partial": {
      "type": "boolean"
    },
    "transaction": {
      "type": "string"
    },
    "errors": {
      "type": "object",
      "additionalProperties": {
        "type": "string"
      }
    }
  },
  "additionalProperties": false,
  "allOf": [
    {
      "if": {
        "properties": {
          "op": {
            "enum": [
              "create",
              "read"
            ]
          }
        }
      },
      "then": {
        "required": [
          "key",
          "after"
        ],
        "properties": {
          "key": true,
          "after": {
            "type": "object",
            "required": [
              "id"
            ],
            "properties": {
              "id": true
            }
          },
          "before": false
        }
      }
    },
    {
      "if": {
        "properties": {
          "op": {
            "enum": [
              "update"
            ]
          }
        }
      },
      "then": {
        "required": [
          "key",
          "after"
        ],
        "properties": {
          "key": true,
          "after": true
        }
      }
    },
    {
      "if": {
        "properties": {
          "op": {
            "enum": [
              "delete"
            ]
          }
        }
      },
      "then": {
        "required": [
          "key"
        ],
        "properties": {
          "key": true,
          "after": false
        }
      }
    },
    {
      "if": {
        "properties": {
          "op": {
            "enum": [
              "truncate"
            ]
          }
        }
      },
      "then": {
        "properties": {
          "key": false,
          "after": false,
          "before": false
        }
      }
    }
  ],
  "$defs": {
    "attributes": {
      "type": "object",
      "properties": {
        "id": {
          "type": "integer",
          "minimum": -2147483648,
          "maximum": 2147483647
        },
        "deleted_at": {
          "type": [
            "string",
            "null"
          ],
          "pattern": "^([0-9]{4,6}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z( BC)?|-?infinity)$"
        }
      },
      "additionalProperties": false
    }
  }
};
