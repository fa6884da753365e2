// SPDX-License-Identifier: Apache-2.0
// From a number just read to a sample: the series is named on first sight, after that a sample
// costs one look-up of a precomputed key. Internal to `l3_host`; lives for one round.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "model/batch.h"
#include "model/namer.h"

namespace strata::l3_host {

// A measurement of one source file: catalog id, unit, kind and the attributes that never change.
struct Def {
  std::string_view signal;
  std::string_view unit;
  model::Kind kind = model::Kind::gauge;
  std::string_view source;
  model::AttributeRule a{}, b{};
};

// What is measured: its hash, the attributes of its entity and its own ones (either may be null).
struct Object {
  std::uint64_t hash = 0;
  const model::Attributes* resource = nullptr;
  const model::Attributes* own = nullptr;
  std::int64_t start_ns = 0;  // since when its counters count
};

class Emitter {
 public:
  Emitter(std::int64_t now_ns, model::Namer* namer, model::Batch* batch)
      : now_ns_(now_ns), namer_(namer), batch_(batch) {}

  void Put(const Def& def, const Object& object, double value) {
    const std::uint64_t key = Key(def, object);
    const std::vector<model::Target>* targets = namer_->find(key);
    if (targets == nullptr) targets = &Name(key, def, object);
    const std::int64_t start = def.kind == model::Kind::counter ? object.start_ns : 0;
    for (const model::Target& target : *targets) {
      double out = 0;
      if (model::Namer::Apply(target, value, &out, &batch_->refused))
        batch_->samples.push(target.series, now_ns_, start, out);
    }
  }

  // Ends the series with a stale marker where it was ever named.
  void End(const Def& def, const Object& object) {
    const std::vector<model::Target>* targets = namer_->find(Key(def, object));
    if (targets == nullptr) return;
    for (const model::Target& target : *targets)
      batch_->samples.push(target.series, now_ns_, 0, model::StaleNan());
  }

  std::int64_t now_ns() const { return now_ns_; }
  model::Batch* batch() const { return batch_; }

 private:
  // The address of a Def is its identity within this process; keys are never stored.
  static std::uint64_t Key(const Def& def, const Object& object) {
    return base::Mix(object.hash,
                     static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&def)));
  }

  const std::vector<model::Target>& Name(std::uint64_t key, const Def& def, const Object& object) {
    model::Attributes attributes;
    if (object.own != nullptr) attributes = *object.own;
    if (!def.a.key.empty()) attributes.set(def.a.key, def.a.value);
    if (!def.b.key.empty()) attributes.set(def.b.key, def.b.value);
    model::RawMetric raw;
    raw.name = def.signal;
    raw.unit = def.unit;
    raw.kind = def.kind;
    raw.temporality = def.kind == model::Kind::counter ? model::Temporality::cumulative
                                                       : model::Temporality::none;
    raw.attributes = &attributes;
    raw.resource = object.resource;
    raw.source = def.source;
    return namer_->Resolve(key, raw, &batch_->refused);
  }

  std::int64_t now_ns_;
  model::Namer* namer_;
  model::Batch* batch_;
};

}  // namespace strata::l3_host
