// SPDX-License-Identifier: Apache-2.0
// OTLP metrics, protobuf. A point of a known series costs the hash of its attribute bytes and a
// look-up; words are decoded only for a new one. Integers become the nearest double (exact to
// 2^53). The flag "no recorded value" is the stale marker. Thread: the caller's.
#include <limits>

#include "wire/otlp.h"

namespace strata::wire {
namespace {

using std::string_view;

constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxBuckets = 16'384;
constexpr double kNotTold = std::numeric_limits<double>::quiet_NaN();

// Field numbers of opentelemetry.proto.metrics.v1.
struct Shape {
  std::uint32_t attributes, flags;
};
constexpr Shape kNumber{7, 8}, kHistogram{9, 10}, kExponential{1, 10}, kSummary{7, 8};

// The fields that all kinds of points have.
struct Point {
  string_view bytes;
  std::uint64_t attributes_hash = 0;
  std::uint64_t time = 0, start = 0;
  std::uint64_t flags = 0;
  bool no_value() const { return (flags & 1) != 0; }
};

// Hashes the attribute fields of a message; neighbours are hashed as one run of bytes.
class FieldHash {
 public:
  void Add(const char* from, const char* to) {
    if (from == end_) {
      end_ = to;
      return;
    }
    Flush();
    begin_ = from;
    end_ = to;
  }
  std::uint64_t value() {
    Flush();
    return hash_;
  }

 private:
  void Flush() {
    if (begin_ != nullptr)
      hash_ = base::Mix(hash_, base::Hash64({begin_, static_cast<std::size_t>(end_ - begin_)}));
    begin_ = end_ = nullptr;
  }
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  std::uint64_t hash_ = 0;
};

// Reads the common fields and gives every other one to `field(reader)`, which must consume it.
template <typename F>
Point ReadPoint(string_view bytes, const Shape& shape, F&& field) {
  Point point;
  point.bytes = bytes;
  FieldHash hash;
  Reader r = Open(bytes);
  while (true) {
    const char* at = r.data().data();
    if (!r.next()) break;
    const std::uint32_t what = r.tag_and_type();
    if (what == Len(shape.attributes)) {
      r.skip();
      hash.Add(at, r.data().data());
    } else if (what == Fix64(2)) {
      point.start = r.get_fixed64();
    } else if (what == Fix64(3)) {
      point.time = r.get_fixed64();
    } else if (what == Var(shape.flags)) {
      point.flags = r.get_uint64();
    } else {
      field(r);
    }
  }
  point.attributes_hash = hash.value();
  return point;
}

class MetricsReader {
 public:
  MetricsReader(const Context& context, model::Batch* batch) : sink_(context, batch, "otlp") {}

  base::Status Read(string_view request) {
    return EachScope(
        request, &sink_, [&](Resource* resource, string_view scope_bytes, string_view scoped) {
          resource_ = resource;
          scope_bytes_ = scope_bytes;
          scope_ready_ = false;
          scope_hash_ =
              base::Mix(base::Mix(sink_.seed(), resource->hash()), base::Hash64(scope_bytes));
          for (Reader s = Open(scoped); NextLen(&s, 2);) {
            const string_view metric = View(s.get_view());
            Guard(&sink_, "metric", [&] { Metric(metric); });
          }
        });
  }

 private:
  void Metric(string_view bytes) {
    string_view name, unit, data;
    std::uint32_t kind = 0;
    bool state = false;
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Len(1): name = View(r.get_view()); break;
        case Len(3): unit = View(r.get_view()); break;
        case Len(5):
        case Len(7):
        case Len(9):
        case Len(10):
        case Len(11):
          kind = r.tag();
          data = View(r.get_view());
          break;
        case Len(12): state = IsState(View(r.get_view())) || state; break;
        default: r.skip();
      }
    }
    if (name.empty()) return sink_.Refuse(Reason::unnamed, "a metric without a name");
    if (name.size() > kMaxNameBytes || unit.size() > model::kMaxKeyBytes) {
      return sink_.Refuse(Reason::oversize, "a metric name or unit that is too long");
    }
    raw_ = model::RawMetric{};
    raw_.name = name;
    raw_.unit = unit;
    raw_.kind = state ? model::Kind::state : model::Kind::gauge;
    std::uint32_t points_kind = kind;
    if (kind != 5 && kind != 11 && !Temporality(data, kind)) return;
    metric_hash_ = base::Mix(base::Mix(scope_hash_, base::Hash64(name)), base::Hash64(unit));
    metric_hash_ = base::Mix(metric_hash_, static_cast<std::uint64_t>(raw_.kind) * 4 +
                                               static_cast<std::uint64_t>(raw_.temporality));
    for (Reader r = Open(data); NextLen(&r, 1);) {
      const string_view point = View(r.get_view());
      Guard(&sink_, "data point", [&] {
        switch (points_kind) {
          case 9: return HistogramPoint(point);
          case 10: return ExponentialPoint(point);
          case 11: return SummaryPoint(point);
          default: return NumberPoint(point);
        }
      });
    }
  }

  // metadata prometheus.type = stateset, as the Collector writes it.
  static bool IsState(string_view kv) {
    string_view key, any, text;
    for (Reader r = Open(kv); r.next();) {
      if (r.tag_and_type() == Len(1)) {
        key = View(r.get_view());
      } else if (r.tag_and_type() == Len(2)) {
        any = View(r.get_view());
      } else {
        r.skip();
      }
    }
    for (Reader r = Open(any); NextLen(&r, 1);) text = View(r.get_view());
    return key == "prometheus.type" && text == "stateset";
  }

  // Kind and temporality of a sum or histogram; false when it is a form that is not kept.
  bool Temporality(string_view data, std::uint32_t kind) {
    std::uint64_t temporality = 0;
    bool monotonic = false;
    for (Reader r = Open(data); r.next();) {
      switch (r.tag_and_type()) {
        case Var(2): temporality = r.get_uint64(); break;
        case Var(3): monotonic = r.get_uint64() != 0; break;
        default: r.skip();
      }
    }
    const bool delta = temporality == 1;
    if (kind == 7 && !monotonic) {
      if (delta)
        sink_.Refuse(Reason::unsupported,
                     "a sum that is delta and not monotonic: send it cumulative",
                     CountPoints(data));
      return !delta;
    }
    raw_.kind = kind == 7 ? model::Kind::counter : model::Kind::histogram;
    raw_.temporality = delta ? model::Temporality::delta : model::Temporality::cumulative;
    return true;
  }

  static std::uint64_t CountPoints(string_view data) {
    std::uint64_t n = 0;
    for (Reader r = Open(data); NextLen(&r, 1); r.skip()) ++n;
    return n;
  }

  // ---- the four kinds of points
  void NumberPoint(string_view bytes) {
    double value = 0;
    bool told = false;
    const Point point = ReadPoint(bytes, kNumber, [&](Reader& r) {
      switch (r.tag_and_type()) {
        case Fix64(4): value = r.get_double(), told = true; break;
        case Fix64(6): value = static_cast<double>(r.get_sfixed64()), told = true; break;
        default: r.skip();
      }
    });
    if (point.no_value()) value = model::StaleNan(), told = true;
    if (!told) return sink_.Refuse(Reason::malformed, "a data point without a value");
    std::int64_t at = 0;
    if (!sink_.Admit(point.time, &at)) return;
    const auto* targets = Targets(point, kNumber, raw_, metric_hash_, {});
    if (targets != nullptr) sink_.Number(*targets, at, sink_.Start(point.start, at), value);
  }

  void HistogramPoint(string_view bytes) {
    model::Histogram h;
    h.sum = h.min = h.max = kNotTold;
    const Point point = ReadPoint(bytes, kHistogram, [&](Reader& r) {
      switch (r.tag_and_type()) {
        case Fix64(4): h.count = r.get_fixed64(); break;
        case Fix64(5): h.sum = r.get_double(); break;
        case Len(6):
          for (const std::uint64_t n : r.get_packed_fixed64()) h.counts.push_back(n);
          break;
        case Fix64(6): h.counts.push_back(r.get_fixed64()); break;
        case Len(7):
          for (const double b : r.get_packed_double()) h.bounds.push_back(b);
          break;
        case Fix64(7): h.bounds.push_back(r.get_double()); break;
        case Fix64(11): h.min = r.get_double(); break;
        case Fix64(12): h.max = r.get_double(); break;
        default: r.skip();
      }
    });
    if (h.counts.empty() && h.bounds.empty()) h.counts.push_back(h.count);
    Put(point, kHistogram, std::move(h));
  }

  static void ReadBuckets(string_view bytes, std::int32_t* offset,
                          std::vector<std::uint64_t>* counts) {
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Var(1): *offset = r.get_sint32(); break;
        case Len(2):
          for (const std::uint64_t n : r.get_packed_uint64()) {
            if (counts->size() <= kMaxBuckets) counts->push_back(n);
          }
          break;
        case Var(2): counts->push_back(r.get_uint64()); break;
        default: r.skip();
      }
    }
  }

  void ExponentialPoint(string_view bytes) {
    model::Histogram h;
    h.exponential = true;
    h.sum = h.min = h.max = kNotTold;
    const Point point = ReadPoint(bytes, kExponential, [&](Reader& r) {
      switch (r.tag_and_type()) {
        case Fix64(4): h.count = r.get_fixed64(); break;
        case Fix64(5): h.sum = r.get_double(); break;
        case Var(6): h.scale = r.get_sint32(); break;
        case Fix64(7): h.zero_count = r.get_fixed64(); break;
        case Len(8): ReadBuckets(View(r.get_view()), &h.positive_offset, &h.counts); break;
        case Len(9): ReadBuckets(View(r.get_view()), &h.negative_offset, &h.negative_counts); break;
        case Fix64(12): h.min = r.get_double(); break;
        case Fix64(13): h.max = r.get_double(); break;
        default: r.skip();
      }
    });
    Put(point, kExponential, std::move(h));
  }

  // The buckets must be those of the count, or nobody could say where the rest went.
  static const char* Offence(const model::Histogram& h) {
    std::uint64_t total = h.zero_count;
    const auto add = [&](const std::vector<std::uint64_t>& counts) {
      for (const std::uint64_t n : counts) {
        if (__builtin_add_overflow(total, n, &total)) return false;
      }
      return true;
    };
    if (!add(h.counts) || !add(h.negative_counts) || total != h.count)
      return "buckets that do not add up to the count";
    if (h.exponential) return h.scale < -11 || h.scale > 20 ? "a scale out of range" : nullptr;
    if (h.counts.size() != h.bounds.size() + 1) return "bucket counts that do not fit the bounds";
    for (std::size_t i = 0; i < h.bounds.size(); ++i) {
      if (!std::isfinite(h.bounds[i]) || (i > 0 && h.bounds[i] <= h.bounds[i - 1]))
        return "bounds that do not rise";
    }
    return nullptr;
  }

  void Put(const Point& point, const Shape& shape, model::Histogram&& h) {
    std::int64_t at = 0;
    if (h.counts.size() > kMaxBuckets || h.negative_counts.size() > kMaxBuckets ||
        h.bounds.size() > kMaxBuckets) {
      return sink_.Refuse(Reason::oversize, "a histogram with too many buckets");
    }
    const char* offence = point.no_value() ? nullptr : Offence(h);
    if (offence != nullptr) return sink_.Refuse(Reason::malformed, offence);
    if (!sink_.Admit(point.time, &at)) return;
    const auto* targets = Targets(point, shape, raw_, metric_hash_, {});
    if (targets == nullptr) return;
    if (point.no_value()) return sink_.Number(*targets, at, 0, model::StaleNan());
    h.ts = at;
    h.start_ts = sink_.Start(point.start, at);
    sink_.Histogram(*targets, std::move(h));
  }

  // Quantiles as samples with the attribute `quantile` (NaN: no observation, absent), _sum and
  // _count as counters.
  void SummaryPoint(string_view bytes) {
    std::uint64_t count = 0;
    double sum = 0;
    const Point point = ReadPoint(bytes, kSummary, [&](Reader& r) {
      switch (r.tag_and_type()) {
        case Fix64(4): count = r.get_fixed64(); break;
        case Fix64(5): sum = r.get_double(); break;
        default: r.skip();
      }
    });
    std::int64_t at = 0;
    if (!sink_.Admit(point.time, &at)) return;
    const std::int64_t start = sink_.Start(point.start, at);
    for (Reader r = Open(bytes); NextLen(&r, 6);) {
      double quantile = 0, value = 0;
      for (Reader q = Open(View(r.get_view())); q.next();) {
        switch (q.tag_and_type()) {
          case Fix64(1): quantile = q.get_double(); break;
          case Fix64(2): value = q.get_double(); break;
          default: q.skip();
        }
      }
      if (point.no_value()) value = model::StaleNan();
      if (std::isnan(value) && !model::IsStale(value)) continue;
      const std::uint64_t hash =
          base::Mix(metric_hash_, std::bit_cast<std::uint64_t>(quantile) | 1);
      const auto* targets = Targets(point, kSummary, raw_, hash, NumberText(quantile));
      if (targets != nullptr) sink_.Number(*targets, at, start, value);
    }
    Part(point, "_sum", at, start, point.no_value() ? model::StaleNan() : sum);
    Part(point, "_count", at, start,
         point.no_value() ? model::StaleNan() : static_cast<double>(count));
  }

  void Part(const Point& point, string_view suffix, std::int64_t at, std::int64_t start,
            double value) {
    part_name_.assign(raw_.name).append(suffix);
    model::RawMetric part = raw_;
    part.name = part_name_;
    part.kind = model::Kind::counter;
    part.temporality = model::Temporality::cumulative;
    const auto* targets =
        Targets(point, kSummary, part, base::Mix(metric_hash_, base::Hash64(suffix)), {});
    if (targets != nullptr) sink_.Number(*targets, at, start, value);
  }

  // ---- names. nullptr when the point was refused (counted).
  const std::vector<model::Target>* Targets(const Point& point, const Shape& shape,
                                            const model::RawMetric& as, std::uint64_t hash,
                                            string_view quantile) {
    const std::uint64_t key = base::Mix(hash, point.attributes_hash);
    if (const auto* known = sink_.namer()->find(key)) return known;
    model::Attributes attributes;
    if (!ReadAttributes(point.bytes, shape.attributes, Excess::refuse, &sink_, &attributes))
      return nullptr;
    if (!quantile.empty()) attributes.set("quantile", quantile);
    if (!scope_ready_) {
      scope_ = ReadScope(scope_bytes_, &sink_);
      source_ = scope_.attributes.get("strata.source");
      scope_ready_ = true;
    }
    // Two libraries may use one name for two things, so the scope is part of the series, except for
    // our own.
    if (source_.empty() && !scope_.name.empty())
      attributes.set_if_absent("otel.scope.name", scope_.name);
    model::RawMetric raw = as;
    raw.attributes = &attributes;
    raw.resource = &resource_->attributes();
    raw.source = source_.empty() ? string_view("otlp") : string_view(source_);
    return &sink_.namer()->Resolve(key, raw, &sink_.batch()->refused);
  }

  Sink sink_;
  Resource* resource_ = nullptr;
  string_view scope_bytes_;
  bool scope_ready_ = false;
  Scope scope_;
  std::string source_, part_name_;
  std::uint64_t scope_hash_ = 0, metric_hash_ = 0;
  model::RawMetric raw_;
};

}  // namespace

base::Status DecodeOtlpMetrics(string_view protobuf, const Context& context, model::Batch* batch) {
  return MetricsReader(context, batch).Read(protobuf);
}

}  // namespace strata::wire
