# frozen_string_literal: true
# Generated from edp.yaml by edp codegen; edits are lost.

# Attributes that are captured from a column, where Ruby says something else than the column does: the reader is overridden, or the type
# of the attribute is another one than that of the column (an enum, serialize, encrypts). Events have what the column has; where the
# warehouse is to have what Ruby says, capture: of edp.yaml fills the attribute by { method: … }.
module Edp
  module Readers
    Difference = Struct.new(:table, :attribute, :klass, :column, :why, keyword_init: true) do
      def to_s
        "#{table}.#{attribute}: #{klass}##{column} #{why}"
      end
    end

    class << self
      # "table.attribute" of those that differ on purpose.
      def expected
        @expected ||= []
      end

      attr_writer :expected

      # Differences, and what cannot be compared.
      def compare(tables = TABLES)
        tables.each_with_object([[], []]) do |table, (differences, problems)|
          klass = Outbox.class_of(table)
          if klass.nil?
            problems << "#{table[:table]}: no class reads #{table[:from]}: name it in Edp.start(classes: …)"
            next
          end
          klass.define_attribute_methods
          table[:attributes].each do |attribute, form|
            missing = form[:method] unless form[:method].nil? || klass.public_method_defined?(form[:method])
            problems << "#{table[:table]}.#{attribute}: #{klass.name} has no public method #{missing}" if missing
            next if form[:column].nil? || expected.include?("#{table[:table]}.#{attribute}")

            [klass, *klass.descendants].each do |one|
              why = difference(one, form[:column])
              next if why.nil? || (one != klass && why == difference(klass, form[:column]))

              differences << Difference.new(table: table[:table], attribute: attribute, klass: one.name, column: form[:column], why: why)
            end
          end
        end
      end

      private

      def difference(klass, column)
        return nil unless klass.columns_hash.key?(column)

        overridden(klass, column) || retyped(klass, column)
      end

      def overridden(klass, column)
        return nil unless klass.method_defined?(column) || klass.private_method_defined?(column)

        owner = klass.instance_method(column).owner
        return nil if owner.is_a?(ActiveRecord::AttributeMethods::GeneratedAttributeMethods)
        # Those of ActiveRecord itself, such as id.
        return nil if owner.name.to_s.start_with?("ActiveRecord::") || owner == Object || owner == Kernel

        place = klass.instance_method(column).source_location
        "is overridden by #{owner.name || owner.inspect}#{" (#{place.join(":")})" if place}"
      end

      def retyped(klass, column)
        type = klass.type_for_attribute(column)
        plain = Outbox.connection_of(klass).lookup_cast_type_from_column(klass.columns_hash[column])
        inner = unwrapped(type)
        return nil if inner.instance_of?(plain.class) || plain.is_a?(inner.class)

        "has the type #{inner.class.name || inner.class.inspect}, and its column #{plain.class.name}"
      end

      # Time zones and locking are what Rails puts around the types of columns.
      def unwrapped(type)
        wrappers = %w[ActiveRecord::AttributeMethods::TimeZoneConversion::TimeZoneConverter ActiveRecord::Locking::LockingType]
        wrappers.include?(type.class.name) ? type.__getobj__ : type
      end
    end
  end
end
