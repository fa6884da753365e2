// SPDX-License-Identifier: Apache-2.0
// Recorded answer streams: what was used and how the stream ended. Usage stands in another place in
// each API and is often cumulative: the last one counts, never the sum. Pure; one pass.
#include "l7_genai/l7_genai.h"

namespace strata::l7_genai {
namespace {

using base::Json;

void Take(const Json& from, const char* key, std::optional<double>* to) {
  if (from[key].is_number()) *to = from[key].as_double();
}

// OpenAI's two spellings, and Anthropic's, whose input leaves out what the cache gave.
struct Usage {
  std::optional<double> input, output, cached, written, reasoning;

  void Merge(const Json& usage) {
    Take(usage, "prompt_tokens", &input), Take(usage, "input_tokens", &input);
    Take(usage, "completion_tokens", &output), Take(usage, "output_tokens", &output);
    Take(usage, "cache_read_input_tokens", &cached),
        Take(usage, "cache_creation_input_tokens", &written);
    Take(usage["prompt_tokens_details"], "cached_tokens", &cached);
    Take(usage["input_tokens_details"], "cached_tokens", &cached);
    Take(usage["completion_tokens_details"], "reasoning_tokens", &reasoning);
    Take(usage["output_tokens_details"], "reasoning_tokens", &reasoning);
    Take(usage, "reasoning_tokens", &reasoning);  // SGLang
  }
};

class Reader {
 public:
  explicit Reader(StreamFacts* facts) : f_(*facts) {}

  void Event(std::string_view data) {
    ++f_.events;
    if (data == "[DONE]") {
      f_.complete = f_.error.empty();
      return;
    }
    const auto json = base::ParseJson(data);
    if (!json.ok() || !json->is_object()) {
      ++f_.bad_events;
      return;
    }
    const Json& e = *json;
    if (!e["error"].is_null()) {
      f_.error = e["error"]["type"].as_string().empty() ? "error" : e["error"]["type"].as_string();
    }
    const std::string& type = e["type"].as_string();
    if (type.starts_with("response.") || type == "error") {
      Responses(type, e);
    } else if (!type.empty()) {
      Anthropic(type, e);
    } else if (e["done"].is_bool()) {
      Ollama(e);
    } else {
      OpenAi(e);
    }
  }

  void Finish() {
    // Anthropic counts cached input apart; everywhere here it is part of the input.
    if (f_.api == "anthropic-messages" && usage_.input)
      *usage_.input += usage_.cached.value_or(0) + usage_.written.value_or(0);
    f_.input_tokens = usage_.input;
    f_.output_tokens = usage_.output;
    f_.cached_tokens = usage_.cached;
    f_.reasoning_tokens = usage_.reasoning;
  }

 private:
  void Named(const char* api, const Json& model, const Json& id) {
    f_.api = api;
    if (f_.model.empty()) f_.model = model.as_string();
    if (f_.response_id.empty()) f_.response_id = id.as_string();
  }
  void Generated() {
    if (f_.first_token_event == 0) f_.first_token_event = f_.events;
  }
  void Reason(const Json& reason) {
    if (!reason.as_string().empty()) f_.finish_reason = NormalFinishReason(reason.as_string());
  }

  void OpenAi(const Json& e) {
    const bool text = e["object"].as_string() == "text_completion";
    Named(text ? "openai-completions" : "openai-chat", e["model"], e["id"]);
    for (const Json& choice : e["choices"].array()) {
      const Json& delta = choice["delta"];
      for (const char* key : {"content", "reasoning_content", "reasoning", "refusal"}) {
        if (!delta[key].as_string().empty()) Generated();
      }
      if (delta["tool_calls"].size() > 0 || !choice["text"].as_string().empty()) Generated();
      Reason(choice["finish_reason"]);
    }
    usage_.Merge(e["usage"]);
  }

  void Responses(const std::string& type, const Json& e) {
    const Json& response = e["response"];
    Named("openai-responses", response["model"], response["id"]);
    if (type.ends_with(".delta")) Generated();
    usage_.Merge(response["usage"]);
    if (type == "response.completed") f_.complete = true, f_.finish_reason = "stop";
    if (type == "response.incomplete")
      f_.complete = true, Reason(response["incomplete_details"]["reason"]);
    if (type == "response.failed" || type == "error") {
      f_.complete = true;
      f_.error = response["error"]["code"].as_string().empty()
                     ? "error"
                     : response["error"]["code"].as_string();
    }
  }

  void Anthropic(const std::string& type, const Json& e) {
    const Json& message = e["message"];
    Named("anthropic-messages", message["model"], message["id"]);
    usage_.Merge(message["usage"]);
    usage_.Merge(e["usage"]);
    if (type == "content_block_delta") Generated();
    if (type == "message_delta") Reason(e["delta"]["stop_reason"]);
    if (type == "message_stop") f_.complete = f_.error.empty();
  }

  void Ollama(const Json& e) {
    Named("ollama-chat", e["model"], Json());
    if (!e["message"]["content"].as_string().empty() || !e["response"].as_string().empty())
      Generated();
    if (!e["done"].as_bool()) return;
    f_.complete = true;
    Reason(e["done_reason"]);
    Take(e, "prompt_eval_count", &usage_.input);
    Take(e, "eval_count", &usage_.output);
  }

  StreamFacts& f_;
  Usage usage_;
};

}  // namespace

base::Status DecodeStream(std::string_view text, StreamFacts* facts) {
  *facts = {};
  Reader reader(facts);
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  const bool lines = at != std::string_view::npos && text[at] == '{';  // JSON lines, not SSE
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (lines) {
      if (!line.empty()) reader.Event(line);
    } else if (line.starts_with("data:")) {
      line.remove_prefix(5);
      while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
      reader.Event(line);
    }
  }
  reader.Finish();
  if (facts->events == 0 || facts->events == facts->bad_events)
    return base::Invalid("no event of an answer stream");
  return base::Status::Ok();
}

bool LooksStream(std::string_view head) {
  const std::size_t at = head.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos) return false;
  head.remove_prefix(at);
  if (head.starts_with("data:") || head.starts_with("event:")) return true;
  return head.starts_with('{') &&
         head.substr(0, head.find('\n')).find("\"done\":") != std::string_view::npos &&
         head.find("\"created_at\":") != std::string_view::npos;
}

base::Result<bool> ReadStream(const base::InputFile& file, const wire::Context&,
                              model::Batch* batch, Json* report) {
  StreamFacts facts;
  if (base::Status status = DecodeStream(file.bytes, &facts); !status.ok())
    return status.With(file.name);
  if (facts.bad_events > 0)
    batch->refused.add(base::Reason::malformed, facts.bad_events,
                       "an event that is no JSON object");
  if (report != nullptr) {
    const auto number = [](const std::optional<double>& v) { return v ? Json(*v) : Json(); };
    const auto text = [](const std::string& v) { return v.empty() ? Json() : Json(v); };
    report->set("layer", "l7_genai")
        .set("report", "stream")
        .set("api", text(facts.api))
        .set("model", text(facts.model));
    report->set("input_tokens", number(facts.input_tokens))
        .set("cached_tokens", number(facts.cached_tokens));
    report->set("output_tokens", number(facts.output_tokens))
        .set("reasoning_tokens", number(facts.reasoning_tokens));
    report->set("finish_reason", text(facts.finish_reason))
        .set("complete", facts.complete)
        .set("events", facts.events);
    report->set("first_token_event",
                facts.first_token_event > 0 ? Json(facts.first_token_event) : Json());
    report->set("error", text(facts.error));
  }
  return true;
}

}  // namespace strata::l7_genai
