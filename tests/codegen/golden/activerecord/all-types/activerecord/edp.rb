# frozen_string_literal: true
# Generated from edp.yaml by edp codegen; edits are lost.

require_relative "edp/tables"
require_relative "edp/outbox"
require_relative "edp/readers"
