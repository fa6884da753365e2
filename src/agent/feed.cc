// SPDX-License-Identifier: Apache-2.0
#include "agent/feed.h"

#include <algorithm>

#include "base/drop.h"

namespace strata::agent {
namespace {

constexpr std::size_t kMaxSamples = 20'000;  // of one encoded piece: a few MB

}  // namespace

Feed::Feed(std::span<const model::Catalog* const> catalogs, model::Attributes resource,
           Sender* sender, std::size_t max_series)
    : catalogs_(catalogs),
      resource_(std::move(resource)),
      sender_(sender),
      max_series_(max_series),
      namer_(std::make_unique<model::Namer>(catalogs, max_series)),
      encoder_(std::make_unique<wire::OtlpEncoder>(resource_)) {}

void Feed::Send(const model::Batch& batch) {
  sender_->Push(Signal::metrics, encoder_->Metrics(batch),
                static_cast<std::uint32_t>(batch.samples.size() + batch.histograms.size()));
  sender_->Push(Signal::logs, encoder_->Logs(batch),
                static_cast<std::uint32_t>(batch.logs.size() + batch.events.size() +
                                           batch.holdings.size() + batch.collectives.size() +
                                           batch.sources.size() + batch.entities.size()));
  if (!batch.spans.empty())
    sender_->Push(Signal::traces, encoder_->Traces(batch),
                  static_cast<std::uint32_t>(batch.spans.size()));
}

void Feed::Ship() {
  namer_->take_fresh(&batch_.series);
  encoder_->remember(batch_);
  for (const auto& [reason, n] : batch_.refused.counts()) base::Drop(reason, n);
  if (batch_.samples.size() <= kMaxSamples) {
    Send(batch_);
  } else {  // a very large page: in pieces, everything else with the first
    model::Samples all;
    std::swap(all, batch_.samples);
    for (std::size_t from = 0; from < all.size(); from += kMaxSamples) {
      const std::size_t to = std::min(all.size(), from + kMaxSamples);
      for (std::size_t i = from; i < to; ++i)
        batch_.samples.push(all.series[i], all.ts[i], all.start_ts[i], all.value[i]);
      Send(batch_);
      batch_.clear();
    }
  }
  batch_.clear();
  if (namer_->size() >= max_series_ * 3 / 4) {
    namer_ = std::make_unique<model::Namer>(catalogs_, max_series_);
    encoder_ = std::make_unique<wire::OtlpEncoder>(resource_);
  }
}

}  // namespace strata::agent
