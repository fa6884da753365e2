// SPDX-License-Identifier: Apache-2.0
// OTLP traces, protobuf, spelled as the Collector's ClickHouse exporter spells spans. Ids must have
// their length.
#include <algorithm>
#include <iterator>
#include <limits>

#include "wire/otlp.h"

namespace strata::wire {
namespace {

using std::string_view;

constexpr std::size_t kMaxEvents = 1024, kMaxLinks = 1024;

std::string Text(string_view bytes) { return std::string(bytes.substr(0, model::kMaxValueBytes)); }

bool AllZero(string_view id) { return id.find_first_not_of('\0') == string_view::npos; }

class TracesReader {
 public:
  TracesReader(const Context& context, model::Batch* batch) : sink_(context, batch, "otlp") {}

  base::Status Read(string_view request) {
    return EachScope(request, &sink_,
                     [&](Resource* resource, string_view scope_bytes, string_view scoped) {
                       const Scope scope = ReadScope(scope_bytes, &sink_);
                       for (Reader s = Open(scoped); NextLen(&s, 2);) {
                         const string_view bytes = View(s.get_view());
                         Guard(&sink_, "span", [&] {
                           model::Span span;
                           if (!ReadSpan(bytes, &span)) return;
                           span.resource = resource->attributes();
                           span.origin = span.resource.take("strata.origin");
                           span.resource.erase("strata.agent");
                           span.service = span.resource.get("service.name");
                           span.scope_name = scope.name;
                           span.scope_version = scope.version;
                           sink_.batch()->spans.push_back(std::move(span));
                         });
                       }
                     });
  }

 private:
  bool ReadSpan(string_view bytes, model::Span* span) {
    static constexpr string_view kKinds[] = {"Unspecified", "Internal", "Server",
                                             "Client",      "Producer", "Consumer"};
    string_view trace, id, parent;
    std::uint64_t start = 0, end = 0, kind = 0;
    span->status = "Unset";
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Len(1): trace = View(r.get_view()); break;
        case Len(2): id = View(r.get_view()); break;
        case Len(3): span->trace_state = Text(View(r.get_view())); break;
        case Len(4): parent = View(r.get_view()); break;
        case Len(5): span->name = Text(View(r.get_view())); break;
        case Var(6): kind = r.get_uint64(); break;
        case Fix64(7): start = r.get_fixed64(); break;
        case Fix64(8): end = r.get_fixed64(); break;
        case Len(11): ReadEvent(View(r.get_view()), span); break;
        case Len(13): ReadLink(View(r.get_view()), span); break;
        case Len(15): ReadStatus(View(r.get_view()), span); break;
        default: r.skip();
      }
    }
    if (!Ids(trace, id, parent, span) || !sink_.Admit(start, &span->start_ns)) return false;
    if (end != 0) {
      if (end < start)
        return sink_.Refuse(Reason::malformed, "a span that ends before it starts"), false;
      const std::int64_t room = std::numeric_limits<std::int64_t>::max() - span->start_ns;
      span->end_ns = span->start_ns + static_cast<std::int64_t>(std::min<std::uint64_t>(
                                          end - start, std::min(room, kLongest)));
    }
    span->kind = kKinds[kind < std::size(kKinds) ? kind : 0];
    return ReadAttributes(bytes, 9, Excess::cut, &sink_, &span->attributes);
  }

  bool Ids(string_view trace, string_view id, string_view parent, model::Span* span) {
    if (trace.empty() || id.empty() || AllZero(trace) || AllZero(id)) {
      return sink_.Refuse(Reason::unnamed, "a span without trace or span id"), false;
    }
    if (trace.size() != 16 || id.size() != 8 || (!parent.empty() && parent.size() != 8)) {
      return sink_.Refuse(Reason::malformed, "a trace or span id of the wrong length"), false;
    }
    span->trace_id = Hex(trace);
    span->span_id = Hex(id);
    if (!AllZero(parent)) span->parent_span_id = Hex(parent);
    return true;
  }

  void ReadEvent(string_view bytes, model::Span* span) {
    if (span->events.size() >= kMaxEvents)
      return sink_.Refuse(Reason::oversize, "a span with too many events");
    model::SpanEvent event;
    std::uint64_t time = 0;
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Fix64(1): time = r.get_fixed64(); break;
        case Len(2): event.name = Text(View(r.get_view())); break;
        default: r.skip();
      }
    }
    if (!sink_.Admit(time, &event.ts)) return;
    if (ReadAttributes(bytes, 3, Excess::cut, &sink_, &event.attributes))
      span->events.push_back(std::move(event));
  }

  void ReadLink(string_view bytes, model::Span* span) {
    if (span->links.size() >= kMaxLinks)
      return sink_.Refuse(Reason::oversize, "a span with too many links");
    model::SpanLink link;
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Len(1): link.trace_id = Hex(View(r.get_view()).substr(0, 16)); break;
        case Len(2): link.span_id = Hex(View(r.get_view()).substr(0, 8)); break;
        default: r.skip();
      }
    }
    if (ReadAttributes(bytes, 4, Excess::cut, &sink_, &link.attributes))
      span->links.push_back(std::move(link));
  }

  static void ReadStatus(string_view bytes, model::Span* span) {
    for (Reader r = Open(bytes); r.next();) {
      switch (r.tag_and_type()) {
        case Len(2): span->status_message = Text(View(r.get_view())); break;
        case Var(3):
          if (const std::uint64_t code = r.get_uint64(); code < 3) {
            span->status = code == 0 ? "Unset" : code == 1 ? "Ok" : "Error";
          }
          break;
        default: r.skip();
      }
    }
  }

  static constexpr std::int64_t kLongest = 366LL * 86'400'000'000'000LL;
  Sink sink_;
};

}  // namespace

base::Status DecodeOtlpTraces(string_view protobuf, const Context& context, model::Batch* batch) {
  return TracesReader(context, batch).Read(protobuf);
}

}  // namespace strata::wire
