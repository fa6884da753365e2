// SPDX-License-Identifier: Apache-2.0
#include "server/diagnosis.h"

#include "base/clock.h"

namespace strata::server {

using base::Json;
using base::Result;
using base::Status;

struct Diagnosis::State {};

Diagnosis::Diagnosis(const Config&, store::Store&, const minutes::Closer&) : state_(std::make_unique<State>()) {}
Diagnosis::~Diagnosis() = default;
Status Diagnosis::Look(const std::string&, std::int64_t) { return Status::Ok(); }
Json Diagnosis::open() const { return Json::MakeArray(); }

Result<Json> Diagnosis::Why(std::string_view, std::string_view entity, std::int64_t at_ns, std::string_view) const {
  Json j;
  j.set("at", base::FormatTime(at_ns)).set("entity", entity).set("symptoms", Json::MakeArray()).set("verdict", "unknown");
  j.set("causes", Json::MakeArray()).set("not_assessed", Json::MakeArray());
  return j;
}

}  // namespace strata::server
