// SPDX-License-Identifier: Apache-2.0
// Rows in ClickHouse's RowBinary, both ways: a writer for inserts, and typed columns for what a
// query answers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/batch.h"

namespace strata::store {

// Appends values of one row after the other to a byte string, in column order.
class RowWriter {
 public:
  explicit RowWriter(std::string* out) : out_(out) {}
  void u8(std::uint8_t v);
  void u16(std::uint16_t v);
  void u32(std::uint32_t v);
  void u64(std::uint64_t v);
  void i32(std::int32_t v);
  void i64(std::int64_t v);  // also DateTime64(9) as nanoseconds
  void i128(__int128 v);     // also Decimal128
  void f64(double v);
  void nullable_f64(double v);  // NaN becomes NULL
  void text(std::string_view v);
  void nullable_text(std::string_view v);  // "" becomes NULL
  void map(const model::Attributes& v);
  void size(std::uint64_t n);  // length before an array's items

 private:
  std::string* out_;
};

// The answer of a query, column by column. Types read: (U)Int8…128, Float32/64, Bool, String,
// FixedString, LowCardinality, Nullable, DateTime, DateTime64, Date, Enum, UUID, Decimal, Array and
// Map of these (as text in JSON form by text()).
class Rows {
 public:
  static base::Result<Rows> Parse(std::string bytes);  // RowBinaryWithNamesAndTypes

  std::size_t size() const { return rows_; }
  std::size_t columns() const { return names_.size(); }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<std::string>& types() const { return types_; }
  int column(std::string_view name) const;  // -1 when there is none

  bool is_null(std::size_t row, int column) const;
  std::int64_t i64(std::size_t row, int column)
      const;  // Date, DateTime, DateTime64: nanoseconds, whatever the scale
  std::uint64_t u64(std::size_t row, int column) const;
  __int128 i128(std::size_t row, int column) const;  // Decimal: unscaled
  double f64(std::size_t row, int column) const;     // NULL: NaN
  std::string_view text(std::size_t row,
                        int column) const;  // String; others printed; valid while the Rows live
  model::Attributes attributes(std::size_t row, int column) const;  // Map(String, String)
  std::vector<double> f64s(std::size_t row, int column) const;      // Array of numbers
  std::vector<std::uint64_t> u64s(std::size_t row, int column) const;

  // By name, for places that are not hot. A missing column is a bug.
  std::int64_t i64(std::size_t row, std::string_view name) const { return i64(row, Must(name)); }
  std::uint64_t u64(std::size_t row, std::string_view name) const { return u64(row, Must(name)); }
  double f64(std::size_t row, std::string_view name) const { return f64(row, Must(name)); }
  std::string_view text(std::size_t row, std::string_view name) const {
    return text(row, Must(name));
  }
  model::Attributes attributes(std::size_t row, std::string_view name) const {
    return attributes(row, Must(name));
  }
  bool is_null(std::size_t row, std::string_view name) const { return is_null(row, Must(name)); }

 private:
  struct Column;
  int Must(std::string_view name) const;
  std::size_t rows_ = 0;
  std::vector<std::string> names_, types_;
  std::vector<std::shared_ptr<Column>> columns_;
};

// The tables, in the order of kTables; a Part of the log names one by its index.
enum class Table : std::uint16_t {
  series,
  samples,
  histograms,
  events,
  otel_traces,
  otel_logs,
  entities,
  holdings,
  collectives,
  calls,
  sources,
  requests,
  ledger,
  findings,
  closes,
  gpu_minute,
  host_minute,
  engine_minute,
  job_minute,
  comm_minute,
  request_minute,
  kCount
};
std::string_view table_name(Table table);

struct TableRows {
  Table table;
  std::uint32_t rows = 0;
  std::string bytes;  // RowBinary
};

// What a batch becomes on disk: rows for series, samples, histograms, events, otel_traces,
// otel_logs, entities, holdings, collectives and sources. `received_ns` is the TTL's clock. Appends
// to `out` (one entry per table, reused).
void EncodeBatch(const model::Batch& batch, std::int64_t received_ns, std::vector<TableRows>* out);

}  // namespace strata::store
