// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/trust.h"

#include <algorithm>
#include <cstdio>

#include "l4_sched/queues.h"

namespace strata::l4_sched {
namespace {

using model::Holding;
using std::string_view;

constexpr double kRounding = 0.01;  // MiB against bytes, percent against parts

std::string Who(const Holding& h) {
  if (!h.pod.empty()) return h.ns + "/" + h.pod;
  if (!h.job.empty()) return "job " + h.job;
  return h.engine.empty() ? "a process" : h.engine;
}

std::string Number(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", share);
  return text;
}

void Tell(std::string* dispute, const std::string& text) {
  if (dispute->find(text) != std::string::npos || dispute->size() > 2000) return;
  *dispute += (dispute->empty() ? "" : "; ") + text;
}

bool SameHolder(const Holding& a, const Holding& b) {
  return SamePod(a, b) &&
         (a.container == b.container || a.container.empty() || b.container.empty());
}

// What a source that needs a witness may count for; 0 = it does not count here.
double Witnessed(const Said& claim, std::span<const Said> said, std::string* dispute) {
  const Holding& h = *claim.as;
  for (const Said& w : said) {
    if (!TrustOf(w.source).witness || !SameHolder(*w.as, h)) continue;
    const bool larger = w.as->share > h.share + kRounding && w.as->share_kind != "whole";
    if (!larger) return h.share;
    Tell(dispute, std::string(claim.source) + " says " + Number(h.share) + " for " + Who(h) + ", " +
                      std::string(w.source) + " says " + Number(w.as->share) +
                      ": the larger share is charged");
    return w.as->share;
  }
  if (claim.witnessed_elsewhere > 0) {
    const bool counts = h.share + claim.annotated_elsewhere >= claim.witnessed_elsewhere - 1e-9;
    Tell(dispute, std::string(claim.source) + " names this device for " + Who(h) +
                      ", kubelet or region names another: the larger share is charged " +
                      (counts ? "here" : "there"));
    return counts ? h.share : 0;
  }
  if (claim.old_enough)
    Tell(dispute, std::string(claim.source) + " alone names " + Who(h) +
                      ": neither kubelet nor region confirms it");
  return h.share;
}

// A witness whose pod was given another device by a source that comes before it.
bool Overruled(const Said& claim, std::span<const Said> said) {
  if (!TrustOf(claim.source).witness || claim.annotated_elsewhere <= 0) return false;
  for (const Said& other : said) {
    if (TrustOf(other.source).needs_witness && SamePod(*other.as, *claim.as)) return false;
  }
  if (claim.confirmed_elsewhere) return true;
  return claim.annotated_elsewhere >= claim.as->share + claim.witnessed_elsewhere - 1e-9;
}

// Shares that nobody told are equal parts of what is left; then all are scaled to at most 1.
void Deal(std::span<const Said> said, Verdict* out) {
  double told = 0;
  std::size_t untold = 0;
  for (const auto& c : out->counted) {
    told += c.share;
    untold += c.share <= 0 ? 1 : 0;
  }
  if (untold > 0) {
    const double left = told < 1 - 1e-9 ? 1 - told : 1;
    for (auto& c : out->counted) {
      if (c.share <= 0) c.share = left / static_cast<double>(untold);
    }
    told = told < 1 - 1e-9 ? 1 : told + 1;
  }
  if (told <= 1 + 1e-9) return;
  for (auto& c : out->counted) c.share /= told;
  char text[96];
  std::snprintf(text, sizeof text, "%zu holders claim %.3f of one device: shares scaled",
                out->counted.size(), told);
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(out->counted.size(), 4); ++i)
    names += (i == 0 ? " (" : ", ") + Who(*said[out->counted[i].said].as);
  Tell(&out->dispute, text + names + ")");
}

}  // namespace

bool SamePod(const Holding& a, const Holding& b) {
  return !a.pod.empty() && a.pod == b.pod && a.ns == b.ns;
}

const Trust& TrustOf(string_view source) {
  static constexpr Trust kUnknown = {"", false, false, false};
  const auto it = std::ranges::find(kTrust, source, &Trust::source);
  return it == std::end(kTrust) ? kUnknown : *it;
}

int SourcePrecedence(string_view source) {
  const auto it = std::ranges::find(kTrust, source, &Trust::source);
  return static_cast<int>(it - std::begin(kTrust));
}

Verdict Judge(std::span<const Said> said) {
  Verdict out;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (!Overruled(said[i], said)) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return SourcePrecedence(said[a].source) < SourcePrecedence(said[b].source);
  });
  string_view best;
  double sum = 0;
  for (const std::size_t i : order) {
    const Holding& h = *said[i].as;
    double share = h.share;
    if (TrustOf(said[i].source).needs_witness) {
      share = Witnessed(said[i], said, &out.dispute);
      if (share <= 0 && h.share > 0) continue;
    }
    const auto same = [&](const Verdict::Counted& c) {
      const Holding& kept = *said[c.said].as;
      return h.pod.empty() || SamePod(kept, h);
    };
    if (best.empty() || said[i].source == best) {
      best = said[i].source;
    } else {
      // A lower source that sees the same pod, or a process whose pod is unknown, says nothing
      // else.
      if (std::ranges::any_of(out.counted, same)) continue;
      if (IsReservationPod(h.ns, h.pod)) continue;  // it stands for those who were named
      // Another holder beside them, where there is room for both.
      const bool room = h.share_kind != "whole" && h.share > 0 && sum + h.share <= 1 + kRounding;
      if (!room) {
        const Said& kept = said[out.counted.front().said];
        Tell(&out.dispute, std::string(said[i].source) + " names " + Who(h) + ", " +
                               std::string(kept.source) + " names " + Who(*kept.as));
        continue;
      }
    }
    sum += share;
    out.counted.push_back({i, share});
  }
  Deal(said, &out);
  return out;
}

}  // namespace strata::l4_sched
