// SPDX-License-Identifier: Apache-2.0
// Closes minutes: reads what a minute holds, writes one row of facts per entity with one version,
// then says so in `closes`. Late data closes a minute again; the running minute is kept
// provisionally in memory. Tick runs on one thread; the accessors may be called from any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "minutes/gather.h"
#include "minutes/gpu_judge.h"
#include "minutes/layout.h"
#include "minutes/requests.h"
#include "minutes/shelf.h"

namespace strata::minutes {

// What the wiring makes of the collectives of one minute beyond their sums: it knows who waited for
// whom. All are called on the ticking thread, for a minute perhaps more than once.
struct CommFacts {
  std::vector<Observed> observed;
  std::vector<Label> labels;
};
struct CommJudge {
  // Rows of one communicator, by operation, sequence number and rank. `closed`: the minute is
  // over, this is no look at a running one.
  std::function<void(const std::string& origin, Window window, bool closed,
                     std::span<const model::Collective> rows, CommFacts* out)>
      rows;
  // What is known of communicators in this window without a row: a collective that does not end.
  std::function<void(const std::string& origin, Window window, CommFacts* out)> standing;
  // Minutes of the window in which `standing` says something: they close also without any data.
  std::function<std::vector<std::int64_t>(const std::string& origin, Window window)> minutes;
};

// What the wiring hears when a minute stands in the store.
struct ClosedMinute {
  std::string origin;
  std::int64_t minute_ns = 0;
  bool again = false;  // late data; `rows` holds the entities that were closed anew
  std::span<const MinuteRow> rows;
  std::span<const RequestRow> requests;  // that started in the minute
};

struct Options {
  std::int64_t lateness_ns = 20 * base::kSecond;
  std::int64_t reopen_ns = 24 * base::kHour;
  std::int64_t provisional_ns = 10 * base::kSecond;
  std::size_t minutes_per_tick = 30;  // catching up after a gap does not block a tick for longer
  JoinCalls join;                     // none: no requests
  // Moves what was accepted into the store; false: not all of it yet. A world comes in a heap, its
  // tables not all at the same moment: its minutes close only after this.
  std::function<bool()> flush;
  CommJudge comm;  // none: no wait and lateness
  GpuJudge gpu;    // none: no state and no shares of a peak
  std::function<void(const ClosedMinute&)> on_closed;
};

struct CloserStats {
  std::uint64_t closed = 0, closed_again = 0, rows = 0, failed = 0;
  std::int64_t last_pass_ns = 0;    // time the last close took
  std::int64_t newest_live_ns = 0;  // end of the newest closed minute of origin live
  std::string last_error;
};

class Closer {
 public:
  Closer(store::Store& store, std::span<const model::Catalog* const> catalogs, Options options);
  Closer(std::unique_ptr<Shelf> shelf, std::unique_ptr<Layout> layout, Options options);  // tests
  ~Closer();

  // Closes what is due at this time by the server's clock. Cheap when nothing is; a failure is kept
  // in stats() and the minute tried again at the next tick.
  void Tick(std::int64_t now_ns);

  // The oldest time of what came since the last tick: what is far behind is looked for at once, not
  // when its turn comes. Of the ticking thread.
  void Came(std::int64_t oldest_ns) { came_ns_ = std::min(came_ns_, oldest_ns); }

  // Nobody looks: the running minute is not read, and late data looked for less often. The next
  // tick after it ends reads. Of the ticking thread.
  void set_relaxed(bool relaxed) {
    if (relaxed_ && !relaxed) ticked_at_ = 0;
    relaxed_ = relaxed;
  }

  // Rows of minutes that are not closed yet, of one origin ("live" or a world), newest last.
  std::vector<MinuteRow> provisional(std::string_view table,
                                     std::string_view origin = "live") const;
  std::vector<RequestRow> provisional_requests(std::string_view origin = "live") const;
  CloserStats stats() const;
  const Layout& layout() const { return *layout_; }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  struct Origin {
    bool started = false;
    std::int64_t next_ns = 0;                      // first minute that is not closed
    std::map<std::int64_t, std::uint64_t> closed;  // minute -> version, within reopen
    // Counters whose sample after the minute was not there yet: their entities close again when it
    // comes.
    std::map<std::int64_t, std::map<std::uint64_t, Wanted>> waiting;
    // The oldest of what came far behind since the look that saw it, and when the last of it came.
    std::int64_t came_ns = kNever, came_at = 0;
    std::int64_t provisional_at = 0, looked_at = 0, looked_hours_at = 0, looked_day_at = 0;
    std::vector<std::uint64_t> samples, histograms;  // ids of its series
    // Kinds that the last closed minute held; others are asked for seldom while the minute runs.
    bool has_histograms = true, has_events = true, has_collectives = true, has_calls = true;
    int probes = 0;
  };
  struct Job {  // one minute to close; wanted nullptr = everything
    std::int64_t minute_ns = 0;
    bool again = false;
    bool requests = true;
    Wanted wanted;
    std::vector<std::uint64_t> gap =
        {};                // counters without a sample here, between two samples further away
    bool running = false;  // provisional
  };
  struct Gap {
    std::uint64_t series = 0;
    std::int64_t from_ns = 0;  // the last sample before
  };
  struct Read {  // one minute as it was read
    std::vector<MinuteRow> rows;
    std::vector<RequestRow> requests;
    std::map<std::uint64_t, Wanted> waiting;  // series without a sample after the minute
    std::set<std::uint64_t> with_samples;
    std::vector<Gap> gaps;  // counters that came back here
    std::int64_t newest_ns = 0;
  };

  base::Status TickOrigin(const std::string& name, Origin* origin, std::int64_t now_ns);
  base::Status Start(const std::string& name, Origin* origin, std::int64_t now_ns);
  base::Status LookForLate(const std::string& name, Origin* origin, std::int64_t now_ns,
                           std::vector<Job>* jobs);
  base::Status LookAt(const std::string& name, Origin* origin, Window window, std::int64_t since_ns,
                      std::int64_t now_ns, std::map<std::int64_t, Job>* jobs);
  base::Status CloseAll(const std::string& name, Origin* origin, std::vector<Job> jobs,
                        std::int64_t now_ns);
  base::Status Provisional(const std::string& name, Origin* origin, std::int64_t clock_ns);
  base::Result<Read> ReadMinute(const std::string& name, Origin* origin, Window window,
                                const Job& job);
  base::Status FindOutside(Window window, const Job& job, std::map<std::uint64_t, SeriesData>* data,
                           std::vector<Gap>* gaps);
  base::Status ReadCollectives(const std::string& name, Window window, bool closed, CommFacts* out);
  base::Status RefreshSeries(std::int64_t now_ns);
  base::Result<std::int64_t> ClockOf(const std::string& name, std::int64_t now_ns, bool* running);
  std::string RowBytes(const MinuteRow& row, std::uint64_t version, std::int64_t now_ns) const;
  void Fail(const base::Status& status);

  std::unique_ptr<Layout> layout_;
  std::unique_ptr<Shelf> shelf_;
  Options options_;
  std::unordered_map<std::uint64_t, Named> series_;
  std::int64_t series_since_s_ = 0, origins_at_ = 0, ticked_at_ = 0, refreshed_at_ = 0;
  std::uint64_t last_version_ = 0;
  bool relaxed_ = false;
  std::int64_t came_ns_ = kNever;
  std::map<std::string, Origin> origins_;
  struct Clocked {
    std::int64_t newest_ns = 0, seen_at = 0, asked_at = 0;
  };
  std::map<std::string, Clocked> clocks_;
  std::map<std::tuple<std::string, std::int64_t, char, std::uint64_t, std::string, std::int64_t>,
           std::pair<std::uint64_t, std::int64_t>>
      handled_;  // arrival -> rows, when

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::vector<MinuteRow>> provisional_;
  std::map<std::string, std::vector<RequestRow>> provisional_requests_;
  CloserStats stats_;
};

}  // namespace strata::minutes
