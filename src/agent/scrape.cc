// SPDX-License-Identifier: Apache-2.0
#include "agent/scrape.h"

#include <algorithm>
#include <cstdio>

#include "base/hash.h"
#include "l6_infer/l6_infer.h"
#include "wire/decode.h"

namespace strata::agent {
namespace {

constexpr std::int64_t kSayEvery = 15 * base::kSecond;
constexpr std::size_t kMaxPage = 64u << 20;
constexpr std::string_view kAccept =
    "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

}  // namespace

std::string InstanceOf(std::string_view target) {
  const std::size_t colon = target.rfind(':');
  if (colon == std::string_view::npos) return std::string(target);
  std::string_view host = target.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return l6_infer::EngineAddress(host, target.substr(colon + 1));
}

bool IsLoopback(std::string_view target) {
  return target.starts_with("127.") || target.starts_with("localhost:") ||
         target.starts_with("[::1]:");
}

Scraper::Scraper(ScrapeTarget target, const std::string& node, std::unique_ptr<Feed> feed)
    : target_(std::move(target)), instance_(InstanceOf(target_.target)), feed_(std::move(feed)) {
  url_ = "http://" + target_.target + (target_.path.starts_with('/') ? "" : "/") + target_.path;
  resource_.set("service.instance.id", instance_);
  resource_.set("job", target_.job);
  if (IsLoopback(target_.target)) resource_.set("host.name", node);
}

base::Status Scraper::Fetch(std::int64_t now_ns, std::uint64_t* samples) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(target_.timeout_ns) / 1e9);
  base::HttpRequest request;
  request.url = url_;
  request.headers = {{"Accept", std::string(kAccept)},
                     {"X-Prometheus-Scrape-Timeout-Seconds", seconds},
                     {"User-Agent", "strata"}};
  request.timeout_ms = std::max<std::int64_t>(target_.timeout_ns / base::kMillisecond, 1);
  request.max_bytes = kMaxPage;
  request.accept_gzip = true;
  ASSIGN_OR_RETURN(const base::HttpAnswer answer, client_.Send(request));
  if (answer.status != 200)
    return base::Failed("HTTP " + std::to_string(answer.status) + ": is " + target_.path +
                        " the right path?");
  if (engine_.empty()) engine_ = l6_infer::DetectEngineOfPage(answer.body);
  wire::Context context;
  context.namer = &feed_->namer();
  context.now_ns = now_ns;
  context.resource = &resource_;
  wire::TextFacts facts;
  const bool openmetrics =
      answer.header("content-type").starts_with("application/openmetrics-text");
  RETURN_IF_ERROR(
      wire::DecodePrometheusText(answer.body, openmetrics, context, &feed_->batch(), &facts));
  *samples = facts.samples;
  if (facts.samples == 0 && facts.bad_lines > 0)
    return base::Invalid("the page holds no line of the text format");
  return {};
}

// Marks the series of this round and ends those of the last one that did not come again. Samples
// that carry a time of their own are none of ours to end, as with Prometheus.
void Scraper::Track(std::int64_t now_ns) {
  model::Batch& batch = feed_->batch();
  ++round_;
  for (std::size_t i = 0; i < batch.samples.size(); ++i) {
    if (batch.samples.ts[i] == now_ns)
      seen_[static_cast<std::uint64_t>(batch.samples.series[i])] = round_;
  }
  for (const model::Histogram& h : batch.histograms) {
    if (h.ts == now_ns) seen_[static_cast<std::uint64_t>(h.series)] = round_;
  }
  for (auto it = seen_.begin(); it != seen_.end();) {
    if (it->second == round_) {
      ++it;
    } else {
      batch.samples.push(model::SeriesId{it->first}, now_ns, 0, model::StaleNan());
      it = seen_.erase(it);
    }
  }
}

void Scraper::Fact(std::string_view name, std::string_view unit, double value,
                   std::int64_t now_ns) {
  model::RawMetric raw;
  raw.name = name;
  raw.unit = unit;
  raw.resource = &resource_;
  raw.source = "scrape";
  const std::uint64_t key = base::Hash64(name, resource_.hash(1));
  const std::vector<model::Target>* targets = feed_->namer().find(key);
  if (targets == nullptr) targets = &feed_->namer().Resolve(key, raw, &feed_->batch().refused);
  for (const model::Target& target : *targets) {
    double out = 0;
    if (model::Namer::Apply(target, value, &out, &feed_->batch().refused))
      feed_->batch().samples.push(target.series, now_ns, 0, out);
  }
}

void Scraper::Say(std::string state, std::string detail, std::int64_t now_ns) {
  std::string words = state + detail;
  if (words == said_ && now_ns - said_ns_ < kSayEvery) return;
  said_ = std::move(words);
  said_ns_ = now_ns;
  model::SourceState source;
  source.name = "scrape " + target_.job + " " + target_.target;
  source.layer = !target_.layer.empty() ? target_.layer : !engine_.empty() ? "l6_infer" : "other";
  source.state = std::move(state);
  source.detail = std::move(detail);
  source.last_ns = last_good_ns_;
  feed_->batch().sources.push_back(std::move(source));
}

void Scraper::Scrape(std::int64_t now_ns) {
  const std::int64_t begin = base::monotonic_ns();
  std::uint64_t samples = 0;
  const base::Status status = Fetch(now_ns, &samples);
  const double took_s = static_cast<double>(base::monotonic_ns() - begin) / 1e9;
  up_ = status.ok();
  failures_ = up_ ? 0 : failures_ + 1;
  if (!up_) {  // nothing of a page that could not be read whole
    std::vector<model::Series> named =
        std::move(feed_->batch().series);  // the encoder must hear of them all the same
    feed_->batch().clear();
    feed_->batch().series = std::move(named);
    samples = 0;
  } else {
    last_good_ns_ = now_ns;
  }
  Fact("up", "", up_ ? 1 : 0, now_ns);
  Fact("scrape_duration_seconds", "s", took_s, now_ns);
  Fact("scrape_samples_scraped", "", static_cast<double>(samples), now_ns);
  Track(now_ns);
  if (up_) {
    Say("live", engine_, now_ns);
  } else {
    Say("failed", status.message(), now_ns);
  }
  feed_->Ship();
}

void Scraper::End(std::int64_t now_ns, const std::string& why) {
  Track(now_ns);
  said_.clear();
  Say("absent", why, now_ns);
  feed_->Ship();
}

}  // namespace strata::agent
