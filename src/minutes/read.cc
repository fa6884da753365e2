// SPDX-License-Identifier: Apache-2.0
// All SQL of this room. Time is always a parameter; names of signals come from the catalogs and
// stand in the text.
#include <algorithm>
#include <tuple>

#include "minutes/shelf.h"

namespace strata::minutes {
namespace {

using base::Result;

std::string Time(std::string_view parameter) {
  return "fromUnixTimestamp64Nano({" + std::string(parameter) + ":Int64}, 'UTC')";
}

std::string Quoted(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "'" : ", '") + name + "'";
  return out.empty() ? "''" : out;
}

store::Params Of(const std::string& origin, Window w) {
  return {{"origin", origin},
          {"from", std::to_string(w.from)},
          {"to", std::to_string(w.to)},
          {"before", std::to_string(w.from - kHoldNs)}};
}

model::Kind KindOf(std::string_view name) {
  if (name == "counter") return model::Kind::counter;
  if (name == "histogram") return model::Kind::histogram;
  if (name == "state") return model::Kind::state;
  if (name == "event") return model::Kind::event;
  return model::Kind::gauge;
}

model::Temporality TemporalityOf(std::string_view name) {
  if (name == "cumulative") return model::Temporality::cumulative;
  if (name == "delta") return model::Temporality::delta;
  return model::Temporality::none;
}

class StoreShelf final : public Shelf {
 public:
  StoreShelf(store::Store* store, const Layout* layout)
      : store_(store), signals_(Quoted(layout->signals())), events_(Quoted(layout->events())) {}

  Result<std::vector<model::Series>> Series(std::int64_t received_s) override {
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query("SELECT id, layer, signal, unit, kind, temporality, entity_type, entity, "
                      "attributes, source, "
                      "origin FROM series WHERE signal IN (" +
                          signals_ +
                          ") AND received >= fromUnixTimestamp({since:Int64}) LIMIT 1 BY id",
                      {{"since", std::to_string(received_s)}}));
    std::vector<model::Series> out(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      model::Series& s = out[i];
      s.id = model::SeriesId{rows.u64(i, 0)};
      s.layer = rows.text(i, 1), s.signal = rows.text(i, 2), s.unit = rows.text(i, 3);
      s.kind = KindOf(rows.text(i, 4));
      s.temporality = TemporalityOf(rows.text(i, 5));
      s.entity_type = rows.text(i, 6), s.entity = rows.text(i, 7);
      s.attributes = rows.attributes(i, 8);
      s.source = rows.text(i, 9), s.origin = rows.text(i, 10);
    }
    return out;
  }

  Result<std::vector<std::string>> Origins() override {
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query(
            "SELECT DISTINCT origin FROM (SELECT origin FROM series UNION ALL SELECT origin FROM "
            "collectives UNION ALL SELECT origin FROM calls) ORDER BY origin"));
    std::vector<std::string> out;
    for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(rows.text(i, 0));
    return out;
  }

  Result<std::vector<SamplePoint>> Samples(const std::string& origin, Window w,
                                           std::span<const std::uint64_t> series) override {
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query(Near("series, ts, start_ts, value", "samples", series), Wide(origin, w)));
    return Points(rows);
  }

  Result<std::vector<SamplePoint>> Outside(Window w,
                                           std::span<const std::uint64_t> series) override {
    const std::string select = "SELECT series, ts, start_ts, value FROM samples WHERE series IN (" +
                               Listed(series) + ") AND ts >= ";
    const std::string before = select + Time("early") + " AND ts < " + Time("from") +
                               " ORDER BY series, ts DESC LIMIT 1 BY series";
    const std::string after = select + Time("to") + " AND ts < " + Time("late") +
                              " ORDER BY series, ts LIMIT 1 BY series";
    store::Params params = Of({}, w);
    params.emplace_back("early", std::to_string(w.from - kLongestGapNs));
    params.emplace_back("late", std::to_string(w.to + kLongestGapNs));
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query("SELECT * FROM (" + before + ") UNION ALL SELECT * FROM (" + after + ")",
                      params));
    return Points(rows);
  }

  static std::vector<SamplePoint> Points(const store::Rows& rows) {
    std::vector<SamplePoint> out(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      out[i] = {rows.u64(i, 0), {rows.i64(i, 1), rows.i64(i, 2), rows.f64(i, 3)}};
    }
    const auto key = [](const SamplePoint& p) {
      return std::tie(p.series, p.point.ts, p.point.start_ts);
    };
    std::sort(out.begin(), out.end(),
              [&](const SamplePoint& a, const SamplePoint& b) { return key(a) < key(b); });
    out.erase(
        std::unique(out.begin(), out.end(),
                    [&](const SamplePoint& a, const SamplePoint& b) { return key(a) == key(b); }),
        out.end());
    return out;
  }

  Result<std::vector<model::Histogram>> Histograms(const std::string& origin, Window w,
                                                   std::span<const std::uint64_t> series) override {
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query(
            Near("series, ts, start_ts, count, sum, min, max, form, bounds, counts, scale, "
                 "positive_offset, negative_offset, negative_counts, zero_count",
                 "histogram_samples", series),
            Wide(origin, w)));
    std::vector<model::Histogram> out(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      model::Histogram& h = out[i];
      h.series = model::SeriesId{rows.u64(i, 0)};
      h.ts = rows.i64(i, 1), h.start_ts = rows.i64(i, 2);
      h.count = rows.u64(i, 3);
      h.sum = rows.f64(i, 4), h.min = rows.f64(i, 5), h.max = rows.f64(i, 6);
      h.exponential = rows.text(i, 7) == "exponential";
      h.bounds = rows.f64s(i, 8);
      h.counts = rows.u64s(i, 9);
      h.scale = static_cast<std::int32_t>(rows.i64(i, 10));
      h.positive_offset = static_cast<std::int32_t>(rows.i64(i, 11));
      h.negative_offset = static_cast<std::int32_t>(rows.i64(i, 12));
      h.negative_counts = rows.u64s(i, 13);
      h.zero_count = rows.u64(i, 14);
    }
    const auto key = [](const model::Histogram& h) { return std::tie(h.series, h.ts, h.start_ts); };
    std::sort(out.begin(), out.end(),
              [&](const auto& a, const auto& b) { return key(a) < key(b); });
    out.erase(std::unique(out.begin(), out.end(),
                          [&](const auto& a, const auto& b) { return key(a) == key(b); }),
              out.end());
    return out;
  }

  Result<std::vector<EventCount>> Events(const std::string& origin, Window w) override {
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query("SELECT event, entity_type, entity, attributes, count() FROM (SELECT "
                      "DISTINCT ts, event, "
                      "entity_type, entity, message, attributes FROM events WHERE origin = "
                      "{origin:String} AND ts >= " +
                          Time("from") + " AND ts < " + Time("to") + " AND event IN (" + events_ +
                          ")) GROUP BY event, entity_type, entity, attributes",
                      Of(origin, w)));
    std::vector<EventCount> out(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      out[i].event = rows.text(i, 0), out[i].entity_type = rows.text(i, 1),
      out[i].entity = rows.text(i, 2);
      out[i].attributes = rows.attributes(i, 3);
      out[i].count = rows.f64(i, 4);
    }
    return out;
  }

  Result<std::vector<model::Collective>> Collectives(const std::string& origin, Window w) override {
    ASSIGN_OR_RETURN(store::Rows rows,
                     store_->Query("SELECT communicator, seq, operation, bytes, rank, nranks, gpu, "
                                   "node, start, duration_s, algbw, "
                                   "busbw, algorithm, protocol, state, ts FROM collectives WHERE "
                                   "origin = {origin:String} AND start >= " +
                                       Time("before") + " AND ts >= " + Time("from") +
                                       " AND ts < " + Time("to") +
                                       " ORDER BY communicator, operation, seq, rank, state LIMIT "
                                       "1 BY communicator, operation, seq, rank "
                                       "LIMIT 2000000",
                                   Of(origin, w)));
    std::vector<model::Collective> out(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      model::Collective& c = out[i];
      c.communicator = rows.text(i, 0);
      c.seq = rows.u64(i, 1);
      c.operation = rows.text(i, 2);
      c.bytes = rows.u64(i, 3);
      c.rank = static_cast<std::int32_t>(rows.i64(i, 4)),
      c.nranks = static_cast<std::int32_t>(rows.i64(i, 5));
      c.gpu = rows.text(i, 6), c.node = rows.text(i, 7);
      c.start_ns = rows.i64(i, 8);
      c.duration_s = rows.f64(i, 9), c.algbw = rows.f64(i, 10), c.busbw = rows.f64(i, 11);
      c.algorithm = rows.text(i, 12), c.protocol = rows.text(i, 13),
      c.done = rows.text(i, 14) == "done";
    }
    return out;
  }

  Result<store::Rows> Calls(const std::string& origin, Window w) override {
    // Fragments of one request lie at most five minutes apart by their starts.
    const std::string near =
        "origin = {origin:String} AND ts >= " + Time("before") + " AND ts < " + Time("late");
    const std::string here =
        "origin = {origin:String} AND ts >= " + Time("from") + " AND ts < " + Time("to");
    store::Params params = Of(origin, w);
    params.emplace_back("late", std::to_string(w.to + kHoldNs));
    return store_->Query(
        "SELECT * FROM calls WHERE " + near + " AND ((ts >= " + Time("from") + " AND ts < " +
            Time("to") + ") OR (trace_id != '' AND trace_id IN (SELECT trace_id FROM calls WHERE " +
            here +
            ")) OR (response_id != '' AND response_id IN (SELECT response_id FROM calls WHERE " +
            here +
            "))) ORDER BY ts, trace_id, span_id, kind LIMIT 1 BY ts, trace_id, span_id, kind",
        params);
  }

  Result<std::vector<std::int64_t>> MinutesWithData(const std::string& origin, Window w) override {
    const std::string range = " ts >= " + Time("from") + " AND ts < " + Time("to");
    const auto part = [&](const char* table) {
      return "SELECT DISTINCT toUnixTimestamp(toStartOfMinute(ts)) AS m FROM " +
             std::string(table) + " WHERE" + range;
    };
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query("SELECT DISTINCT m FROM (" + part("samples") + Mine() + " UNION ALL " +
                          part("histogram_samples") + Mine() + " UNION ALL " + part("collectives") +
                          " AND origin = {origin:String} UNION ALL " + part("calls") +
                          " AND origin = {origin:String}) ORDER BY m",
                      Of(origin, w)));
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows.i64(i, 0) * base::kSecond);
    return out;
  }

  Result<std::int64_t> Newest(const std::string& origin, std::int64_t from_ns) override {
    const auto part = [&](const char* table) {
      return "SELECT toUnixTimestamp64Nano(max(ts)) AS t FROM " + std::string(table) +
             " WHERE ts >= " + Time("from");
    };
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query("SELECT max(t) FROM (" + part("samples") + Mine() + " UNION ALL " +
                          part("calls") + " AND origin = {origin:String} UNION ALL " +
                          part("collectives") + " AND origin = {origin:String})",
                      {{"origin", origin}, {"from", std::to_string(from_ns)}}));
    return rows.size() == 0 ? std::int64_t{0} : std::max<std::int64_t>(0, rows.i64(0, 0));
  }

  Result<std::map<std::int64_t, std::uint64_t>> Closed(const std::string& origin,
                                                       std::int64_t from_ns) override {
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query(
            "SELECT toUnixTimestamp(minute) AS m, max(version) FROM closes WHERE origin = "
            "{origin:String} AND "
            "minute >= fromUnixTimestamp({from:Int64}) AND table != 'ledger' GROUP BY m ORDER BY m",
            {{"origin", origin}, {"from", std::to_string(from_ns / base::kSecond)}}));
    std::map<std::int64_t, std::uint64_t> out;
    for (std::size_t i = 0; i < rows.size(); ++i)
      out[rows.i64(i, 0) * base::kSecond] = rows.u64(i, 1);
    return out;
  }

  Result<std::vector<Arrival>> Arrivals(const std::string& origin, Window w,
                                        std::int64_t received_s) override {
    const std::string range = " WHERE ts >= " + Time("from") + " AND ts < " + Time("to") +
                              " AND received >= fromUnixTimestamp({since:Int64})";
    const std::string mine = " AND origin = {origin:String}";
    const std::string minute = "SELECT toUnixTimestamp(toStartOfMinute(ts)) AS m, ";
    const std::string end = " GROUP BY m, what, series, type, entity, r";
    const std::string tail = ", toUnixTimestamp(received) AS r, count() AS n FROM ";
    // A late call changes the request of every minute in which its trace has a fragment.
    const std::string calls = minute +
                              "'q' AS what, toUInt64(0) AS series, '' AS type, '' AS entity, "
                              "max(toUnixTimestamp(received)) AS r, count() AS n FROM "
                              "calls WHERE ts >= " +
                              Time("before") + " AND ts < " + Time("late") + mine +
                              " AND ((trace_id != '' AND trace_id IN (SELECT trace_id FROM calls" +
                              range + mine + ")) OR (ts >= " + Time("from") + " AND ts < " +
                              Time("to") +
                              " AND received >= fromUnixTimestamp({since:Int64}))) GROUP BY m, "
                              "what, series, type, entity";
    store::Params params = Of(origin, w);
    params.emplace_back("since", std::to_string(received_s));
    params.emplace_back("late", std::to_string(w.to + kHoldNs));
    ASSIGN_OR_RETURN(
        store::Rows rows,
        store_->Query("SELECT m, what, series, type, entity, r, n FROM (" + minute +
                          "'s' AS what, series, '' AS type, '' AS entity" + tail + "samples" +
                          range + end + " UNION ALL " + minute +
                          "'h' AS what, series, '' AS type, '' AS entity" + tail +
                          "histogram_samples" + range + end + " UNION ALL " + minute +
                          "'e' AS what, toUInt64(0) AS series, entity_type AS type, entity" + tail +
                          "events" + range + mine + " AND event IN (" + events_ + ")" + end +
                          " UNION ALL " + minute +
                          "'c' AS what, toUInt64(0) AS series, 'communicator' AS type, "
                          "communicator AS entity" +
                          tail + "collectives" + range + mine + end + " UNION ALL " + calls +
                          ") LIMIT 200000",
                      params));
    std::vector<Arrival> out(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Arrival& a = out[i];
      a.minute_ns = rows.i64(i, 0) * base::kSecond;
      a.what = rows.text(i, 1).empty() ? 's' : rows.text(i, 1)[0];
      a.series = rows.u64(i, 2);
      a.entity_type = rows.text(i, 3), a.entity = rows.text(i, 4);
      a.received_s = rows.i64(i, 5);
      a.rows = rows.u64(i, 6);
    }
    return out;
  }

  base::Status Write(std::string_view table, std::string_view rowbinary,
                     std::string_view token) override {
    return store_->Insert(table, rowbinary, token);
  }

 private:
  std::string Mine() const {
    return " AND series IN (SELECT id FROM series WHERE origin = {origin:String} AND signal IN (" +
           signals_ + "))";
  }

  static std::string Listed(std::span<const std::uint64_t> series) {
    std::string out;
    for (const std::uint64_t id : series) out += (out.empty() ? "" : ",") + std::to_string(id);
    return out.empty() ? "0" : out;
  }

  static store::Params Wide(const std::string& origin, Window w) {
    return Of(origin, {w.from - kAroundNs, w.to + kAroundNs});
  }

  // Few series are named one by one: the engine then reads only their granules and builds no set
  // from `series`.
  std::string Near(const std::string& columns, const std::string& table,
                   std::span<const std::uint64_t> series) const {
    return "SELECT " + columns + " FROM " + table + " WHERE ts >= " + Time("from") + " AND ts < " +
           Time("to") + (series.empty() ? Mine() : " AND series IN (" + Listed(series) + ")");
  }

  store::Store* store_;
  std::string signals_, events_;
};

}  // namespace

std::unique_ptr<Shelf> MakeStoreShelf(store::Store* store, const Layout* layout) {
  return std::make_unique<StoreShelf>(store, layout);
}

}  // namespace strata::minutes
