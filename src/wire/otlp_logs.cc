// SPDX-License-Identifier: Apache-2.0
// OTLP logs, protobuf. A record whose event_name is one of our events becomes an event; the records
// strata.holding, strata.collective, strata.source and strata.entity of a trusted sender become
// what they are named after; all else stays a log line.
#include <charconv>
#include <limits>

#include "wire/otlp.h"

namespace strata::wire {
namespace {

using std::string_view;

struct KnownEvent {
  string_view event, layer, entity_type;
};
constexpr KnownEvent kEvents[] = {{"gpu.fault.event", "l1_gpu", "gpu"},
                                  {"comm.straggler", "l2_comm", "communicator"},
                                  {"comm.hang", "l2_comm", "communicator"},
                                  {"host.oom_kill", "l3_host", "node"},
                                  {"k8s.pod.evicted", "l4_sched", "pod"},
                                  {"holding.dispute", "l4_sched", "gpu"},
                                  {"inference.preemption", "l6_infer", "engine"},
                                  {"train.checkpoint", "l5_train", "job"},
                                  {"train.restart", "l5_train", "job"},
                                  {"change.rollout", "l4_sched", "workload"},
                                  {"change.engine", "l6_infer", "engine"},
                                  {"change.driver", "l1_gpu", "node"},
                                  {"change.price", "l8_cost", ""},
                                  {"change.slo", "l7_genai", ""},
                                  {"node.cordoned", "l4_sched", "node"},
                                  {"engine.restart", "l6_infer", "engine"}};

const KnownEvent* FindEvent(string_view name) {
  for (const KnownEvent& known : kEvents) {
    if (known.event == name) return &known;
  }
  return nullptr;
}

double ToDouble(string_view text, double otherwise) {
  double value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

std::int64_t ToInt(string_view text, std::int64_t otherwise = 0) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

std::uint64_t ToUnsigned(string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

// The columns of interface.md section 5 as a holding; false when nothing says whose or what.
bool MakeHolding(model::Attributes* a, model::Holding* h) {
  const std::pair<string_view, std::string*> kTexts[] = {{"gpu", &h->gpu},
                                                         {"node", &h->node},
                                                         {"namespace", &h->ns},
                                                         {"pod", &h->pod},
                                                         {"container", &h->container},
                                                         {"workload_kind", &h->workload_kind},
                                                         {"workload", &h->workload},
                                                         {"team", &h->team},
                                                         {"queue", &h->queue},
                                                         {"job", &h->job},
                                                         {"engine", &h->engine},
                                                         {"cluster", &h->cluster},
                                                         {"user", &h->user},
                                                         {"account", &h->account},
                                                         {"partition", &h->partition},
                                                         {"share_kind", &h->share_kind},
                                                         {"source", &h->source}};
  for (const auto& [key, text] : kTexts) *text = a->take(key);
  h->share = ToDouble(a->get("share"), 1);
  h->memory_bytes = ToUnsigned(a->get("memory_bytes"));
  h->valid_from = ToInt(a->get("valid_from"));
  h->valid_to = ToInt(a->get("valid_to"));
  return (!h->gpu.empty() || !h->node.empty()) && h->share >= 0 && h->share <= 1;
}

bool MakeCollective(model::Attributes* a, model::Collective* c) {
  constexpr double kNotTold = std::numeric_limits<double>::quiet_NaN();
  const std::pair<string_view, std::string*> kTexts[] = {{"communicator", &c->communicator},
                                                         {"operation", &c->operation},
                                                         {"gpu", &c->gpu},
                                                         {"node", &c->node},
                                                         {"algorithm", &c->algorithm},
                                                         {"protocol", &c->protocol}};
  for (const auto& [key, text] : kTexts) *text = a->take(key);
  c->seq = ToUnsigned(a->get("seq"));
  c->bytes = ToUnsigned(a->get("bytes"));
  c->rank = static_cast<std::int32_t>(ToInt(a->get("rank"), -1));
  c->nranks = static_cast<std::int32_t>(ToInt(a->get("nranks")));
  c->start_ns = ToInt(a->get("start"));
  c->duration_s = ToDouble(a->get("duration_s"), kNotTold);
  c->algbw = ToDouble(a->get("algbw"), kNotTold);
  c->busbw = ToDouble(a->get("busbw"), kNotTold);
  c->done = a->get("state") != "open";
  return !c->communicator.empty() && c->start_ns > 0;
}

class LogsReader {
 public:
  LogsReader(const Context& context, model::Batch* batch) : sink_(context, batch, "otlp") {}

  base::Status Read(string_view request) {
    return EachScope(request, &sink_,
                     [&](Resource* resource, string_view scope_bytes, string_view scoped) {
                       resource_ = resource;
                       scope_ = ReadScope(scope_bytes, &sink_);
                       for (Reader s = Open(scoped); NextLen(&s, 2);) {
                         const string_view bytes = View(s.get_view());
                         Guard(&sink_, "log record", [&] { Record(bytes); });
                       }
                     });
  }

 private:
  void Record(string_view bytes) {
    model::LogRecord log;
    string_view body, name, trace, span;
    std::uint64_t time = 0, observed = 0;
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Fix64(1): time = r.get_fixed64(); break;
        case Var(2):
          log.severity_number =
              static_cast<std::uint8_t>(std::min<std::uint64_t>(r.get_uint64(), 24));
          break;
        case Len(3): log.severity_text = View(r.get_view()).substr(0, model::kMaxKeyBytes); break;
        case Len(5): body = View(r.get_view()); break;
        case Fix32(8): log.flags = static_cast<std::uint8_t>(r.get_fixed32()); break;
        case Len(9): trace = View(r.get_view()); break;
        case Len(10): span = View(r.get_view()); break;
        case Fix64(11): observed = r.get_fixed64(); break;
        case Len(12): name = View(r.get_view()).substr(0, model::kMaxValueBytes); break;
        default: r.skip();
      }
    }
    log.ts = sink_.context().now_ns;
    if (const std::uint64_t told = time != 0 ? time : observed;
        told != 0 && !sink_.Admit(told, &log.ts))
      return;
    if ((!trace.empty() && trace.size() != 16) || (!span.empty() && span.size() != 8)) {
      return sink_.Refuse(Reason::malformed, "a trace or span id of the wrong length");
    }
    log.trace_id = Hex(trace);
    log.span_id = Hex(span);
    if (!ReadAttributes(bytes, 6, Excess::cut, &sink_, &log.attributes)) return;
    log.event_name =
        name.empty() ? std::string(log.attributes.get("event.name")) : std::string(name);
    Body(body, &log);
    if (log.event_name.starts_with("strata.")) return Reserved(&log);
    const KnownEvent* known = FindEvent(log.event_name);
    if (known != nullptr || log.attributes.has("strata.layer")) return Event(known, &log);
    log.resource = resource_->attributes();
    log.origin = log.resource.take("strata.origin");
    log.resource.erase("strata.agent");
    log.service = log.resource.get("service.name");
    log.scope_name = scope_.name;
    log.scope_version = scope_.version;
    log.scope = scope_.attributes;
    sink_.batch()->logs.push_back(std::move(log));
  }

  void Body(string_view any, model::LogRecord* log) {
    if (any.empty()) return;
    if (HasContentBody(log->event_name) && !sink_.context().keep_content) {
      return sink_.Refuse(Reason::content_removed, "body of " + log->event_name);
    }
    if (!AnyText(any, &log->body)) {
      log->body.clear();
      return sink_.Refuse(Reason::oversize, "a body that is nested too deep");
    }
    if (log->body.size() <= kMaxBodyBytes) return;
    sink_.Refuse(Reason::oversize, "a body that is too long");
    std::size_t end = kMaxBodyBytes;
    while (end > 0 && (static_cast<unsigned char>(log->body[end]) & 0xC0) == 0x80) --end;
    log->body.resize(end);
  }

  // Times in these records are nanoseconds and move with the replay like every other.
  void Shift(std::int64_t* at) const {
    if (*at != 0 && __builtin_add_overflow(*at, sink_.context().shift_ns, at)) *at = 0;
  }

  void Reserved(model::LogRecord* log) {
    if (!sink_.context().trusted)
      return sink_.Refuse(Reason::reserved, "record " + log->event_name);
    const std::string origin = resource_->origin();
    model::Attributes* a = &log->attributes;
    model::Batch* batch = sink_.batch();
    bool whole = true;
    if (log->event_name == "strata.holding") {
      model::Holding h;
      whole = MakeHolding(a, &h);
      h.origin = origin;
      Shift(&h.valid_from), Shift(&h.valid_to);
      if (h.valid_from == 0) h.valid_from = log->ts;
      if (whole) batch->holdings.push_back(std::move(h));
    } else if (log->event_name == "strata.collective") {
      model::Collective c;
      whole = MakeCollective(a, &c);
      c.origin = origin;
      Shift(&c.start_ns);
      if (whole) batch->collectives.push_back(std::move(c));
    } else if (log->event_name == "strata.source") {
      model::SourceState s{a->take("name"),   a->take("layer"),      a->take("state"),
                           a->take("detail"), ToInt(a->get("last")), origin};
      Shift(&s.last_ns);
      whole = !s.name.empty();
      if (whole) batch->sources.push_back(std::move(s));
    } else if (log->event_name == "strata.entity") {
      Entity(a, origin, log->ts);
    } else {
      return sink_.Refuse(Reason::unsupported, "record " + log->event_name);
    }
    if (!whole)
      sink_.Refuse(Reason::malformed, "record " + log->event_name + " without its key columns");
  }

  void Entity(model::Attributes* a, const std::string& origin, std::int64_t at) {
    model::Entity entity{a->take("strata.entity_type"),
                         a->take("strata.entity"),
                         a->take("strata.entity_name"),
                         {},
                         at,
                         origin};
    a->erase("event.name");
    if (entity.type.empty() || entity.id.empty())
      return sink_.Refuse(Reason::malformed, "record strata.entity without type or id");
    entity.attributes = std::move(*a);
    sink_.batch()->entities.push_back(std::move(entity));
  }

  void Event(const KnownEvent* known, model::LogRecord* log) {
    model::Event event;
    model::Attributes& a = log->attributes;
    event.ts = log->ts;
    event.event = log->event_name;
    event.message = std::move(log->body);
    event.severity = log->severity_number >= 17   ? "error"
                     : log->severity_number >= 13 ? "warning"
                                                  : "info";
    event.origin = resource_->origin();
    const bool ours = a.has("strata.layer");
    event.layer = ours ? a.take("strata.layer") : std::string(known->layer);
    event.entity_type = a.take("strata.entity_type");
    event.entity = a.take("strata.entity");
    event.source = a.take("strata.source");
    a.erase("event.name");
    if (!ours) {
      // Somebody else's record of an event of ours: its entity stands in the words of the sender.
      for (const auto& [key, value] : resource_->attributes()) {
        if (!key.starts_with("strata.") && !key.starts_with("telemetry.") &&
            a.size() < model::kMaxAttributes)
          a.set_if_absent(key, value);
      }
      event.entity_type = known->entity_type;
      event.entity = model::Namer::EntityId(known->entity_type, a);
      event.source = "otlp";
    }
    event.attributes = std::move(a);
    sink_.batch()->events.push_back(std::move(event));
  }

  Sink sink_;
  Resource* resource_ = nullptr;
  Scope scope_;
};

}  // namespace

base::Status DecodeOtlpLogs(string_view protobuf, const Context& context, model::Batch* batch) {
  return LogsReader(context, batch).Read(protobuf);
}

}  // namespace strata::wire
