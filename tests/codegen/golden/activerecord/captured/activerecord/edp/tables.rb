# frozen_string_literal: true
# Generated from edp.yaml by edp codegen; edits are lost.

module Edp
  # Of edp.yaml: where the attributes of each captured table come from.
  TABLES = [
    {
      table: "accounts",
      from: "legacy_accounts",
      strict: false,
      attributes: {
        "id" => { type: "int", column: "id" }.freeze,
        "balance" => { type: "numeric" }.freeze,
        "limit" => { type: "numeric", column: "limit" }.freeze,
        "risk" => { type: "text", column: "risk" }.freeze,
      }.freeze
    }.freeze,
  ].freeze
end
