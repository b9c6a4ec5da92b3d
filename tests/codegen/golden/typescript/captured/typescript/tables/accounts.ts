// Generated from edp.yaml by edp codegen; edits are lost.

import type { About, Envelope } from '../envelope.js';

/** the key of accounts */
export interface AccountsKey {
  readonly id: number;
}

/** attributes of accounts, as its events have them */
export interface AccountsAttributes {
  readonly id: number;
  readonly balance: string | null;
  readonly limit: string | number | boolean | null;
  readonly risk: string | null;
}

/** a row of the realized table, its values written as events write them */
export interface AccountsRow {
  readonly id: number;
  readonly balance: string | null;
  readonly limit: string | null;
  readonly risk: string | null;
  readonly deleted_at: string | null;
  readonly change_sequence: string;
}

/** what an event that makes a row of accounts has at least */
export type AccountsCreated = Omit<AccountsAttributes, 'balance'> &
  Partial<Pick<AccountsAttributes, 'balance'>>;

/** a change of accounts, by version 1 of its schema */
export type AccountsEvent = Envelope &
  (
    | { readonly type: 'accounts.created'; readonly data: About & { readonly op: 'create'; readonly key: AccountsKey; readonly after: AccountsCreated } }
    | { readonly type: 'accounts.read'; readonly data: About & { readonly op: 'read'; readonly key: AccountsKey; readonly after: AccountsCreated } }
    | { readonly type: 'accounts.updated'; readonly data: About & { readonly op: 'update'; readonly key: AccountsKey; readonly after: Partial<AccountsAttributes>; readonly before?: Partial<AccountsAttributes> } }
    | { readonly type: 'accounts.deleted'; readonly data: About & { readonly op: 'delete'; readonly key: AccountsKey; readonly before?: Partial<AccountsAttributes> } }
    | { readonly type: 'accounts.truncated'; readonly data: About & { readonly op: 'truncate' } }
  );

/** JSON Schema of `data` of its events */
export const schema: object = {
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "schemas/accounts/change/v1.json",
  "$comment": "Generated from edp.yaml by edp codegen; edits are lost.",
  "title": "a change of accounts, version 1",
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
              "id",
              "limit",
              "risk"
            ],
            "properties": {
              "id": true,
              "limit": true,
              "risk": true
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
        "balance": {
          "type": [
            "string",
            "null"
          ],
          "pattern": "^(-?(0|[1-9][0-9]*)(\\.[0-9]+)?|NaN|-?Infinity)$"
        },
        "limit": {
          "anyOf": [
            {
              "type": "string"
            },
            {
              "type": "number"
            },
            {
              "type": "boolean"
            },
            {
              "type": "null"
            }
          ]
        },
        "risk": {
          "type": [
            "string",
            "null"
          ]
        }
      },
      "additionalProperties": false
    }
  }
};
