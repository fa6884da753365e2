// SPDX-License-Identifier: Apache-2.0
// The way of one source to the sender: a Namer, a batch to fill, and its encoding to OTLP. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "agent/sender.h"
#include "model/batch.h"
#include "model/catalog.h"
#include "model/namer.h"
#include "wire/decode.h"

namespace strata::agent {

class Feed {
 public:
  // `resource` goes on everything that is sent (strata.agent). After `max_series` distinct series
  // names are learnt anew, so that what came and went does not stay in memory.
  Feed(std::span<const model::Catalog* const> catalogs, model::Attributes resource, Sender* sender,
       std::size_t max_series = 100'000);

  model::Namer& namer() { return *namer_; }
  model::Batch& batch() { return batch_; }

  // Encodes the batch, hands it to the sender and clears it. Refusals become process-wide counts.
  void Ship();

 private:
  void Send(const model::Batch& batch);

  std::span<const model::Catalog* const> catalogs_;
  model::Attributes resource_;
  Sender* sender_;
  std::size_t max_series_;
  std::unique_ptr<model::Namer> namer_;
  std::unique_ptr<wire::OtlpEncoder> encoder_;
  model::Batch batch_;
};

}  // namespace strata::agent
