// Generated from edp.yaml by edp codegen; edits are lost.

import type { About, Envelope } from '../envelope.js';

/** the key of größe/50% */
export interface Grosse50Key {
  readonly id: number;
}

/** attributes of größe/50%, as its events have them */
export interface Grosse50Attributes {
  readonly id: number;
  readonly 'a.b': string | null;
  readonly 'größe': number | null;
}

/** a row of the realized table, its values written as events write them */
export interface Grosse50Row {
  readonly id: number;
  readonly 'a.b': string | null;
  readonly 'größe': number | null;
  readonly change_sequence: string;
}

/** what an event that makes a row of größe/50% has at least */
export type Grosse50Created = Grosse50Key & Partial<Grosse50Attributes>;

/** a change of größe/50%, by version 1 of its schema */
export type Grosse50Event = Envelope &
  (
    | { readonly type: 'größe/50%.created'; readonly data: About & { readonly op: 'create'; readonly key: Grosse50Key; readonly after: Grosse50Created } }
    | { readonly type: 'größe/50%.read'; readonly data: About & { readonly op: 'read'; readonly key: Grosse50Key; readonly after: Grosse50Created } }
    | { readonly type: 'größe/50%.updated'; readonly data: About & { readonly op: 'update'; readonly key: Grosse50Key; readonly after: Partial<Grosse50Attributes>; readonly before?: Partial<Grosse50Attributes> } }
    | { readonly type: 'größe/50%.deleted'; readonly data: About & { readonly op: 'delete'; readonly key: Grosse50Key; readonly before?: Partial<Grosse50Attributes> } }
    | { readonly type: 'größe/50%.truncated'; readonly data: About & { readonly op: 'truncate' } }
  );

/** JSON Schema of `data` of its events */
export const schema: object = {
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "schemas/gr%C3%B6%C3%9Fe%2F50%25/change/v1.json",
  "$comment": "Generated from edp.yaml by edp codegen; edits are lost.",
  "title": "a change of größe/50%, version 1",
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
        "a.b": {
          "type": [
            "string",
            "null"
          ]
        },
        "größe": {
          "type": [
            "integer",
            "null"
          ],
          "minimum": -2147483648,
          "maximum": 2147483647
        }
      },
      "additionalProperties": false
    }
  }
};
