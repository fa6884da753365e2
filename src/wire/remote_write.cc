// SPDX-License-Identifier: Apache-2.0
// Prometheus remote write 1.0 and 2.0, body already uncompressed. A known series costs the hash of
// its label bytes and a look-up. Classic _bucket, _sum and _count stay counters with `le`; native
// histograms are refused and counted.
#include <limits>
#include <unordered_map>

#include "wire/exposition.h"
#include "wire/otlp.h"

namespace strata::wire {
namespace {

using std::string_view;

constexpr std::size_t kMaxSymbols = 4'000'000;

// Both versions number their metric types alike.
Type TypeFrom(std::uint64_t number) {
  static constexpr Type kTypes[] = {Type::unknown,   Type::counter,         Type::gauge,
                                    Type::histogram, Type::gauge_histogram, Type::summary,
                                    Type::info,      Type::state_set};
  return number < std::size(kTypes) ? kTypes[number] : Type::unknown;
}

// What kind of number a series of this name holds, from the type of its family or, without one,
// from its name.
void SetKind(Type type, const model::Attributes& labels, model::RawMetric* raw) {
  const string_view name = raw->name;
  const bool part = name.ends_with("_sum") || name.ends_with("_count") ||
                    (name.ends_with("_bucket") && labels.has("le"));
  raw->kind_known = type != Type::unknown;
  switch (type) {
    case Type::counter: raw->kind = model::Kind::counter; break;
    case Type::histogram: raw->kind = model::Kind::counter; break;
    case Type::summary:
      raw->kind = labels.has("quantile") ? model::Kind::gauge : model::Kind::counter;
      break;
    case Type::state_set: raw->kind = model::Kind::state; break;
    case Type::unknown:
      raw->kind = part || name.ends_with("_total") ? model::Kind::counter : model::Kind::gauge;
      raw->kind_known = raw->kind == model::Kind::counter;
      break;
    default: raw->kind = model::Kind::gauge;
  }
  if (name.ends_with("_created")) raw->kind = model::Kind::gauge;
}

// What the two versions do alike once name, labels and type are known.
class Series {
 public:
  Series(const Context& context, model::Batch* batch) : sink_(context, batch, "remote_write") {
    if (context.resource != nullptr) resource_ = *context.resource;
    if (!context.origin.empty()) resource_.set("strata.origin", context.origin);
  }
  Sink& sink() { return sink_; }

  // One label of a new series; false (counted) when the series cannot be kept.
  bool Add(string_view key, string_view value, model::Attributes* labels) {
    if (key.size() > model::kMaxKeyBytes || value.size() > model::kMaxValueBytes) {
      return sink_.Refuse(Reason::oversize, "a label that is too long"), false;
    }
    if (labels->size() >= model::kMaxAttributes)
      return sink_.Refuse(Reason::label_limit, "a series with too many labels"), false;
    if (key.empty() || labels->has(key))
      return sink_.Refuse(Reason::malformed, "a label without a name or given twice"), false;
    if (key.starts_with("strata.") && !sink_.context().trusted)
      return sink_.Refuse(Reason::reserved, "a reserved label"), false;
    labels->set(key, value);
    return true;
  }

  // nullptr when refused (counted). `labels` is used up.
  const std::vector<model::Target>* Name(std::uint64_t key, Type type, string_view unit,
                                         model::Attributes* labels) {
    const std::string name = labels->take("__name__");
    if (name.empty()) return sink_.Refuse(Reason::unnamed, "a series without __name__"), nullptr;
    model::RawMetric raw;
    raw.name = name;
    raw.unit = unit;
    SetKind(type, *labels, &raw);
    // The scraped target's identity: what a scrape of ours would have said about it.
    model::Attributes resource = resource_;
    if (labels->has("instance")) resource.set("service.instance.id", labels->take("instance"));
    raw.attributes = labels;
    raw.resource = &resource;
    raw.source = "remote_write";
    return &sink_.namer()->Resolve(key, raw, &sink_.batch()->refused);
  }

  void Sample(const std::vector<model::Target>& targets, std::int64_t ms, std::int64_t start_ms,
              double value) {
    std::int64_t at = 0;
    if (sink_.Admit(Ns(ms), &at)) sink_.Number(targets, at, sink_.Start(Ns(start_ms), at), value);
  }

 private:
  static std::uint64_t Ns(std::int64_t ms) {
    return ms > 0 && ms < 9'223'372'036'854 ? static_cast<std::uint64_t>(ms) * 1'000'000 : 0;
  }

  Sink sink_;
  model::Attributes resource_;
};

struct SampleFields {
  double value = 0;
  std::int64_t ms = 0, start_ms = 0;
};
SampleFields ReadSample(string_view bytes) {
  SampleFields s;
  for (Reader r = Open(bytes); r.next();) {
    switch (r.tag_and_type()) {
      case Fix64(1): s.value = r.get_double(); break;
      case Var(2): s.ms = r.get_int64(); break;
      case Var(3): s.start_ms = r.get_int64(); break;  // 2.0 only
      default: r.skip();
    }
  }
  return s;
}

// ---- 1.0: prometheus.WriteRequest
class Reader1 {
 public:
  Reader1(const Context& context, model::Batch* batch) : series_(context, batch) {}

  void Read(string_view request) {
    for (Reader r = Open(request); NextLen(&r, 3);) Metadata(View(r.get_view()));
    for (Reader r = Open(request); r.next();) {
      if (r.tag_and_type() != Len(1)) {
        r.skip();
        continue;
      }
      const string_view bytes = View(r.get_view());
      Guard(&series_.sink(), "time series", [&] { TimeSeries(bytes); });
    }
  }
  Sink& sink() { return series_.sink(); }

 private:
  void Metadata(string_view bytes) {
    Guard(&series_.sink(), "metadata", [&] {
      std::uint64_t type = 0;
      string_view family;
      for (Reader r = Open(bytes); r.next();) {
        switch (r.tag_and_type()) {
          case Var(1): type = r.get_uint64(); break;
          case Len(2): family = View(r.get_view()); break;
          default: r.skip();
        }
      }
      types_[family] = TypeFrom(type);
    });
  }

  Type TypeFor(string_view name) const {
    if (types_.empty()) return Type::unknown;
    for (const string_view suffix : {"", "_bucket", "_sum", "_count", "_total", "_info"}) {
      const auto it = types_.find(suffix.empty() ? name : Strip(name, suffix));
      if (it != types_.end()) return it->second;
    }
    return Type::unknown;
  }

  void TimeSeries(string_view bytes) {
    std::uint64_t hash = sink().seed();
    const char* run = nullptr;
    const char* run_end = nullptr;
    const auto flush = [&] {
      if (run != nullptr)
        hash = base::Mix(hash, base::Hash64({run, static_cast<std::size_t>(run_end - run)}));
      run = run_end = nullptr;
    };
    Reader r = Open(bytes);
    while (true) {
      const char* at = r.data().data();
      if (!r.next()) break;
      if (r.tag_and_type() == Len(1)) {
        if (at != run_end) flush();
        if (run == nullptr) run = at;
        r.skip();
        run_end = r.data().data();
      } else if (r.tag_and_type() == Len(4)) {
        sink().Refuse(Reason::unsupported, "a native histogram");
        r.skip();
      } else {
        r.skip();
      }
    }
    flush();
    const std::vector<model::Target>* targets = nullptr;
    for (Reader s = Open(bytes); NextLen(&s, 2);) {
      const SampleFields sample = ReadSample(View(s.get_view()));
      if (targets == nullptr) targets = sink().namer()->find(hash);
      if (targets == nullptr) targets = Name(bytes, hash);
      if (targets == nullptr) return;
      series_.Sample(*targets, sample.ms, 0, sample.value);
    }
  }

  const std::vector<model::Target>* Name(string_view bytes, std::uint64_t key) {
    model::Attributes labels;
    for (Reader r = Open(bytes); NextLen(&r, 1);) {
      string_view name, value;
      for (Reader label = Open(View(r.get_view())); label.next();) {
        switch (label.tag_and_type()) {
          case Len(1): name = View(label.get_view()); break;
          case Len(2): value = View(label.get_view()); break;
          default: label.skip();
        }
      }
      if (!series_.Add(name, value, &labels)) return nullptr;
    }
    return series_.Name(key, TypeFor(labels.get("__name__")), {}, &labels);
  }

  Series series_;
  std::unordered_map<string_view, Type> types_;
};

// ---- 2.0: io.prometheus.write.v2.Request
class Reader2 {
 public:
  Reader2(const Context& context, model::Batch* batch) : series_(context, batch) {}

  void Read(string_view request) {
    for (Reader r = Open(request); NextLen(&r, 4);) {
      symbols_.push_back(View(r.get_view()));
      hashes_.push_back(base::Hash64(symbols_.back()));
      if (symbols_.size() > kMaxSymbols)
        return sink().Refuse(Reason::oversize, "a symbol table that is too long");
    }
    for (Reader r = Open(request); r.next();) {
      if (r.tag_and_type() != Len(5)) {
        r.skip();
        continue;
      }
      const string_view bytes = View(r.get_view());
      Guard(&series_.sink(), "time series", [&] { TimeSeries(bytes); });
    }
  }
  Sink& sink() { return series_.sink(); }

 private:
  // The references as they stand; false (counted) when one points nowhere or a pair is incomplete.
  bool Refs(string_view bytes, std::uint64_t* hash) {
    refs_.clear();
    for (Reader r = Open(bytes); r.next();) {
      if (r.tag_and_type() == Len(1)) {
        for (const std::uint32_t ref : r.get_packed_uint32()) refs_.push_back(ref);
      } else if (r.tag_and_type() == Var(1)) {
        refs_.push_back(r.get_uint32());
      } else {
        r.skip();
      }
    }
    *hash = sink().seed();
    for (const std::uint32_t ref : refs_) {
      if (ref >= symbols_.size())
        return sink().Refuse(Reason::malformed, "a label reference beyond the symbol table"), false;
      *hash = base::Mix(*hash, hashes_[ref]);
    }
    if (refs_.size() % 2 != 0)
      sink().Refuse(Reason::malformed, "an odd number of label references");
    return refs_.size() % 2 == 0;
  }

  void TimeSeries(string_view bytes) {
    std::uint64_t key = 0;
    if (!Refs(bytes, &key)) return;
    std::int64_t created_ms = 0;
    string_view metadata;
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Len(3): sink().Refuse(Reason::unsupported, "a native histogram"), r.skip(); break;
        case Len(5): metadata = View(r.get_view()); break;
        case Var(6): created_ms = r.get_int64(); break;
        default: r.skip();
      }
    }
    const std::vector<model::Target>* targets = nullptr;
    for (Reader s = Open(bytes); NextLen(&s, 2);) {
      const SampleFields sample = ReadSample(View(s.get_view()));
      if (targets == nullptr) targets = sink().namer()->find(key);
      if (targets == nullptr) targets = Name(key, metadata);
      if (targets == nullptr) return;
      series_.Sample(*targets, sample.ms, sample.start_ms != 0 ? sample.start_ms : created_ms,
                     sample.value);
    }
  }

  const std::vector<model::Target>* Name(std::uint64_t key, string_view metadata) {
    std::uint64_t type = 0, unit = 0;
    for (Reader r = Open(metadata); r.next();) {
      switch (r.tag_and_type()) {
        case Var(1): type = r.get_uint64(); break;
        case Var(4): unit = r.get_uint64(); break;
        default: r.skip();
      }
    }
    model::Attributes labels;
    for (std::size_t i = 0; i + 1 < refs_.size(); i += 2) {
      if (!series_.Add(symbols_[refs_[i]], symbols_[refs_[i + 1]], &labels)) return nullptr;
    }
    const string_view word = unit < symbols_.size() ? symbols_[unit] : string_view();
    return series_.Name(key, TypeFrom(type), UnitOf(word.substr(0, model::kMaxKeyBytes)), &labels);
  }

  Series series_;
  std::vector<string_view> symbols_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> refs_;
};

template <typename R>
base::Status Decode(string_view protobuf, const Context& context, model::Batch* batch) {
  R reader(context, batch);
  const std::size_t had = batch->records();
  std::string broken;
  try {
    reader.Read(protobuf);
  } catch (const protozero::exception& e) {
    broken = e.what();
    reader.sink().Refuse(Reason::malformed, "request: " + broken);
  }
  context.namer->take_fresh(&batch->series);
  if (!broken.empty() && batch->records() == had)
    return base::Invalid("not a remote write request: " + broken);
  return {};
}

}  // namespace

base::Status DecodeRemoteWrite1(string_view protobuf, const Context& context, model::Batch* batch) {
  return Decode<Reader1>(protobuf, context, batch);
}

base::Status DecodeRemoteWrite2(string_view protobuf, const Context& context, model::Batch* batch) {
  return Decode<Reader2>(protobuf, context, batch);
}

}  // namespace strata::wire
