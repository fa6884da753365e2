// SPDX-License-Identifier: Apache-2.0
// yaml-cpp behind a small reader that knows which keys it has read: what is left over is an unknown
// key.
#include "server/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>

#include "base/file.h"

namespace strata::server {
namespace {

using base::Result;
using base::Status;

std::string Nearest(const std::string& key, const std::vector<std::string>& known) {
  // Edit distance of at most two: a hint, no more.
  const auto distance = [](const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
        diagonal = above;
      }
    }
    return row[b.size()];
  };
  std::string best;
  std::size_t best_distance = 3;
  for (const std::string& k : known) {
    const std::size_t d = distance(key, k);
    if (d < best_distance) best_distance = d, best = k;
  }
  return best;
}

// Collects the first error; every read after it does nothing.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  const Status& status() const { return status_; }

  void Fail(const YAML::Node& at, const std::string& path, const std::string& message) {
    if (!status_.ok()) return;
    std::string where = file_;
    if (at.IsDefined() && at.Mark().line >= 0) where += ":" + std::to_string(at.Mark().line + 1);
    status_ = base::Invalid(where + ": " + path + ": " + message);
  }

  // Reads the keys of a mapping; a key without a reader is an error with a hint.
  void Map(const YAML::Node& node, const std::string& path,
           const std::vector<
               std::pair<std::string, std::function<void(const YAML::Node&, const std::string&)>>>&
               keys) {
    if (!status_.ok() || !node.IsDefined() || node.IsNull()) return;
    if (!node.IsMap())
      return Fail(node, path.empty() ? "the file" : path, "expected keys and values");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.as<std::string>("");
      const std::string full = path.empty() ? key : path + "." + key;
      const auto it =
          std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.first == key; });
      if (it == keys.end()) {
        std::vector<std::string> known;
        for (const auto& k : keys) known.push_back(k.first);
        const std::string near = Nearest(key, known);
        std::string list;
        for (const std::string& k : known) list += (list.empty() ? "" : ", ") + k;
        return Fail(entry.first, full,
                    "unknown key" + (near.empty() ? "; known here: " + list
                                                  : "; did you mean \"" + near + "\"?"));
      }
      if (!seen.insert(key).second) return Fail(entry.first, full, "this key stands twice");
      it->second(entry.second, full);
      if (!status_.ok()) return;
    }
  }

  void List(const YAML::Node& node, const std::string& path,
            const std::function<void(const YAML::Node&, const std::string&)>& item) {
    if (!status_.ok() || node.IsNull()) return;
    if (!node.IsSequence()) return Fail(node, path, "expected a list");
    for (std::size_t i = 0; i < node.size() && status_.ok(); ++i)
      item(node[i], path + "[" + std::to_string(i) + "]");
  }

  std::string Text(const YAML::Node& n, const std::string& path) {
    if (!n.IsScalar()) {
      Fail(n, path, "expected text");
      return {};
    }
    return n.Scalar();
  }

  double Number(const YAML::Node& n, const std::string& path, double low, double high) {
    double v = 0;
    const std::string text = n.IsScalar() ? n.Scalar() : "";
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || v < low ||
        v > high) {
      Fail(
          n, path,
          "expected a number from " + Short(low) + " to " + Short(high) + ", not \"" + text + "\"");
    }
    return v;
  }

  // Exact decimal text of an amount of money.
  std::string Decimal(const YAML::Node& n, const std::string& path) {
    const std::string text = n.IsScalar() ? n.Scalar() : "";
    const bool good = !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos &&
                      std::count(text.begin(), text.end(), '.') <= 1 && text != ".";
    if (!good) Fail(n, path, "expected an amount such as 2.10, not \"" + text + "\"");
    return text;
  }

  std::int64_t Duration(const YAML::Node& n, const std::string& path, std::int64_t low = 0) {
    auto v = base::ParseDuration(Text(n, path));
    if (!v.ok()) {
      Fail(n, path, v.status().message());
      return 0;
    }
    if (*v < low) Fail(n, path, "must be at least " + base::FormatDuration(low));
    return *v;
  }

  std::int64_t Days(const YAML::Node& n, const std::string& path) {
    const std::int64_t ns = Duration(n, path, base::kDay);
    return ns / base::kDay;
  }

  double Seconds(const YAML::Node& n, const std::string& path) {
    return static_cast<double>(Duration(n, path, 1)) / 1e9;
  }

  std::string Time(const YAML::Node& n, const std::string& path) {
    const std::string text = Text(n, path);
    auto v = base::ParseTime(text, 0);
    if (!v.ok()) Fail(n, path, v.status().message());
    return text;
  }

  bool OneOf(const YAML::Node& n, const std::string& path, const std::string& yes,
             const std::string& no) {
    const std::string text = Text(n, path);
    if (text != yes && text != no)
      Fail(n, path, "expected " + yes + " or " + no + ", not \"" + text + "\"");
    return text == yes;
  }

  // true, false, auto, on, off
  bool Switch(const YAML::Node& n, const std::string& path) {
    const std::string text = Text(n, path);
    if (text == "auto" || text == "on" || text == "true") return true;
    if (text == "off" || text == "false") return false;
    Fail(n, path, "expected auto or off, not \"" + text + "\"");
    return false;
  }

  std::uint64_t Size(const YAML::Node& n, const std::string& path) {
    auto v = ParseSize(Text(n, path));
    if (!v.ok()) {
      Fail(n, path, v.status().message());
      return 0;
    }
    return *v;
  }

 private:
  static std::string Short(double v) {
    std::string s = std::to_string(v);
    s.erase(s.find_last_not_of('0') + 1);
    if (!s.empty() && s.back() == '.') s.pop_back();
    return s;
  }
  std::string file_;
  Status status_;
};

using Node = YAML::Node;

void ReadScrape(Reader& r, const Node& n, const std::string& path, ScrapeJob* job) {
  r.Map(n, path,
        {{"job", [&](const Node& v, const std::string& p) { job->job = r.Text(v, p); }},
         {"targets",
          [&](const Node& v, const std::string& p) {
            r.List(v, p, [&](const Node& t, const std::string& tp) {
              job->targets.push_back(r.Text(t, tp));
              const std::string& target = job->targets.back();
              if (target.find(':') == std::string::npos || target.find('/') != std::string::npos) {
                r.Fail(t, tp, "expected host:port, not \"" + target + "\"");
              }
            });
          }},
         {"interval",
          [&](const Node& v, const std::string& p) {
            job->interval_ns = r.Duration(v, p, 100 * base::kMillisecond);
          }},
         {"timeout",
          [&](const Node& v, const std::string& p) {
            job->timeout_ns = r.Duration(v, p, 10 * base::kMillisecond);
          }},
         {"layer", [&](const Node& v, const std::string& p) { job->layer = r.Text(v, p); }},
         {"path", [&](const Node& v, const std::string& p) { job->path = r.Text(v, p); }}});
  if (job->job.empty()) r.Fail(n, path, "job is missing");
  if (job->targets.empty()) r.Fail(n, path, "targets is missing");
  job->timeout_ns = std::min(job->timeout_ns, job->interval_ns);
}

void ReadNvml(Reader& r, const Node& n, const std::string& path, Config* c) {
  r.Map(n, path,
        {{"library",
          [&](const Node& v, const std::string& p) {
            c->nvml.library = r.Text(v, p);
            if (c->nvml.library == "off" || c->nvml.library == "false") {
              c->nvml.library.clear();
            } else if (c->nvml.library.find(".so") == std::string::npos) {
              r.Fail(v, p,
                     "\"" + c->nvml.library +
                         "\" is no shared library; expected libnvidia-ml.so.1, the path of one, or "
                         "off");
            }
          }},
         {"interval",
          [&](const Node& v, const std::string& p) {
            c->nvml.interval_ns = r.Duration(v, p, 100 * base::kMillisecond);
          }},
         {"deadline", [&](const Node& v, const std::string& p) {
            c->nvml.deadline_ns = r.Duration(v, p, base::kSecond);
          }}});
}

void ReadSlo(Reader& r, const Node& n, const std::string& path, Slo* slo) {
  r.Map(n, path,
        {{"model", [&](const Node& v, const std::string& p) { slo->model = r.Text(v, p); }},
         {"tenant", [&](const Node& v, const std::string& p) { slo->tenant = r.Text(v, p); }},
         {"ttft", [&](const Node& v, const std::string& p) { slo->ttft_s = r.Seconds(v, p); }},
         {"tpot", [&](const Node& v, const std::string& p) { slo->tpot_s = r.Seconds(v, p); }},
         {"e2e", [&](const Node& v, const std::string& p) { slo->e2e_s = r.Seconds(v, p); }},
         {"objective",
          [&](const Node& v, const std::string& p) { slo->objective = r.Number(v, p, 0, 1); }},
         {"from", [&](const Node& v, const std::string& p) { slo->from = r.Time(v, p); }}});
}

void ReadOverride(Reader& r, const Node& n, const std::string& path, PriceOverride* o) {
  r.Map(n, path,
        {{"gpu", [&](const Node& v, const std::string& p) { o->gpu = r.Text(v, p); }},
         {"usd_per_hour",
          [&](const Node& v, const std::string& p) { o->usd_per_hour = r.Decimal(v, p); }},
         {"from", [&](const Node& v, const std::string& p) { o->from = r.Time(v, p); }},
         {"source", [&](const Node& v, const std::string& p) { o->source = r.Text(v, p); }},
         {"provider", [&](const Node& v, const std::string& p) { o->provider = r.Text(v, p); }},
         {"region", [&](const Node& v, const std::string& p) { o->region = r.Text(v, p); }},
         {"energy", [&](const Node& v, const std::string& p) {
            o->energy_excluded = r.OneOf(v, p, "excluded", "included");
          }}});
  if (o->gpu.empty()) r.Fail(n, path, "gpu is missing");
  if (o->usd_per_hour.empty()) r.Fail(n, path, "usd_per_hour is missing");
}

void ReadPrices(Reader& r, const Node& n, const std::string& path, Config* c) {
  r.Map(n, path,
        {{"book",
          [&](const Node& v, const std::string& p) {
            c->prices.book = r.OneOf(v, p, "builtin", "none") ? "builtin" : "none";
          }},
         {"overrides",
          [&](const Node& v, const std::string& p) {
            r.List(v, p, [&](const Node& o, const std::string& op) {
              ReadOverride(r, o, op, &c->prices.overrides.emplace_back());
            });
          }},
         {"cpu_core_usd_per_hour",
          [&](const Node& v, const std::string& p) {
            c->prices.cpu_core_usd_per_hour = r.Decimal(v, p);
          }},
         {"electricity", [&](const Node& v, const std::string& p) {
            r.Map(v, p,
                  {{"usd_per_kwh",
                    [&](const Node& x, const std::string& xp) {
                      c->prices.usd_per_kwh = r.Number(x, xp, 0, 100);
                    }},
                   {"pue", [&](const Node& x, const std::string& xp) {
                      c->prices.pue = r.Number(x, xp, 1, 5);
                    }}});
          }}});
}

void ReadNccl(Reader& r, const Node& n, const std::string& path, Config* c) {
  using Fn = std::function<void(const Node&, const std::string&)>;
  const auto texts = [&](std::vector<std::string>* out) -> Fn {
    return [&r, out](const Node& v, const std::string& p) {
      r.List(v, p, [&](const Node& t, const std::string& tp) { out->push_back(r.Text(t, tp)); });
    };
  };
  const auto duration = [&](std::int64_t* out) -> Fn {
    return
        [&r, out](const Node& v, const std::string& p) { *out = r.Duration(v, p, base::kSecond); };
  };
  r.Map(n, path,
        {{"ras", texts(&c->nccl.ras)},
         {"interval", duration(&c->nccl.ras_every_ns)},
         {"stuck_after", duration(&c->nccl.stuck_after_ns)},
         {"inspector", texts(&c->nccl.inspector)},
         {"flight_recorder", texts(&c->nccl.flight_recorder)},
         {"quiet", duration(&c->nccl.quiet_ns)},
         {"socket",
          [&](const Node& v, const std::string& p) {
            const std::string socket = r.Text(v, p);
            c->nccl.socket = socket == "off" ? "" : socket;
            if (socket != "off" && (!socket.starts_with('/') || socket.size() > 107))
              r.Fail(v, p, "expected off or a path from / of at most 107 bytes");
          }},
         {"uids",
          [&](const Node& v, const std::string& p) {
            c->nccl.any_uid = v.IsScalar() && v.Scalar() == "any";
            if (c->nccl.any_uid) return;
            r.List(v, p, [&](const Node& u, const std::string& up) {
              c->nccl.uids.push_back(static_cast<std::uint32_t>(r.Number(u, up, 0, 4294967294.0)));
            });
          }},
         {"rows_per_second", [&](const Node& v, const std::string& p) {
            c->nccl.rows_per_s = r.Number(v, p, 1, 1e6);
          }}});
}

void ReadStore(Reader& r, const Node& n, const std::string& path, Config* c) {
  r.Map(n, path,
        {{"path", [&](const Node& v, const std::string& p) { c->store.path = r.Text(v, p); }},
         {"url", [&](const Node& v, const std::string& p) { c->store.url = r.Text(v, p); }},
         {"cluster", [&](const Node& v, const std::string& p) { c->store.cluster = r.Text(v, p); }},
         {"user", [&](const Node& v, const std::string& p) { c->store.user = r.Text(v, p); }},
         {"password_file",
          [&](const Node& v, const std::string& p) { c->store.password_file = r.Text(v, p); }},
         {"memory", [&](const Node& v, const std::string& p) {
            c->store.memory_bytes = r.Size(v, p);
            if (c->store.memory_bytes < (256u << 20)) r.Fail(v, p, "must be at least 256MiB");
          }}});
}

int Port(Reader& r, const Node& v, const std::string& p) {
  return static_cast<int>(r.Number(v, p, 0, 65535));
}

void ReadKubernetes(Reader& r, const Node& n, const std::string& path, Config* c) {
  auto& k = c->kubernetes;
  const auto text = [&r](std::string* out) {
    return [&r, out](const Node& v, const std::string& p) { *out = r.Text(v, p); };
  };
  r.Map(n, path,
        {{"kubeconfig", text(&k.kubeconfig)},
         {"context", text(&k.context)},
         {"kubelet_socket", text(&k.kubelet_socket)},
         {"node", text(&k.node)},
         {"cluster", [&](const Node& v, const std::string& p) { k.cluster = r.Switch(v, p); }},
         {"resources", [&](const Node& v, const std::string& p) {
            r.List(v, p, [&](const Node& one, const std::string& op) {
              auto& kind = k.resources.emplace_back();
              r.Map(one, op,
                    {{"group", text(&kind.group)},
                     {"version", text(&kind.version)},
                     {"plural", text(&kind.plural)}});
              if (kind.plural.empty()) r.Fail(one, op, "plural is missing");
            });
            if (k.resources.size() > 32) r.Fail(v, p, "at most 32 kinds");
          }}});
}

void ReadRoot(Reader& r, const Node& root, Config* c) {
  using Fn = std::function<void(const Node&, const std::string&)>;
  const auto text = [&](std::string* out) -> Fn {
    return [&r, out](const Node& v, const std::string& p) { *out = r.Text(v, p); };
  };
  const auto days = [&](std::int64_t* out) -> Fn {
    return [&r, out](const Node& v, const std::string& p) { *out = r.Days(v, p); };
  };
  r.Map(
      root, "",
      {{"cluster", text(&c->cluster)},
       {"listen", text(&c->listen)},
       {"store", [&](const Node& v, const std::string& p) { ReadStore(r, v, p, c); }},
       {"ports",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"otlp_grpc", [&](const Node& x,
                                   const std::string& xp) { c->ports.otlp_grpc = Port(r, x, xp); }},
                 {"otlp_http", [&](const Node& x,
                                   const std::string& xp) { c->ports.otlp_http = Port(r, x, xp); }},
                 {"api",
                  [&](const Node& x, const std::string& xp) { c->ports.api = Port(r, x, xp); }}});
        }},
       {"scrape",
        [&](const Node& v, const std::string& p) {
          r.List(v, p, [&](const Node& s, const std::string& sp) {
            ReadScrape(r, s, sp, &c->scrape.emplace_back());
          });
        }},
       {"files",
        [&](const Node& v, const std::string& p) {
          r.List(v, p, [&](const Node& f, const std::string& fp) {
            FileSource& file = c->files.emplace_back();
            r.Map(f, fp,
                  {{"path", text(&file.path)},
                   {"job", text(&file.job)},
                   {"kind", [&](const Node& x, const std::string& xp) {
                      file.kind = r.Text(x, xp);
                      if (file.kind != "nccl-inspector" && file.kind != "train-log" &&
                          file.kind != "otlp")
                        r.Fail(x, xp,
                               "expected nccl-inspector, train-log or otlp, not \"" + file.kind +
                                   "\"");
                    }}});
            if (file.path.empty() || file.kind.empty()) r.Fail(f, fp, "path and kind are needed");
          });
        }},
       {"discover",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"kubernetes",
                  [&](const Node& x, const std::string& xp) {
                    c->discover.kubernetes = r.Switch(x, xp);
                  }},
                 {"engines", [&](const Node& x, const std::string& xp) {
                    c->discover.engines = r.Switch(x, xp);
                  }}});
        }},
       {"kubernetes", [&](const Node& v, const std::string& p) { ReadKubernetes(r, v, p, c); }},
       {"slo",
        [&](const Node& v, const std::string& p) {
          r.List(v, p, [&](const Node& s, const std::string& sp) {
            ReadSlo(r, s, sp, &c->slo.emplace_back());
          });
        }},
       {"prices", [&](const Node& v, const std::string& p) { ReadPrices(r, v, p, c); }},
       {"inventory",
        [&](const Node& v, const std::string& p) {
          r.List(v, p, [&](const Node& i, const std::string& ip) {
            InventoryItem& item = c->inventory.emplace_back();
            r.Map(
                i, ip,
                {{"gpu", text(&item.gpu)},
                 {"model", text(&item.model)},
                 {"node", text(&item.node)},
                 {"from", [&](const Node& x, const std::string& xp) { item.from = r.Time(x, xp); }},
                 {"to", [&](const Node& x, const std::string& xp) { item.to = r.Time(x, xp); }}});
            if (item.gpu.empty()) r.Fail(i, ip, "gpu is missing");
          });
        }},
       {"teams",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"label", text(&c->teams.label)},
                 {"namespaces", [&](const Node& x, const std::string& xp) {
                    if (!x.IsMap()) return r.Fail(x, xp, "expected namespace: team");
                    for (const auto& entry : x)
                      c->teams.namespaces[entry.first.as<std::string>("")] =
                          r.Text(entry.second, xp);
                  }}});
        }},
       {"retention",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"samples", days(&c->retention.samples_days)},
                 {"spans", days(&c->retention.spans_days)},
                 {"logs", days(&c->retention.logs_days)},
                 {"minutes", days(&c->retention.minutes_days)},
                 {"requests", days(&c->retention.requests_days)},
                 {"ledger", days(&c->retention.ledger_days)}});
        }},
       {"auth",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p, {{"tokens_file", text(&c->auth.tokens_file)}});
        }},
       {"tls",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"cert", text(&c->tls.cert)},
                 {"key", text(&c->tls.key)},
                 {"client_ca", text(&c->tls.client_ca)}});
          if (c->tls.cert.empty() != c->tls.key.empty()) r.Fail(v, p, "cert and key go together");
        }},
       {"minutes",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"lateness",
                  [&](const Node& x, const std::string& xp) {
                    c->minutes.lateness_ns = r.Duration(x, xp, base::kSecond);
                  }},
                 {"reopen", [&](const Node& x, const std::string& xp) {
                    c->minutes.reopen_ns = r.Duration(x, xp, base::kMinute);
                  }}});
        }},
       {"useful",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p, {{"truncated", [&](const Node& x, const std::string& xp) {
                          c->truncated_is_waste = r.OneOf(x, xp, "waste", "useful");
                        }}});
        }},
       {"content",
        [&](const Node& v, const std::string& p) {
          c->keep_content = r.OneOf(v, p, "keep", "remove");
        }},
       {"agent",
        [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"interval",
                  [&](const Node& x, const std::string& xp) {
                    c->agent.interval_ns = r.Duration(x, xp, 100 * base::kMillisecond);
                  }},
                 {"kernel_log",
                  [&](const Node& x, const std::string& xp) {
                    c->agent.kernel_log = r.Switch(x, xp);
                  }},
                 {"spool", [&](const Node& x, const std::string& xp) {
                    c->agent.spool_bytes = r.Size(x, xp);
                  }}});
        }},
       {"nvml", [&](const Node& v, const std::string& p) { ReadNvml(r, v, p, c); }},
       {"nccl", [&](const Node& v, const std::string& p) { ReadNccl(r, v, p, c); }},
       {"limits", [&](const Node& v, const std::string& p) {
          r.Map(v, p,
                {{"series",
                  [&](const Node& x, const std::string& xp) {
                    c->limits.series = static_cast<std::uint64_t>(r.Number(x, xp, 1000, 1e9));
                  }},
                 {"body", [&](const Node& x, const std::string& xp) {
                    c->limits.body_bytes = r.Size(x, xp);
                  }}});
        }}});
}

}  // namespace

Result<std::uint64_t> ParseSize(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::uint64_t bytes;
  };
  static constexpr Unit kUnits[] = {{"", 1},
                                    {"B", 1},
                                    {"kB", 1000},
                                    {"KiB", 1024},
                                    {"MB", 1'000'000},
                                    {"MiB", 1u << 20},
                                    {"GB", 1'000'000'000},
                                    {"GiB", 1u << 30},
                                    {"TiB", 1ull << 40},
                                    {"TB", 1'000'000'000'000}};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = error == std::errc()
                              ? text.substr(static_cast<std::size_t>(end - text.data()))
                              : std::string_view("?");
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& u : kUnits) {
    if (u.name == unit && number >= 0 && number < 1e15)
      return static_cast<std::uint64_t>(number * static_cast<double>(u.bytes));
  }
  return base::Invalid("\"" + std::string(text) + "\" is not a size such as 512MiB or 2GiB");
}

Result<Config> ParseConfig(const std::string& text, const std::string& file) {
  Config config;
  config.file = file;
  Reader reader(file);
  try {
    const YAML::Node root = YAML::Load(text);
    ReadRoot(reader, root, &config);
  } catch (const YAML::Exception& e) {
    return base::Invalid(file + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg);
  }
  if (!reader.status().ok()) return reader.status();
  return config;
}

Result<Config> ReadConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, 4u << 20));
  return ParseConfig(text, path);
}

}  // namespace strata::server
