// SPDX-License-Identifier: Apache-2.0
// From a number of this room's sources to a sample by catalog id. Internal to `l4_sched`; one
// decode call, one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/hash.h"
#include "model/batch.h"
#include "model/namer.h"
#include "wire/decode.h"

namespace strata::l4_sched {

class Measure {
 public:
  Measure(std::string_view source, const wire::Context& context, model::Batch* batch)
      : source_(source), context_(context), batch_(batch) {}

  // `at_ns` 0 = the context's time. NaN is not told: no sample.
  void Put(std::string_view signal, std::string_view unit, model::Kind kind,
           const model::Attributes& attributes, double value, std::int64_t at_ns = 0) {
    if (!(value == value) || context_.namer == nullptr) return;
    std::uint64_t key = base::Mix(base::Hash64(source_), base::Hash64(signal));
    key = base::Mix(attributes.hash(key), base::Hash64(context_.origin));
    if (context_.resource != nullptr) key = context_.resource->hash(key);
    const auto* targets = context_.namer->find(key);
    if (targets == nullptr) targets = &Name(key, signal, unit, kind, attributes);
    const std::int64_t ts = at_ns > 0 ? at_ns + context_.shift_ns : context_.now_ns;
    for (const model::Target& target : *targets) {
      double out = 0;
      if (model::Namer::Apply(target, value, &out, &batch_->refused))
        batch_->samples.push(target.series, ts, 0, out);
    }
  }

  void Entity(std::string_view type, std::string id, model::Attributes attributes) {
    model::Entity e;
    e.type = type;
    e.name = id;
    e.id = std::move(id);
    e.attributes = std::move(attributes);
    e.seen_ns = context_.now_ns;
    e.origin = context_.origin;
    batch_->entities.push_back(std::move(e));
  }

  std::int64_t now_ns() const { return context_.now_ns; }
  model::Batch* batch() const { return batch_; }

 private:
  const std::vector<model::Target>& Name(std::uint64_t key, std::string_view signal,
                                         std::string_view unit, model::Kind kind,
                                         const model::Attributes& attributes) {
    model::Attributes resource =
        context_.resource != nullptr ? *context_.resource : model::Attributes();
    if (!context_.origin.empty()) resource.set("strata.origin", context_.origin);
    model::RawMetric raw;
    raw.name = signal;
    raw.unit = unit;
    raw.kind = kind;
    raw.temporality =
        kind == model::Kind::counter ? model::Temporality::cumulative : model::Temporality::none;
    raw.attributes = &attributes;
    raw.resource = &resource;
    raw.source = source_;
    const auto& targets = context_.namer->Resolve(key, raw, &batch_->refused);
    context_.namer->take_fresh(&batch_->series);
    return targets;
  }

  std::string_view source_;
  const wire::Context& context_;
  model::Batch* batch_;
};

}  // namespace strata::l4_sched
