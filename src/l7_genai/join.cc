// SPDX-License-Identifier: Apache-2.0
// Fragments to requests. First who belongs to whom (a forest, parents always earlier in (rank,
// order)), then one row per tree. Sorting comes first, so that the order of the input changes
// nothing. Pure, any thread, O(n log n) but for traces with very many calls.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "base/clock.h"
#include "l7_genai/l7_genai.h"

namespace strata::l7_genai {
namespace {

constexpr std::int64_t kRetryWindowNs = 5 * base::kMinute;
constexpr std::size_t kMaxTraceSearch =
    256;  // calls of one trace that are looked through for an enclosing one

int Rank(const Call& call) { return call.kind == "engine" ? 2 : call.kind == "gateway" ? 1 : 0; }

auto Order(const Call& c) {
  return std::tie(c.ts, c.trace_id, c.span_id, c.kind, c.response_id, c.end_ts);
}

class Forest {
 public:
  explicit Forest(std::span<const Call> calls) {
    for (const Call& call : calls) order_.push_back(&call);
    std::sort(order_.begin(), order_.end(),
              [](const Call* a, const Call* b) { return Order(*a) < Order(*b); });
    std::set<std::pair<std::string_view, std::string_view>> seen;
    std::erase_if(order_, [&](const Call* c) {
      return !c->span_id.empty() && !seen.emplace(c->trace_id, c->span_id).second;  // a resend
    });
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const Call& call = *order_[i];
      if (!call.span_id.empty()) by_span_[{call.trace_id, call.span_id}] = i;
      if (!call.trace_id.empty()) by_trace_[call.trace_id].push_back(i);
      if (!call.response_id.empty()) by_response_[call.response_id].push_back(i);
    }
    parent_.resize(order_.size(), kNone);
    for (std::size_t i = 0; i < order_.size(); ++i) parent_[i] = Parent(i);
  }

  // Members of each tree, root first, then in order of start.
  std::vector<std::vector<const Call*>> trees() const {
    std::vector<std::vector<const Call*>> out;
    std::unordered_map<std::size_t, std::size_t> tree_of;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (parent_[i] != kNone) continue;
      tree_of[i] = out.size();
      out.push_back({order_[i]});
    }
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (parent_[i] == kNone) continue;
      std::size_t root = parent_[i];
      while (parent_[root] != kNone) root = parent_[root];
      out[tree_of[root]].push_back(order_[i]);
    }
    return out;
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  // A parent stands strictly before its child in (rank, order): no cycle, whatever the spans claim.
  bool Before(std::size_t a, std::size_t b) const {
    return std::pair(Rank(*order_[a]), a) < std::pair(Rank(*order_[b]), b);
  }

  std::size_t Parent(std::size_t i) const {
    const Call& call = *order_[i];
    if (!call.parent_span_id.empty()) {
      const auto it = by_span_.find({call.trace_id, call.parent_span_id});
      if (it != by_span_.end() && it->second != i && Before(it->second, i)) return it->second;
    }
    if (const auto it = by_trace_.find(call.trace_id);
        it != by_trace_.end() && !call.trace_id.empty()) {
      const std::size_t found = Enclosing(i, it->second);
      if (found != kNone) return found;
    }
    if (Rank(call) == 0 || call.response_id.empty()) return kNone;
    const auto it = by_response_.find(call.response_id);
    std::size_t best = kNone;
    if (it != by_response_.end()) {
      for (const std::size_t c : it->second) {
        if (Rank(*order_[c]) >= Rank(call)) continue;
        if (best == kNone || Closer(c, best, i)) best = c;
      }
    }
    return best;
  }

  // Nearer to the engine first, then nearer in time.
  bool Closer(std::size_t a, std::size_t b, std::size_t i) const {
    const auto key = [&](std::size_t c) {
      return std::tuple(-Rank(*order_[c]), std::llabs(order_[c]->ts - order_[i]->ts), c);
    };
    return key(a) < key(b);
  }

  // The call of the same trace around this one. For two callers only the same answer makes them one
  // call, seen twice.
  std::size_t Enclosing(std::size_t i, const std::vector<std::size_t>& trace) const {
    const Call& call = *order_[i];
    std::size_t best = kNone;
    bool best_same = false;
    std::size_t looked = 0;
    for (const std::size_t c : trace) {
      const Call& outer = *order_[c];
      if (c == i || !Before(c, i) || ++looked > kMaxTraceSearch) continue;
      const bool same = !call.response_id.empty() && call.response_id == outer.response_id;
      const bool around = outer.ts <= call.ts && call.ts <= outer.end_ts;
      if (Rank(outer) == Rank(call) ? !(same && around && call.kind == "caller")
                                    : !(same || around))
        continue;
      if (best == kNone || (same && !best_same) || (same == best_same && Closer(c, best, i)))
        best = c, best_same = same;
    }
    return best;
  }

  std::vector<const Call*> order_;
  std::vector<std::size_t> parent_;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> by_span_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_trace_, by_response_;
};

std::string Address(const Call& call) {
  if (call.server_address.empty()) return {};
  const std::string host = call.server_address == "localhost" ? "127.0.0.1" : call.server_address;
  if (call.server_port.empty()) return host;
  return (host.find(':') != std::string::npos && host[0] != '[' ? "[" + host + "]" : host) + ":" +
         call.server_port;
}

std::string Text(double v) {
  std::string out;
  base::AppendJsonNumber(v, &out);
  return out;
}

using Member = std::optional<double> Call::*;

// The engine's part of a request: the choices of one answer are one, an earlier attempt is not
// counted.
struct Engine {
  std::optional<Call> call;
  std::size_t attempts = 0;
};
Engine EngineOf(const std::vector<const Call*>& tree) {
  Engine out;
  const Call* chosen = nullptr;
  std::set<std::string_view> ids;
  for (const Call* c : tree) {
    if (c->kind != "engine") continue;
    ids.insert(c->response_id.empty() ? std::string_view(c->span_id)
                                      : std::string_view(c->response_id));
    const auto better = [&] {
      const bool mine = c->response_id == tree[0]->response_id,
                 theirs = chosen->response_id == tree[0]->response_id;
      return mine != theirs ? mine : c->ts >= chosen->ts;
    };
    if (chosen == nullptr || better()) chosen = c;
  }
  out.attempts = ids.size();
  if (chosen == nullptr) return out;
  out.call = *chosen;
  if (chosen->response_id.empty()) return out;
  for (const Call* c : tree) {
    if (c == chosen || c->kind != "engine" || c->response_id != chosen->response_id) continue;
    const auto fold = [&](Member m, auto how) {
      if ((*c).*m)
        (*out.call).*m = (*out.call).*m ? how(*((*out.call).*m), *((*c).*m)) : *((*c).*m);
    };
    const auto sum = [](double a, double b) { return a + b; };
    const auto most = [](double a, double b) { return std::max(a, b); };
    const auto least = [](double a, double b) { return std::min(a, b); };
    fold(&Call::output_tokens, sum), fold(&Call::reasoning_tokens, sum);
    fold(&Call::input_tokens, most), fold(&Call::cached_tokens, most);
    fold(&Call::ttft_s, least), fold(&Call::queue_s, most), fold(&Call::prefill_s, most);
    fold(&Call::decode_s, most), fold(&Call::e2e_s, most);
    out.call->end_ts = std::max(out.call->end_ts, c->end_ts);
  }
  return out;
}

struct Parts {
  const Call* root;
  const Call* provider = nullptr;  // the caller's span that reports usage, else the outermost
  const Call* gateway = nullptr;   // the one nearest to the engine
  Engine engine;
};

Parts Split(const std::vector<const Call*>& tree) {
  Parts parts{tree[0], nullptr, nullptr, EngineOf(tree)};
  for (const Call* c : tree) {
    if (c->kind == "caller" &&
        (parts.provider == nullptr ||
         (parts.provider->token_source.empty() && !c->token_source.empty()))) {
      parts.provider = c;
    }
    if (c->kind == "gateway") parts.gateway = c;
  }
  return parts;
}

void FillTokens(const Parts& parts, Request* r) {
  const Call* engine = parts.engine.call ? &*parts.engine.call : nullptr;
  const auto pick = [&](Member m) -> std::optional<double> {
    for (const Call* c : {engine, parts.provider, parts.gateway}) {
      if (c != nullptr && (c->*m)) return c->*m;
    }
    return std::nullopt;
  };
  r->input_tokens = pick(&Call::input_tokens);
  r->output_tokens = pick(&Call::output_tokens);
  r->cached_tokens = pick(&Call::cached_tokens);
  r->reasoning_tokens = pick(&Call::reasoning_tokens);
  const std::pair<const Call*, const char*> sources[] = {
      {engine, "engine"}, {parts.provider, "provider"}, {parts.gateway, "gateway"}};
  for (const auto& [c, name] : sources) {
    if (r->token_source.empty() && c != nullptr && (c->output_tokens || c->input_tokens))
      r->token_source = name;
  }
  std::string disagreement;
  for (const auto& [member, what] : {std::pair<Member, const char*>{&Call::input_tokens, "input"},
                                     {&Call::output_tokens, "output"}}) {
    std::string said;
    bool differ = false;
    std::optional<double> first;
    for (const auto& [c, name] : sources) {
      if (c == nullptr || !(c->*member)) continue;
      differ = differ || (first && *first != *(c->*member));
      if (!first) first = c->*member;
      said += (said.empty() ? "" : ", ") + std::string(name) + " " + Text(*(c->*member));
    }
    if (differ)
      disagreement += (disagreement.empty() ? "" : "; ") + std::string(what) + ": " + said;
  }
  if (!disagreement.empty()) r->attributes.set("disagreement", disagreement);
}

void FillTimes(const Parts& parts, Request* r) {
  const Call* engine = parts.engine.call ? &*parts.engine.call : nullptr;
  if (engine != nullptr) {
    r->queue_s = engine->queue_s, r->prefill_s = engine->prefill_s, r->decode_s = engine->decode_s;
  }
  for (const Call* c : {parts.provider, parts.gateway, engine}) {
    if (c == nullptr || r->ttft_s || !c->ttft_s) continue;
    r->ttft_s = c->ttft_s;
    r->attributes.set("ttft_source", c->kind);
  }
  r->e2e_s = parts.root->e2e_s;
  if (!r->e2e_s && engine != nullptr) r->e2e_s = engine->e2e_s;
  if (r->output_tokens && *r->output_tokens > 1) {
    if (r->decode_s) {
      r->tpot_s = *r->decode_s / (*r->output_tokens - 1);
    } else if (r->ttft_s && r->e2e_s && *r->e2e_s > *r->ttft_s) {
      r->tpot_s = (*r->e2e_s - *r->ttft_s) / (*r->output_tokens - 1);
    }
  }
}

void FillEngine(const Parts& parts, const JoinOptions& options, Request* r) {
  const Call* hop = parts.gateway != nullptr ? parts.gateway : parts.provider;
  const std::string own = parts.engine.call ? parts.engine.call->engine : std::string();
  const std::string address = hop != nullptr ? Address(*hop) : std::string();
  if (!own.empty()) r->attributes.set("engine_instance", own);
  if (parts.gateway != nullptr) {
    r->attributes.set("gateway",
                      parts.gateway->service.empty() ? "unnamed" : parts.gateway->service);
  }
  for (const std::string& candidate : {own, address}) {
    if (candidate.empty() ||
        std::ranges::find(options.known_engines, candidate) == options.known_engines.end())
      continue;
    r->engine = candidate;
    return;
  }
  if (!options.known_engines.empty() && !parts.engine.call) return;  // somebody else's service
  r->engine = address.empty() ? own : address;
}

Request MakeRequest(const std::vector<const Call*>& tree, const JoinOptions& options) {
  const Parts parts = Split(tree);
  const Call& root = *parts.root;
  Request r;
  r.ts = root.ts;
  r.end_ts = root.end_ts;
  r.trace_id = root.trace_id;
  r.span_id = root.span_id;
  r.status = root.status;
  r.stream = root.stream;
  r.origin = root.origin;
  const Call* engine = parts.engine.call ? &*parts.engine.call : nullptr;
  const Call* order[] = {&root, parts.provider, parts.gateway, engine};
  for (const auto& [to, from] : {std::pair{&Request::response_id, &Call::response_id},
                                 {&Request::model, &Call::model},
                                 {&Request::tenant, &Call::tenant},
                                 {&Request::team, &Call::team},
                                 {&Request::service, &Call::service},
                                 {&Request::operation, &Call::operation},
                                 {&Request::provider, &Call::provider},
                                 {&Request::finish_reason, &Call::finish_reason},
                                 {&Request::error_type, &Call::error_type}}) {
    for (const Call* c : order) {
      if (c == nullptr || !(r.*to).empty()) continue;
      if (from == &Call::error_type && c != &root && root.status == "ok")
        continue;  // an attempt that was made good
      r.*to = c->*from;
    }
  }
  for (const Call* c : order) r.stream = r.stream || (c != nullptr && c->stream);
  if (root.attributes.has("unfinished"))
    r.attributes.set("unfinished", root.attributes.get("unfinished"));
  FillTokens(parts, &r);
  FillTimes(parts, &r);
  FillEngine(parts, options, &r);
  if (parts.engine.attempts > 1)
    r.attributes.set("attempts", std::to_string(parts.engine.attempts));
  return r;
}

double Median(std::vector<double> values) {
  const std::size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle),
                   values.end());
  return values[middle];
}

// Output of aborted calls whose tokens nobody counted: their time over the median time a token took
// the completed calls of the same model and engine here. Without such calls it stays untold.
void EstimateAborted(std::vector<Request>* requests) {
  std::map<std::pair<std::string_view, std::string_view>, std::vector<double>> per_token,
      first_token;
  for (const Request& r : *requests) {
    if (r.status != "ok" || !r.output_tokens || *r.output_tokens < 1 || !r.e2e_s) continue;
    const std::pair<std::string_view, std::string_view> key(r.model, r.engine);
    per_token[key].push_back(r.tpot_s ? *r.tpot_s : *r.e2e_s / *r.output_tokens);
    if (r.ttft_s) first_token[key].push_back(*r.ttft_s);
  }
  for (Request& r : *requests) {
    if (r.status != "aborted" || r.output_tokens) continue;
    if (r.token_source.empty()) r.token_source = "estimated";
    const std::pair<std::string_view, std::string_view> key(r.model, r.engine);
    const auto rate = per_token.find(key);
    if (rate == per_token.end() || !r.e2e_s) continue;
    const double token_s = Median(rate->second);
    const auto first = first_token.find(key);
    const double wait_s = r.ttft_s                     ? *r.ttft_s
                          : first != first_token.end() ? Median(first->second)
                                                       : 0;
    if (!(token_s > 0)) continue;
    r.output_tokens = *r.e2e_s <= wait_s ? 0 : std::floor((*r.e2e_s - wait_s) / token_s);
    r.token_source = "estimated";
    r.attributes.set("estimate", "output by the median pace of " +
                                     std::to_string(rate->second.size()) + " calls");
  }
}

}  // namespace

std::string ServiceKey(const Call& call) {
  return call.service + (call.stream ? " streams " : " > ") + Address(call);
}

bool ReportsEnd(const Call& call) {
  return call.kind == "caller" && (call.output_tokens || !call.finish_reason.empty());
}

std::vector<Request> JoinCalls(std::span<const Call> calls, const JoinOptions& options) {
  const Forest forest(calls);
  std::set<std::string> reports_end(options.reports_end.begin(), options.reports_end.end());
  for (const Call& call : calls) {
    if (ReportsEnd(call)) reports_end.insert(ServiceKey(call));
  }
  std::vector<Request> out;
  // (trace, parent, service, model, operation) -> the attempt before
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, std::size_t>
      attempts;
  for (const auto& tree : forest.trees()) {
    Request r = MakeRequest(tree, options);
    const Call& root = *tree[0];
    if (r.attributes.has("unfinished") && !reports_end.contains(ServiceKey(root)))
      r.status = "ok", r.attributes.erase("unfinished");
    if (!root.trace_id.empty() && !root.parent_span_id.empty() && root.kind == "caller") {
      auto [it, fresh] = attempts.try_emplace(
          {r.trace_id, root.parent_span_id, r.service, r.model, r.operation}, out.size());
      if (!fresh) {
        const Request& before = out[it->second];
        if (before.status != "ok" && r.ts >= before.end_ts &&
            r.ts - before.end_ts <= kRetryWindowNs)
          r.retry_of = before.span_id;
        it->second = out.size();
      }
    }
    out.push_back(std::move(r));
  }
  EstimateAborted(&out);
  return out;
}

}  // namespace strata::l7_genai
