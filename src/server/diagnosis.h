// SPDX-License-Identifier: Apache-2.0
// The wiring of diagnose: gives it the minutes, closed and running, and keeps the findings it opens
// and closes.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/status.h"
#include "minutes/closer.h"
#include "server/config.h"
#include "store/store.h"

namespace strata::server {

class Diagnosis {
 public:
  Diagnosis(const Config& config, const base::Clock& clock, store::Store& store,
            const minutes::Closer& closer);
  ~Diagnosis();

  // Looks at one origin now: findings are opened, kept or closed. Jobs thread.
  base::Status Look(const std::string& origin, std::int64_t now_ns);
  base::Json open() const;
  // `strata why`; any thread.
  base::Result<base::Json> Why(std::string_view symptom, std::string_view entity,
                               std::int64_t at_ns, std::string_view origin) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::server
