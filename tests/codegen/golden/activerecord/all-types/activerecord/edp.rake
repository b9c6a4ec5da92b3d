# frozen_string_literal: true
# Generated from edp.yaml by edp codegen; edits are lost.

require_relative "edp"

namespace :edp do
  desc "Lists attributes of edp.yaml whose reader in Ruby says something else than the column; fails where there is one"
  task methods: :environment do
    Rails.application.eager_load! if defined?(Rails) && Rails.respond_to?(:application) && Rails.application
    differences, problems = Edp::Readers.compare
    puts differences
    problems.each { |problem| warn problem }
    puts "#{differences.length} attributes differ from their columns"
    exit 1 unless differences.empty? && problems.empty?
  end

  desc "Publishes methods of rows that were written past the application, or that a snapshot has read"
  task publish_methods: :environment do
    puts "methods of #{Edp::Outbox.publish_due} rows published"
  end
end
