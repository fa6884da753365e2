// SPDX-License-Identifier: Apache-2.0
// Batches as RowBinary rows, in exactly the column order of tables.cc.
#include <bit>
#include <cmath>
#include <cstring>

#include "store/rows.h"

namespace strata::store {
namespace {

constexpr std::string_view kNames[] = {
    "series",          "samples_packed", "histogram_samples", "events",       "otel_traces",
    "otel_logs",       "entities_seen",  "holdings_v",        "collectives",  "calls",
    "sources",         "requests_v",     "ledger_v",          "findings_v",   "closes",
    "gpu_minute_v",    "host_minute_v",  "engine_minute_v",   "job_minute_v", "comm_minute_v",
    "request_minute_v"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Table::kCount));

std::string_view KindName(model::Kind kind) {
  switch (kind) {
    case model::Kind::gauge: return "gauge";
    case model::Kind::counter: return "counter";
    case model::Kind::histogram: return "histogram";
    case model::Kind::state: return "state";
    case model::Kind::event: return "event";
  }
  return "gauge";
}

std::string_view TemporalityName(model::Temporality temporality) {
  switch (temporality) {
    case model::Temporality::none: return "";
    case model::Temporality::cumulative: return "cumulative";
    case model::Temporality::delta: return "delta";
  }
  return "";
}

std::string_view Origin(const std::string& origin) {
  return origin.empty() ? std::string_view("live") : std::string_view(origin);
}

// Rows of one table on their way into `out`.
class Sink {
 public:
  Sink(Table table, std::int64_t received_ns, std::vector<TableRows>* out)
      : received_(static_cast<std::uint32_t>(received_ns / 1'000'000'000)) {
    for (TableRows& rows : *out) {
      if (rows.table == table) rows_ = &rows;
    }
    if (rows_ == nullptr) rows_ = &out->emplace_back(TableRows{table, 0, {}});
  }
  RowWriter row() {
    ++rows_->rows;
    return RowWriter(&rows_->bytes);
  }
  void reserve(std::size_t more) { rows_->bytes.reserve(rows_->bytes.size() + more); }
  void End(RowWriter* w) const { w->u32(received_); }
  void End(RowWriter* w, const std::string& origin) const {
    w->text(Origin(origin));
    w->u32(received_);
  }

 private:
  TableRows* rows_ = nullptr;
  std::uint32_t received_;
};

void EncodeSeries(const model::Batch& batch, std::int64_t received_ns,
                  std::vector<TableRows>* out) {
  if (batch.series.empty()) return;
  Sink sink(Table::series, received_ns, out);
  for (const model::Series& s : batch.series) {
    RowWriter w = sink.row();
    w.u64(static_cast<std::uint64_t>(s.id));
    w.text(s.layer);
    w.text(s.signal);
    w.text(s.unit);
    w.text(KindName(s.kind));
    w.text(TemporalityName(s.temporality));
    w.text(s.entity_type);
    w.text(s.entity);
    w.map(s.attributes);
    w.text(s.source);
    sink.End(&w, s.origin);
  }
}

void EncodeSamples(const model::Batch& batch, std::int64_t received_ns,
                   std::vector<TableRows>* out) {
  const model::Samples& s = batch.samples;
  if (s.size() == 0) return;
  Sink sink(Table::samples, received_ns, out);
  sink.reserve(s.size() * 36);
  for (std::size_t i = 0; i < s.size(); ++i) {
    RowWriter w = sink.row();
    w.u64(static_cast<std::uint64_t>(s.series[i]));
    w.i64(s.ts[i]);
    w.i64(s.start_ts[i]);
    w.f64(s.value[i]);
    sink.End(&w);
  }
}

void WriteCounts(const std::vector<std::uint64_t>& counts, RowWriter* w) {
  w->size(counts.size());
  for (const std::uint64_t count : counts) w->u64(count);
}

void EncodeHistograms(const model::Batch& batch, std::int64_t received_ns,
                      std::vector<TableRows>* out) {
  if (batch.histograms.empty()) return;
  Sink sink(Table::histograms, received_ns, out);
  for (const model::Histogram& h : batch.histograms) {
    RowWriter w = sink.row();
    w.u64(static_cast<std::uint64_t>(h.series));
    w.i64(h.ts);
    w.i64(h.start_ts);
    w.u64(h.count);
    w.nullable_f64(h.sum);
    w.nullable_f64(h.min);
    w.nullable_f64(h.max);
    w.text(h.exponential ? "exponential" : "explicit");
    w.size(h.bounds.size());
    for (const double bound : h.bounds) w.f64(bound);
    WriteCounts(h.counts, &w);
    w.i32(h.scale);
    w.i32(h.positive_offset);
    w.i32(h.negative_offset);
    WriteCounts(h.negative_counts, &w);
    w.u64(h.zero_count);
    sink.End(&w);
  }
}

void EncodeEvents(const model::Batch& batch, std::int64_t received_ns,
                  std::vector<TableRows>* out) {
  if (batch.events.empty()) return;
  Sink sink(Table::events, received_ns, out);
  for (const model::Event& e : batch.events) {
    RowWriter w = sink.row();
    w.i64(e.ts);
    for (const std::string* text :
         {&e.layer, &e.event, &e.entity_type, &e.entity, &e.severity, &e.message})
      w.text(*text);
    w.map(e.attributes);
    w.text(e.source);
    sink.End(&w, e.origin);
  }
}

void EncodeSpan(const model::Span& s, RowWriter* w) {
  w->i64(s.start_ns);
  for (const std::string* text :
       {&s.trace_id, &s.span_id, &s.parent_span_id, &s.trace_state, &s.name, &s.kind, &s.service}) {
    w->text(*text);
  }
  w->map(s.resource);
  w->text(s.scope_name);
  w->text(s.scope_version);
  w->map(s.attributes);
  w->u64(s.end_ns > s.start_ns ? static_cast<std::uint64_t>(s.end_ns - s.start_ns) : 0);
  w->text(s.status);
  w->text(s.status_message);
  w->size(s.events.size());
  for (const auto& event : s.events) w->i64(event.ts);
  w->size(s.events.size());
  for (const auto& event : s.events) w->text(event.name);
  w->size(s.events.size());
  for (const auto& event : s.events) w->map(event.attributes);
  w->size(s.links.size());
  for (const auto& link : s.links) w->text(link.trace_id);
  w->size(s.links.size());
  for (const auto& link : s.links) w->text(link.span_id);
  w->size(s.links.size());
  for ([[maybe_unused]] const auto& link : s.links) w->text("");
  w->size(s.links.size());
  for (const auto& link : s.links) w->map(link.attributes);
}

void EncodeSpansAndLogs(const model::Batch& batch, std::int64_t received_ns,
                        std::vector<TableRows>* out) {
  if (!batch.spans.empty()) {
    Sink sink(Table::otel_traces, received_ns, out);
    for (const model::Span& s : batch.spans) {
      RowWriter w = sink.row();
      EncodeSpan(s, &w);
      sink.End(&w, s.origin);
    }
  }
  if (batch.logs.empty()) return;
  Sink sink(Table::otel_logs, received_ns, out);
  for (const model::LogRecord& l : batch.logs) {
    RowWriter w = sink.row();
    w.i64(l.ts);
    w.text(l.trace_id);
    w.text(l.span_id);
    w.u8(l.flags);
    w.text(l.severity_text);
    w.u8(l.severity_number);
    w.text(l.service);
    w.text(l.body);
    w.text("");  // ResourceSchemaUrl
    w.map(l.resource);
    w.text("");  // ScopeSchemaUrl
    w.text(l.scope_name);
    w.text(l.scope_version);
    w.map(l.scope);
    w.map(l.attributes);
    w.text(l.event_name);
    sink.End(&w, l.origin);
  }
}

void EncodeEntities(const model::Batch& batch, std::int64_t received_ns,
                    std::vector<TableRows>* out) {
  if (batch.entities.empty()) return;
  Sink sink(Table::entities, received_ns, out);
  for (const model::Entity& e : batch.entities) {
    RowWriter w = sink.row();
    w.text(e.type);
    w.text(e.id);
    w.text(e.name);
    w.map(e.attributes);
    w.i64(e.seen_ns);
    sink.End(&w, e.origin);
  }
}

void EncodeHoldings(const model::Batch& batch, std::int64_t received_ns,
                    std::vector<TableRows>* out) {
  if (batch.holdings.empty()) return;
  Sink sink(Table::holdings, received_ns, out);
  for (const model::Holding& h : batch.holdings) {
    RowWriter w = sink.row();
    for (const std::string* text :
         {&h.gpu, &h.node, &h.ns, &h.pod, &h.container, &h.workload_kind, &h.workload, &h.team,
          &h.queue, &h.job, &h.engine, &h.cluster}) {
      w.text(*text);
    }
    for (int i = 0; i < 3; ++i)
      w.text("");  // region, zone, rack: told by entities, not by a sighting
    for (const std::string* text : {&h.user, &h.account, &h.partition, &h.share_kind})
      w.text(*text);
    w.f64(h.share);
    w.nullable_f64(h.memory_bytes == 0 ? std::nan("") : static_cast<double>(h.memory_bytes));
    w.text(h.source);
    w.i64(h.valid_from);
    w.u8(h.valid_to == 0 ? 1 : 0);
    if (h.valid_to != 0) w.i64(h.valid_to);
    w.u64(static_cast<std::uint64_t>(received_ns));  // version
    sink.End(&w, h.origin);
  }
}

void EncodeCollectives(const model::Batch& batch, std::int64_t received_ns,
                       std::vector<TableRows>* out) {
  if (batch.collectives.empty()) return;
  Sink sink(Table::collectives, received_ns, out);
  for (const model::Collective& c : batch.collectives) {
    const bool known = c.done && std::isfinite(c.duration_s);
    RowWriter w = sink.row();
    w.i64(c.start_ns + (known ? static_cast<std::int64_t>(c.duration_s * 1e9) : 0));
    w.text(c.communicator);
    w.u64(c.seq);
    w.text(c.operation);
    w.u64(c.bytes);
    w.i32(c.rank);
    w.i32(c.nranks);
    w.text(c.gpu);
    w.text(c.node);
    w.i64(c.start_ns);
    w.nullable_f64(known ? c.duration_s : std::nan(""));
    w.nullable_f64(c.algbw);
    w.nullable_f64(c.busbw);
    w.text(c.algorithm);
    w.text(c.protocol);
    w.text(c.done ? "done" : "open");
    sink.End(&w, c.origin);
  }
}

void EncodeSources(const model::Batch& batch, std::int64_t received_ns,
                   std::vector<TableRows>* out) {
  if (batch.sources.empty()) return;
  Sink sink(Table::sources, received_ns, out);
  for (const model::SourceState& s : batch.sources) {
    RowWriter w = sink.row();
    for (const std::string* text : {&s.name, &s.layer, &s.state, &s.detail}) w.text(*text);
    w.i64(s.last_ns);
    sink.End(&w, s.origin);
  }
}

template <typename T>
void Append(T value, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}
static_assert(std::endian::native == std::endian::little, "RowBinary is little-endian");

}  // namespace

std::string_view table_name(Table table) { return kNames[static_cast<std::size_t>(table)]; }

void RowWriter::u8(std::uint8_t v) { out_->push_back(static_cast<char>(v)); }
void RowWriter::u16(std::uint16_t v) { Append(v, out_); }
void RowWriter::u32(std::uint32_t v) { Append(v, out_); }
void RowWriter::u64(std::uint64_t v) { Append(v, out_); }
void RowWriter::i32(std::int32_t v) { Append(v, out_); }
void RowWriter::i64(std::int64_t v) { Append(v, out_); }
void RowWriter::i128(__int128 v) { Append(v, out_); }
void RowWriter::f64(double v) { Append(v, out_); }

void RowWriter::nullable_f64(double v) {
  u8(std::isnan(v) ? 1 : 0);
  if (!std::isnan(v)) f64(v);
}

void RowWriter::nullable_text(std::string_view v) {
  u8(v.empty() ? 1 : 0);
  if (!v.empty()) text(v);
}

void RowWriter::size(std::uint64_t n) {
  for (; n >= 0x80; n >>= 7) out_->push_back(static_cast<char>((n & 0x7f) | 0x80));
  out_->push_back(static_cast<char>(n));
}

void RowWriter::text(std::string_view v) {
  size(v.size());
  out_->append(v);
}

void RowWriter::map(const model::Attributes& v) {
  size(v.size());
  for (const auto& [key, value] : v) {
    text(key);
    text(value);
  }
}

void EncodeBatch(const model::Batch& batch, std::int64_t received_ns, std::vector<TableRows>* out) {
  EncodeSeries(batch, received_ns, out);
  EncodeSamples(batch, received_ns, out);
  EncodeHistograms(batch, received_ns, out);
  EncodeEvents(batch, received_ns, out);
  EncodeSpansAndLogs(batch, received_ns, out);
  EncodeEntities(batch, received_ns, out);
  EncodeHoldings(batch, received_ns, out);
  EncodeCollectives(batch, received_ns, out);
  EncodeSources(batch, received_ns, out);
}

}  // namespace strata::store
