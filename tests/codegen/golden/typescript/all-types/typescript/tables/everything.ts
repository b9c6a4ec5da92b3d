// Generated from edp.yaml by edp codegen; edits are lost.

import type { About, Envelope, NotFinite } from '../envelope.js';

/** the key of everything */
export interface EverythingKey {
  readonly id: string;
  readonly at: string;
}

/**
 * one column of each type
 * attributes of everything, as its events have them
 */
export interface EverythingAttributes {
  readonly id: string;
  readonly at: string;
  readonly a_smallint: number | null;
  readonly a_int: number | null;
  /** a "number" of many digits */
  readonly a_bigint: string | null;
  readonly a_real: number | NotFinite | null;
  readonly a_double: number | NotFinite | null;
  readonly a_numeric: string | null;
  readonly a_text: string | null;
  readonly a_boolean: boolean | null;
  readonly a_date: string | null;
  readonly a_timestamp: string | null;
  readonly a_json: unknown;
  readonly a_jsonb: unknown;
}

/** a row of the realized table, its values written as events write them */
export interface EverythingRow {
  readonly id: string;
  readonly at: string;
  readonly a_smallint: number | null;
  readonly a_int: number | null;
  /** a "number" of many digits */
  readonly a_bigint: string | null;
  readonly a_real: number | NotFinite | null;
  readonly a_double: number | NotFinite | null;
  readonly a_numeric: string | null;
  readonly a_text: string | null;
  readonly a_boolean: boolean | null;
  readonly a_date: string | null;
  readonly a_timestamp: string | null;
  readonly a_json: unknown;
  readonly a_jsonb: unknown;
  readonly made: string | null;
  readonly changed: string | null;
  readonly deleted_at: string | null;
  readonly change_sequence: string;
}

/** what an event that makes a row of everything has at least */
export type EverythingCreated = EverythingKey & Partial<EverythingAttributes>;

/** a change of everything, by version 3 of its schema */
export type EverythingEvent = Envelope &
  (
    | { readonly type: 'everything.created'; readonly data: About & { readonly op: 'create'; readonly key: EverythingKey; readonly after: EverythingCreated } }
    | { readonly type: 'everything.read'; readonly data: About & { readonly op: 'read'; readonly key: EverythingKey; readonly after: EverythingCreated } }
    | { readonly type: 'everything.updated'; readonly data: About & { readonly op: 'update'; readonly key: EverythingKey; readonly after: Partial<EverythingAttributes>; readonly before?: Partial<EverythingAttributes> } }
    | { readonly type: 'everything.deleted'; readonly data: About & { readonly op: 'delete'; readonly key: EverythingKey; readonly before?: Partial<EverythingAttributes> } }
    | { readonly type: 'everything.truncated'; readonly data: About & { readonly op: 'truncate' } }
  );

/** JSON Schema of `data` of its events */
export const schema: object = {
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "schemas/everything/change/v3.json",
  "$comment": "Generated from edp.yaml by edp codegen; edits are lost.",
  "title": "a change of everything, version 3",
  "description": "one column of each type",
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
        "id",
        "at"
      ],
      "properties": {
        "id": {
          "type": "string",
          "pattern": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
        },
        "at": {
          "type": "string",
          "pattern": "^([0-9]{4,6}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z( BC)?|-?infinity)$"
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
              "at"
            ],
            "properties": {
              "id": true,
              "at": true
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
          "type": "string",
          "pattern": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
        },
        "at": {
          "type": "string",
          "pattern": "^([0-9]{4,6}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z( BC)?|-?infinity)$"
        },
        "a_smallint": {
          "type": [
            "integer",
            "null"
          ],
          "minimum": -32768,
          "maximum": 32767
        },
        "a_int": {
          "type": [
            "integer",
            "null"
          ],
          "minimum": -2147483648,
          "maximum": 2147483647
        },
        "a_bigint": {
          "type": [
            "string",
            "null"
          ],
          "pattern": "^(0|-?[1-9][0-9]{0,18})$",
          "description": "a \"number\" of many digits"
        },
        "a_real": {
          "anyOf": [
            {
              "type": "number"
            },
            {
              "enum": [
                "NaN",
                "Infinity",
                "-Infinity",
                null
              ]
            }
          ]
        },
        "a_double": {
          "anyOf": [
            {
              "type": "number"
            },
            {
              "enum": [
                "NaN",
                "Infinity",
                "-Infinity",
                null
              ]
            }
          ]
        },
        "a_numeric": {
          "type": [
            "string",
            "null"
          ],
          "pattern": "^(-?(0|[1-9][0-9]*)(\\.[0-9]+)?|NaN|-?Infinity)$"
        },
        "a_text": {
          "type": [
            "string",
            "null"
          ]
        },
        "a_boolean": {
          "type": [
            "boolean",
            "null"
          ]
        },
        "a_date": {
          "type": [
            "string",
            "null"
          ],
          "pattern": "^([0-9]{4,7}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])( BC)?|-?infinity)$"
        },
        "a_timestamp": {
          "type": [
            "string",
            "null"
          ],
          "pattern": "^([0-9]{4,6}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?( BC)?|-?infinity)$"
        },
        "a_json": {},
        "a_jsonb": {}
      },
      "additionalProperties": false
    }
  }
};
