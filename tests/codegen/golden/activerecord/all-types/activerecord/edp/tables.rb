# frozen_string_literal: true
# Generated from edp.yaml by edp codegen; edits are lost.

module Edp
  # Of edp.yaml: where the attributes of each captured table come from.
  TABLES = [
  ].freeze
end
