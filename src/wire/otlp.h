// SPDX-License-Identifier: Apache-2.0
// What the three OTLP decoders share: AnyValue as text, attributes with their limits, what is
// content and what is reserved, resources and scopes. Internal to `wire`. protozero throws on
// broken bytes; Guard is the seam.
#pragma once

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>

#include "wire/sink.h"

namespace strata::wire {

using Reader = protozero::pbf_reader;

inline std::string_view View(const protozero::data_view& v) { return {v.data(), v.size()}; }
inline Reader Open(std::string_view bytes) { return Reader(bytes.data(), bytes.size()); }

// Field number and wire type as one case label: a field of another type than expected is skipped,
// never misread.
constexpr std::uint32_t Var(std::uint32_t tag) { return tag << 3; }
constexpr std::uint32_t Fix64(std::uint32_t tag) { return tag << 3 | 1; }
constexpr std::uint32_t Len(std::uint32_t tag) { return tag << 3 | 2; }
constexpr std::uint32_t Fix32(std::uint32_t tag) { return tag << 3 | 5; }
inline bool NextLen(Reader* r, std::uint32_t tag) {
  return r->next(tag, protozero::pbf_wire_type::length_delimited);
}

inline constexpr int kMaxAnyDepth = 16;
inline constexpr std::size_t kMaxBodyBytes = 256u
                                             << 10;  // of a log record, and of content that is kept

// Runs `body`; broken protobuf inside costs this one record, counted.
template <typename F>
bool Guard(Sink* sink, const char* what, F&& body) {
  try {
    body();
    return true;
  } catch (const protozero::exception& e) {
    sink->Refuse(Reason::malformed, std::string(what) + ": " + e.what());
    return false;
  }
}

// Message content and process arguments: taken away at the door unless `keep_content`.
bool IsContent(std::string_view key);
// Events whose body is content.
bool HasContentBody(std::string_view event_name);

// An AnyValue as OpenTelemetry prints it: text as it is, numbers, booleans, bytes in base64, arrays
// and maps as JSON. False when nested deeper than kMaxAnyDepth. Throws protozero::exception.
bool AnyText(std::string_view any, std::string* out);
std::string NumberText(double value);

// What a decoder does with attributes beyond the limits.
enum class Excess {
  refuse,  // a series is named by all of them: refuse the point
  cut,     // a record is still one without: drop or cut the attribute and count it
};
// Adds every attribute found under `tag` of `message`. Content and reserved keys are removed and
// counted. With Excess::refuse false (counted) when over a limit. Throws protozero::exception.
bool ReadAttributes(std::string_view message, std::uint32_t tag, Excess excess, Sink* sink,
                    model::Attributes* out);

// A resource and a scope, decoded only when somebody needs the words.
class Resource {
 public:
  Resource(std::string_view bytes, Sink* sink)
      : bytes_(bytes), hash_(base::Hash64(bytes)), sink_(sink) {}
  std::uint64_t hash() const { return hash_; }
  const model::Attributes&
  attributes();  // with strata.origin where forced or trusted; throws protozero::exception
  std::string origin() { return std::string(attributes().get("strata.origin")); }
  bool mentions_reserved() const { return bytes_.find("strata.") != std::string_view::npos; }

 private:
  std::string_view bytes_;
  std::uint64_t hash_;
  Sink* sink_;
  bool decoded_ = false;
  model::Attributes attributes_;
};

struct Scope {
  std::string name, version;
  model::Attributes attributes;
};
Scope ReadScope(std::string_view bytes, Sink* sink);  // throws protozero::exception

// Walks `repeated ResourceX = 1` of a request, then `repeated ScopeX = 2` of each, whatever the
// order of fields: body(Resource*, scope bytes, ScopeX bytes). Not ok when the outer frame is
// broken and nothing was readable.
template <typename F>
base::Status EachScope(std::string_view request, Sink* sink, F&& body) {
  const auto records = [&] {
    const model::Batch& b = *sink->batch();
    return b.records() + b.holdings.size() + b.sources.size() + b.entities.size();
  };
  const std::size_t had = records();
  std::string broken;
  try {
    for (Reader r = Open(request); r.next();) {
      if (r.tag_and_type() != Len(1)) {
        r.skip();
        continue;
      }
      const std::string_view group = View(r.get_view());
      Guard(sink, "resource", [&] {
        std::string_view resource_bytes;
        for (Reader g = Open(group); NextLen(&g, 1);) resource_bytes = View(g.get_view());
        Resource resource(resource_bytes, sink);
        if (resource.mentions_reserved())
          resource.attributes();  // counts what is refused, every time
        for (Reader g = Open(group); NextLen(&g, 2);) {
          const std::string_view scoped = View(g.get_view());
          Guard(sink, "scope", [&] {
            std::string_view scope_bytes;
            for (Reader s = Open(scoped); NextLen(&s, 1);) scope_bytes = View(s.get_view());
            body(&resource, scope_bytes, scoped);
          });
        }
      });
    }
  } catch (const protozero::exception& e) {
    sink->Refuse(Reason::malformed, std::string("request: ") + e.what());
    broken = e.what();
  }
  sink->namer()->take_fresh(&sink->batch()->series);
  if (!broken.empty() && records() == had) return base::Invalid("not an OTLP request: " + broken);
  return {};
}

// Lower-case hex of an id.
std::string Hex(std::string_view bytes);

}  // namespace strata::wire
