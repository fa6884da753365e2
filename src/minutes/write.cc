// SPDX-License-Identifier: Apache-2.0
#include "minutes/write.h"

#include "base/check.h"
#include "base/clock.h"
#include "store/rows.h"

namespace strata::minutes {
namespace {

std::uint32_t Second(std::int64_t ns) { return static_cast<std::uint32_t>(ns / base::kSecond); }

}  // namespace

std::string MinuteBytes(const MinuteTable& table, const MinuteRow& row, std::uint64_t version,
                        std::int64_t now_ns) {
  std::string out;
  store::RowWriter w(&out);
  std::size_t key = 0, fact = 0, label = 0;
  for (const store::Column& column : table.def.columns) {
    if (column.type == "Nullable(Float64)") {
      w.nullable_f64(row.facts[fact++]);
    } else if (column.type == store::kLabelType) {
      w.nullable_text(row.labels.empty() ? std::string_view() : row.labels[label++]);
    } else if (column.name == "minute") {
      w.u32(Second(row.minute_ns));
    } else if (column.name == "version") {
      w.u64(version);
    } else if (column.name == "provisional") {
      w.u8(row.provisional ? 1 : 0);
    } else if (column.name == "origin") {
      w.text(row.origin);
    } else if (column.name == "received") {
      w.u32(Second(now_ns));
    } else {
      CHECK(key < row.keys.size() && table.keys[key] == column.name,
            "a column of a minute table that is no key");
      w.text(row.keys[key++]);
    }
  }
  return out;
}

std::string RequestBytes(const RequestRow& r, std::int64_t minute_ns, std::uint64_t version,
                         std::string_view origin, std::int64_t now_ns) {
  std::string out;
  store::RowWriter w(&out);
  w.u32(Second(minute_ns));
  w.i64(r.ts);
  w.i64(r.end_ts);
  for (const std::string* text : {&r.trace_id, &r.span_id, &r.response_id, &r.engine, &r.node,
                                  &r.ns, &r.model, &r.tenant, &r.team, &r.service, &r.operation,
                                  &r.provider, &r.status, &r.finish_reason, &r.error_type}) {
    w.text(*text);
  }
  for (const double v : {r.input_tokens, r.cached_tokens, r.output_tokens, r.reasoning_tokens,
                         r.queue_s, r.prefill_s, r.decode_s, r.ttft_s, r.tpot_s, r.e2e_s}) {
    w.nullable_f64(v);
  }
  w.u8(r.stream ? 1 : 0);
  w.text(r.retry_of);
  w.text(r.class_);
  w.nullable_f64(r.useful);
  w.text(r.token_source);
  w.u64(version);
  w.text(origin);
  w.u32(Second(now_ns));
  return out;
}

std::string CloseBytes(std::string_view table, std::int64_t minute_ns, std::string_view entity,
                       std::uint64_t version, std::string_view origin, std::int64_t now_ns) {
  std::string out;
  store::RowWriter w(&out);
  w.text(table);
  w.u32(Second(minute_ns));
  w.text(entity);
  w.u64(version);
  w.text(origin);
  w.u32(Second(now_ns));
  return out;
}

}  // namespace strata::minutes
