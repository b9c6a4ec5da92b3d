# frozen_string_literal: true
# Generated from edp.yaml by edp codegen; edits are lost.

require "active_record"
require "active_record/connection_adapters/postgresql_adapter"
require "bigdecimal"
require "json"
require "time"

# Publishes what methods of the application say of rows, in the transaction that changes the rows, before its COMMIT.
#
# Triggers of edp note which rows a transaction has touched, whatever touched them. So nothing here watches callbacks: update_all,
# insert_all, SQL of your own, cascades and savepoints that were rolled back are noted as they happened.
module Edp
  # A method that failed where edp.yaml says strict: true.
  class MethodFailed < StandardError; end

  module Outbox
    # Methods may write, which touches rows again.
    MOST_ROUNDS = 10
    # Rows that are read at once.
    SLICE = 500
    # Seconds for which is remembered what the database has.
    PROBE_SECONDS = 60
    KEY_COLUMN = "edp_capture_key"

    # A table whose methods can be published: klass, how its rows are told apart, method and type by attribute.
    Mapped = Struct.new(:table, :klass, :relation, :columns, :methods, :strict, keyword_init: true)

    @classes = {}
    @probes = {}.compare_by_identity
    @warned = {}
    @mutex = Mutex.new

    class << self
      attr_writer :logger

      def logger
        @logger || ActiveRecord::Base.logger
      end

      # classes: table of the model => name of its class, where it cannot be found by the name of the table in the database.
      def start(classes: {}, logger: nil)
        @mutex.synchronize { @classes = classes.transform_keys(&:to_s).transform_values(&:to_s) }
        @logger = logger unless logger.nil?
        forget
        return if @started

        @started = true
        ActiveRecord::ConnectionAdapters::RealTransaction.prepend(BeforeCommit)
        ActiveRecord::ConnectionAdapters::PostgreSQLAdapter.prepend(InTransaction)
      end

      # Looks anew what the database has, and which classes there are.
      def forget
        @mutex.synchronize { @probes.clear }
      end

      # Publishes for the rows that the open transaction of this connection has touched. It is called before each COMMIT.
      def flush(connection)
        mapped = ready(connection)
        return if mapped.empty?

        MOST_ROUNDS.times do
          rows = take(connection, "take_methods(#{names(connection, mapped)})")
          return if rows.empty?

          publish(connection, mapped, rows)
        end
        warn_once("rounds", "methods of rows touch rows in each of #{MOST_ROUNDS} rounds; what is left is published by rake edp:publish_methods")
      end

      # Publishes for rows that were written past this mapping, or that a snapshot has read. Returns how many rows there were.
      def publish_due(connection = connection_of(ActiveRecord::Base), batch: SLICE)
        forget
        mapped = ready(connection)
        return 0 if mapped.empty?

        total = 0
        loop do
          count = connection.transaction do
            rows = take(connection, "take_due_methods(#{names(connection, mapped)}, #{Integer(batch)})")
            publish(connection, mapped, rows)
            rows.length
          end
          total += count
          return total if count.zero?
        end
      end

      # Rails 7.2 has another word for it.
      def connection_of(klass)
        klass.respond_to?(:lease_connection) ? klass.lease_connection : klass.connection
      end

      # Whether statements of this connection may touch rows with methods.
      def watches?(connection)
        !ready(connection).empty?
      end

      # The class of a table of the mapping; nil where there is none.
      def class_of(table)
        given = @classes[table[:table]]
        return given.safe_constantize if given

        relation = table[:from]
        name = relation.split(".").last
        candidate = [relation.tr(".", "_"), name].map { |one| class_named(one) }.compact
                                                 .find { |klass| reads?(klass, relation) }
        candidate || ActiveRecord::Base.descendants.find { |klass| klass.base_class == klass && reads?(klass, relation) }
      end

      # What a value is as a text of PostgreSQL, by the type that the model has for it.
      def text_of(value, type)
        return nil if value.nil?
        return JSON.generate(value.as_json) if type == "json" || type == "jsonb"

        text =
          case value
          when BigDecimal then value.to_s("F")
          when ActiveSupport::TimeWithZone, Time, DateTime
            type == "date" ? value.to_date.iso8601 : value.to_time.getutc.iso8601(6)
          when Date then value.iso8601
          when Hash, Array then JSON.generate(value.as_json)
          else value.to_s
          end
        text = text.encode(Encoding::UTF_8)
        raise ArgumentError, "a text that is not UTF-8" unless text.valid_encoding?

        text
      end

      private

      def reads?(klass, relation)
        return false if klass.abstract_class? || klass.table_name.nil?

        [relation, relation.delete_prefix("public.")].include?(klass.table_name.delete_prefix("public."))
      end

      def class_named(text)
        klass = text.classify.safe_constantize
        klass if klass.is_a?(Class) && klass < ActiveRecord::Base && klass.base_class == klass
      rescue NameError
        nil
      end

      # The tables of this database whose methods can be published, by their names. Those that cannot stay due, and a warning says why.
      def ready(connection)
        pool = connection.pool
        now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
        known, at = @mutex.synchronize { @probes[pool] }
        return known if known && now - at < PROBE_SECONDS

        # Whoever looks may load classes, which may use the connection.
        return known || {} if Thread.current[:edp_looks]

        begin
          Thread.current[:edp_looks] = true
          found = probe(connection)
        ensure
          Thread.current[:edp_looks] = nil
        end
        @mutex.synchronize { @probes[pool] = [found, now] }
        found
      end

      def probe(connection)
        return {} unless connection.is_a?(ActiveRecord::ConnectionAdapters::PostgreSQLAdapter)

        state = connection.execute(<<~SQL, "edp").first
          SELECT has_schema_privilege(n.oid, 'USAGE') AND bool_and(has_function_privilege(p.oid, 'EXECUTE')) AS granted, count(*) AS functions
          FROM pg_namespace AS n JOIN pg_proc AS p ON p.pronamespace = n.oid
          WHERE n.nspname = 'edp_capture' AND p.proname IN ('method_models', 'take_methods', 'take_due_methods', 'publish_methods')
          GROUP BY n.oid
        SQL
        # Not installed, or by an edp that knows no methods: nothing is noted either.
        return {} if state.nil? || state["functions"].to_i < 4

        unless [true, "t"].include?(state["granted"])
          warn_once("granted", "the role of the application may not call the functions of edp_capture, so no method is published; see Roles in docs/capture.md of edp")
          return {}
        end
        installed = JSON.parse(connection.execute("SELECT edp_capture.method_models()::text AS models", "edp").first["models"])
        TABLES.each_with_object({}) do |table, mapped|
          there = installed[table[:table]]
          next if there.nil?

          one = map(connection, table, there)
          mapped[table[:table]] = one if one
        end
      end

      def map(connection, table, there)
        name = table[:table]
        methods = table[:attributes].select { |_, form| form[:method] }
        unknown = there["attributes"] - methods.keys
        return unfit(name, "#{unknown.join(", ")} is in the database, and not in this code: run edp codegen again") unless unknown.empty?

        klass = class_of(table)
        return unfit(name, "no class reads #{table[:from]}: name it in Edp.start(classes: …)") if klass.nil?
        return nil unless klass.connection_pool.equal?(connection.pool)

        klass.define_attribute_methods
        missing = methods.values.map { |form| form[:method] }.reject { |method| klass.public_method_defined?(method) }
        return unfit(name, "#{klass.name} has no public method #{missing.join(", ")}") unless missing.empty?

        Mapped.new(table: name, klass: klass, relation: there["relation"], columns: there["columns"],
                   methods: methods.slice(*there["attributes"]), strict: table[:strict])
      end

      def unfit(name, why)
        warn_once([name, why], "methods of #{name} are not published: #{why}")
      end

      def warn_once(key, text)
        return if @mutex.synchronize { @warned.key?(key) || !(@warned[key] = true) }

        logger ? logger.warn("edp: #{text}") : Kernel.warn("edp: #{text}")
        nil
      end

      def names(connection, mapped)
        "ARRAY[#{mapped.keys.map { |name| connection.quote(name) }.join(", ")}]::text[]"
      end

      def take(connection, call)
        connection.execute("SELECT model, key::text AS key, row_texts::text AS texts FROM edp_capture.#{call}", "edp").to_a
      end

      def publish(connection, mapped, rows)
        rows.group_by { |row| row["model"] }.each do |name, own|
          table = mapped.fetch(name)
          own.each_slice(SLICE) { |slice| send_values(connection, table, evaluate(connection, table, slice)) }
        end
      end

      # key => what its methods said. A row that is gone has no entry.
      def evaluate(connection, table, slice)
        in_savepoint(connection) { read(connection, table, slice) }
      rescue MethodFailed
        raise
      rescue StandardError => error
        raise if passed_on?(error)

        # SQL of a method failed, and the savepoint with it: each row in one of its own.
        slice.each_with_object({}) do |row, values|
          values.merge!(in_savepoint(connection) { read(connection, table, [row]) })
        rescue MethodFailed
          raise
        rescue StandardError => one
          raise if passed_on?(one)
          raise failure(table, row["key"], one) if table.strict

          values[row["key"]] = table.methods.keys.to_h { |attribute| [attribute, [nil, message(one)]] }
        end
      end

      # The transaction is lost, or the server has no room or stops: it fails as it would without this mapping.
      def passed_on?(error)
        return true if error.is_a?(ActiveRecord::TransactionRollbackError) || error.is_a?(ActiveRecord::ConnectionNotEstablished)

        cause = error.is_a?(PG::Error) ? error : error.cause
        return false unless cause.is_a?(PG::Error)

        state = cause.result&.error_field(PG::Result::PG_DIAG_SQLSTATE)
        state.nil? || %w[08 40 53 57].include?(state[0, 2])
      end

      def in_savepoint(connection, &block)
        connection.transaction(requires_new: true, &block)
      end

      # Records of their own, so that nothing of what the application holds in memory matters, nor a default scope.
      def read(connection, table, slice)
        columns = table.columns.map { |name| "#{table.relation}.#{connection.quote_column_name(name)}" }
        keys = slice.map do |row|
          "(#{JSON.parse(row["texts"]).map { |text| connection.quote(text) }.join(", ")})"
        end
        table.klass.uncached do
          table.klass.unscoped.from(table.relation).where("(#{columns.join(", ")}) IN (#{keys.join(", ")})")
               .select("#{table.relation}.*, jsonb_build_array(#{columns.join(", ")})::text AS #{KEY_COLUMN}")
               .to_h { |record| [record[KEY_COLUMN], values_of(table, record)] }
        end
      end

      # attribute => [text, message]
      def values_of(table, record)
        table.methods.to_h do |attribute, form|
          [attribute, [text_of(record.public_send(form[:method]), form[:type]), nil]]
        rescue ActiveRecord::StatementInvalid
          raise
        rescue StandardError => error
          raise failure(table, record[KEY_COLUMN], error) if table.strict

          [attribute, [nil, message(error)]]
        end
      end

      def failure(table, key, error)
        MethodFailed.new("#{table.table} #{key}: #{error.class}: #{error.message}")
      end

      def message(error)
        text = "#{error.class}: #{error.message}"
        text = text.dup.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::BINARY
        text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub.delete("\u0000")[0, 1000]
      end

      def send_values(connection, table, values)
        return if values.empty?

        rows = values.map do |key, said|
          texts = said.transform_values(&:first)
          errors = said.transform_values(&:last).compact
          "(#{connection.quote(key)}::jsonb, #{connection.quote(JSON.generate(texts))}::json, " \
            "#{errors.empty? ? "NULL" : connection.quote(JSON.generate(errors))}::json)"
        end
        connection.execute(
          "SELECT edp_capture.publish_methods(#{connection.quote(table.table)}, v.key, v.texts, v.errors) " \
          "FROM (VALUES #{rows.join(", ")}) AS v (key, texts, errors)", "edp"
        )
      end
    end

    # Each COMMIT of ActiveRecord, while the transaction is still open: what raises here rolls it back.
    module BeforeCommit
      def before_commit_records
        super
        Edp::Outbox.flush(connection) if materialized?
      end
    end

    # A statement outside of a transaction commits as soon as it has run: it gets a transaction, so that its methods are published.
    module InTransaction
      %i[insert update delete exec_insert_all].each do |name|
        define_method(name) do |*arguments, **options, &block|
          if transaction_open? || !Edp::Outbox.watches?(self)
            super(*arguments, **options, &block)
          else
            transaction { super(*arguments, **options, &block) }
          end
        end
      end
    end
  end

  def self.start(**options)
    Outbox.start(**options)
  end
end
