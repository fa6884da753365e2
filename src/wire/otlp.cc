// SPDX-License-Identifier: Apache-2.0
#include "wire/otlp.h"

#include <charconv>

#include "base/json.h"

namespace strata::wire {
namespace {

using std::string_view;

void AppendBase64(string_view bytes, std::string* out) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      out->push_back(k <= n ? kDigits[three >> (18 - 6 * k) & 63] : '=');
  }
}

// `json`: inside an array or map, where text is quoted.
bool AppendAny(string_view any, bool json, int depth, std::string* out);

bool AppendList(string_view list, bool map, int depth, std::string* out) {
  if (depth >= kMaxAnyDepth) return false;
  bool first = true;
  out->push_back(map ? '{' : '[');
  for (Reader r = Open(list); NextLen(&r, 1);) {
    string_view value = View(r.get_view());
    if (!first) out->push_back(',');
    first = false;
    if (map) {
      string_view key, inner;
      for (Reader kv = Open(value); kv.next();) {
        if (kv.tag_and_type() == Len(1)) {
          key = View(kv.get_view());
        } else if (kv.tag_and_type() == Len(2)) {
          inner = View(kv.get_view());
        } else {
          kv.skip();
        }
      }
      base::AppendJsonString(key, out);
      out->push_back(':');
      value = inner;
    }
    if (!AppendAny(value, true, depth + 1, out)) return false;
  }
  out->push_back(map ? '}' : ']');
  return true;
}

bool AppendAny(string_view any, bool json, int depth, std::string* out) {
  bool some = false, ok = true;
  for (Reader r = Open(any); r.next(); some = true) {
    switch (r.tag_and_type()) {
      case Len(1):
        json ? base::AppendJsonString(View(r.get_view()), out)
             : static_cast<void>(out->append(View(r.get_view())));
        break;
      case Var(2): out->append(r.get_bool() ? "true" : "false"); break;
      case Var(3): out->append(std::to_string(r.get_int64())); break;
      case Fix64(4):
        if (const double v = r.get_double(); json) {
          base::AppendJsonNumber(v, out);
        } else {
          out->append(NumberText(v));
        }
        break;
      case Len(5): ok = AppendList(View(r.get_view()), false, depth, out) && ok; break;
      case Len(6): ok = AppendList(View(r.get_view()), true, depth, out) && ok; break;
      case Len(7):
        if (json) out->push_back('"');
        AppendBase64(View(r.get_view()), out);
        if (json) out->push_back('"');
        break;
      default: r.skip();
    }
  }
  if (!some && json) out->append("null");
  return ok;
}

// Not in the middle of a character.
void CutUtf8(std::string* text, std::size_t limit) {
  while (limit > 0 && (static_cast<unsigned char>((*text)[limit]) & 0xC0) == 0x80) --limit;
  text->resize(limit);
}

bool TooMuch(Excess excess, Reason reason, string_view key, Sink* sink) {
  sink->Refuse(reason, "attribute " + std::string(key.substr(0, 80)));
  return excess == Excess::refuse;
}

// One KeyValue. False when the whole record must go.
bool AddKeyValue(string_view kv, Excess excess, Sink* sink, model::Attributes* out) {
  string_view key, any;
  for (Reader r = Open(kv); r.next();) {
    if (r.tag_and_type() == Len(1)) {
      key = View(r.get_view());
    } else if (r.tag_and_type() == Len(2)) {
      any = View(r.get_view());
    } else {
      r.skip();
    }
  }
  if (key.empty()) return true;
  const bool content = IsContent(key);
  if (content && !sink->context().keep_content) {
    sink->Refuse(Reason::content_removed, "attribute " + std::string(key.substr(0, 80)));
    return true;
  }
  if (key.starts_with("strata.") && !sink->context().trusted) {
    sink->Refuse(Reason::reserved, "attribute " + std::string(key.substr(0, 80)));
    return true;
  }
  if (key.size() > model::kMaxKeyBytes) return !TooMuch(excess, Reason::oversize, key, sink);
  if (out->size() >= model::kMaxAttributes && !out->has(key))
    return !TooMuch(excess, Reason::label_limit, key, sink);
  std::string value;
  if (!AnyText(any, &value)) return !TooMuch(excess, Reason::oversize, key, sink);
  const std::size_t limit = content ? kMaxBodyBytes : model::kMaxValueBytes;
  if (value.size() > limit) {
    if (TooMuch(excess, Reason::oversize, key, sink)) return false;
    CutUtf8(&value, limit);
  }
  out->set(key, value);
  return true;
}

}  // namespace

bool IsContent(string_view key) {
  // Names of OpenTelemetry (current and <= 1.36), OpenLLMetry, OpenInference, Vercel AI SDK;
  // process arguments.
  static constexpr string_view kPrefixes[] = {
      "gen_ai.prompt", "gen_ai.completion", "llm.input_messages",  "llm.output_messages",
      "llm.prompts",   "llm.completions",   "retrieval.documents", "ai.prompt"};
  static constexpr string_view kNames[] = {"gen_ai.input.messages",
                                           "gen_ai.output.messages",
                                           "gen_ai.system_instructions",
                                           "gen_ai.content.prompt",
                                           "gen_ai.content.completion",
                                           "gen_ai.event.content",
                                           "gen_ai.tool.call.arguments",
                                           "gen_ai.tool.call.result",
                                           "traceloop.entity.input",
                                           "traceloop.entity.output",
                                           "input.value",
                                           "output.value",
                                           "llm.choices",
                                           "ai.response.text",
                                           "ai.response.toolCalls",
                                           "ai.response.object",
                                           "ai.response.reasoning",
                                           "ai.toolCall.args",
                                           "ai.toolCall.result",
                                           "process.command_args",
                                           "process.command_line"};
  for (const string_view prefix : kPrefixes) {
    if (key.starts_with(prefix)) return true;
  }
  for (const string_view name : kNames) {
    if (key == name) return true;
  }
  return key.starts_with("embedding.embeddings.") &&
         (key.ends_with(".text") || key.ends_with(".vector"));
}

bool HasContentBody(string_view event_name) { return event_name.starts_with("gen_ai."); }

bool AnyText(string_view any, std::string* out) { return AppendAny(any, false, 0, out); }

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

bool ReadAttributes(string_view message, std::uint32_t tag, Excess excess, Sink* sink,
                    model::Attributes* out) {
  for (Reader r = Open(message); NextLen(&r, tag);) {
    if (!AddKeyValue(View(r.get_view()), excess, sink, out)) return false;
  }
  return true;
}

const model::Attributes& Resource::attributes() {
  if (decoded_) return attributes_;
  decoded_ = true;
  ReadAttributes(bytes_, 1, Excess::cut, sink_, &attributes_);
  const Context& context = sink_->context();
  if (context.resource != nullptr) {
    for (const auto& [key, value] : *context.resource) attributes_.set_if_absent(key, value);
  }
  if (!context.origin.empty()) attributes_.set("strata.origin", context.origin);
  return attributes_;
}

Scope ReadScope(string_view bytes, Sink* sink) {
  Scope scope;
  for (Reader r = Open(bytes); r.next();) {
    if (r.tag_and_type() == Len(1)) {
      scope.name = View(r.get_view()).substr(0, model::kMaxValueBytes);
    } else if (r.tag_and_type() == Len(2)) {
      scope.version = View(r.get_view()).substr(0, model::kMaxKeyBytes);
    } else {
      r.skip();
    }
  }
  ReadAttributes(bytes, 3, Excess::cut, sink, &scope.attributes);
  return scope;
}

std::string Hex(string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

}  // namespace strata::wire
