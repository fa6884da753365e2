// SPDX-License-Identifier: Apache-2.0
// What all of Slurm's forms have alike: GRES, TRES, host lists, states, times; and which form it
// is.
#include "l4_sched/slurm.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

bool Digits(string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == string_view::npos;
}

int Number(string_view text, int otherwise = -1) {
  int out = otherwise;
  if (Digits(text)) std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// Splits at commas outside of brackets.
std::vector<string_view> Split(string_view text) {
  std::vector<string_view> out;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') depth = std::max(0, depth - 1);
    if ((c != ',' || depth > 0) && i < text.size()) continue;
    if (i > begin) out.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return out;
}

// "0-1,4" -> 0 1 4; at most 4096.
std::vector<int> Ranges(string_view text) {
  std::vector<int> out;
  for (const string_view part : Split(text)) {
    const std::size_t dash = part.find('-');
    const int from = Number(part.substr(0, dash));
    const int to = dash == string_view::npos ? from : Number(part.substr(dash + 1));
    if (from < 0 || to < from) continue;
    for (int i = from; i <= to && out.size() < 4096; ++i) out.push_back(i);
  }
  return out;
}

double Amount(string_view text) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || !(out >= 0)) return 0;
  if (end != text.data() + text.size() && (*end == 'K' || *end == 'k')) out *= 1024;
  return out;
}

}  // namespace

std::vector<Gres> ParseGres(string_view text) {
  std::vector<Gres> out;
  if (text == "(null)" || text == "N/A") return out;
  for (string_view part : Split(text)) {
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (part.starts_with("gres:") || part.starts_with("gres/")) part.remove_prefix(5);
    Gres gres;
    if (const std::size_t bracket = part.find('('); bracket != string_view::npos) {
      string_view inner = part.substr(bracket + 1);
      if (inner.starts_with("IDX:")) {
        inner.remove_prefix(4);
        gres.indices = Ranges(inner.substr(0, inner.find(')')));
      }
      part = part.substr(0, bracket);
    }
    while (part.ends_with(' ')) part.remove_suffix(1);
    const std::size_t equal = part.find('=');
    const string_view names = part.substr(0, equal);
    string_view count = equal == string_view::npos ? string_view() : part.substr(equal + 1);
    gres.name = names.substr(0, names.find(':'));
    string_view rest = names.substr(gres.name.size());
    if (rest.starts_with(':')) rest.remove_prefix(1);
    // gpu:2, gpu:h100:2, gpu:h100, gpu
    const std::size_t last = rest.rfind(':');
    const string_view tail = last == string_view::npos ? rest : rest.substr(last + 1);
    if (count.empty() && !tail.empty() && std::isdigit(static_cast<unsigned char>(tail[0])) &&
        Amount(tail) > 0 && (last != string_view::npos || Digits(tail))) {
      count = tail;
      rest = last == string_view::npos ? string_view() : rest.substr(0, last);
    } else if (count.empty() && tail == "0") {
      count = tail;
      rest = last == string_view::npos ? string_view() : rest.substr(0, last);
    }
    gres.type = rest;
    gres.count = count.empty()
                     ? (gres.indices.empty() ? 1 : static_cast<double>(gres.indices.size()))
                     : Amount(count);
    if (gres.name.empty() || std::isdigit(static_cast<unsigned char>(gres.name[0]))) continue;
    out.push_back(std::move(gres));
  }
  return out;
}

double GpusOfTres(string_view tres) {
  double whole = 0, typed = 0;
  for (string_view part : Split(tres)) {
    const std::size_t equal = part.find('=');
    if (equal == string_view::npos) continue;
    const string_view name = part.substr(0, equal);
    const double n = Amount(part.substr(equal + 1));
    if (name == "gres/gpu") whole = n;
    if (name.starts_with("gres/gpu:")) typed += n;
  }
  return std::max(whole, typed);  // both are told for one and the same devices
}

std::vector<std::string> ExpandHosts(string_view list, std::size_t limit) {
  std::vector<std::string> out;
  for (const string_view part : Split(list)) {
    std::vector<std::string> names = {""};
    for (string_view rest = part; !rest.empty();) {
      const std::size_t open = rest.find('[');
      const string_view plain = rest.substr(0, open);
      for (std::string& n : names) n += plain;
      if (open == string_view::npos) break;
      const std::size_t close = rest.find(']', open);
      const string_view inner = rest.substr(open + 1, close - open - 1);
      std::vector<std::string> next;
      for (const string_view range : Split(inner)) {
        const std::size_t dash = range.find('-');
        const string_view low = range.substr(0, dash);
        const int from = Number(low);
        const int to = dash == string_view::npos ? from : Number(range.substr(dash + 1));
        if (from < 0 || to < from) continue;
        for (int i = from; i <= to && next.size() + out.size() < limit; ++i) {
          std::string digits = std::to_string(i);
          if (digits.size() < low.size()) digits.insert(0, low.size() - digits.size(), '0');
          for (const std::string& n : names) {
            if (next.size() + out.size() >= limit) break;
            next.push_back(n + digits);
          }
        }
      }
      names = std::move(next);
      if (close == string_view::npos) break;
      rest.remove_prefix(close + 1);
    }
    for (std::string& n : names) {
      if (out.size() >= limit) return out;
      if (!n.empty()) out.push_back(std::move(n));
    }
  }
  return out;
}

bool SlurmJob::running() const {
  return state == "RUNNING" || state == "COMPLETING" || state == "SUSPENDED" ||
         state == "CONFIGURING" || state == "STAGE_OUT" || state == "SIGNALING";
}

std::string SlurmState(string_view text) {
  constexpr std::pair<string_view, string_view> kShort[] = {
      {"BF", "BOOT_FAIL"},      {"CA", "CANCELLED"}, {"CD", "COMPLETED"}, {"CF", "CONFIGURING"},
      {"CG", "COMPLETING"},     {"DL", "DEADLINE"},  {"F", "FAILED"},     {"NF", "NODE_FAIL"},
      {"OOM", "OUT_OF_MEMORY"}, {"PD", "PENDING"},   {"PR", "PREEMPTED"}, {"R", "RUNNING"},
      {"RQ", "REQUEUED"},       {"RS", "RESIZING"},  {"S", "SUSPENDED"},  {"SO", "STAGE_OUT"},
      {"ST", "STOPPED"},        {"TO", "TIMEOUT"},   {"SI", "SIGNALING"}, {"RV", "REVOKED"}};
  text = text.substr(0, text.find_first_of(" +*~#!%$@^-"));
  for (const auto& [code, word] : kShort) {
    if (text == code) return std::string(word);
  }
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::int64_t SlurmTime(string_view text, std::int64_t zone_offset_s) {
  if (text.size() < 19 || text[4] != '-' || text[10] != 'T') return 0;
  const auto time = base::ParseTime(std::string(text.substr(0, 19)) + "Z", 0);
  return time.ok() ? *time - zone_offset_s * base::kSecond : 0;
}

bool LooksSlurm(string_view head) {
  const string_view start = head.substr(0, std::min<std::size_t>(head.size(), 4096));
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  if (first == string_view::npos) return false;
  const string_view text = start.substr(first);
  if (text[0] == '{') {
    const string_view wide = head.substr(0, std::min<std::size_t>(head.size(), 65536));
    const bool says = wide.find("\"Slurm\"") != string_view::npos ||
                      wide.find("\"slurm\"") != string_view::npos ||
                      wide.find("openapi\\/v0") != string_view::npos ||
                      wide.find("openapi\\/dbv0") != string_view::npos;
    return says || (wide.find("\"job_state\"") != string_view::npos &&
                    wide.find("\"jobs\"") != string_view::npos);
  }
  return text.starts_with("JobId=") || text.starts_with("StepId=") ||
         (text.starts_with("NodeName=") && text.find("Gres=") != string_view::npos) ||
         (text.starts_with("NodeName=") && text.find("CPUTot=") != string_view::npos) ||
         LooksSlurmTable(head);
}

base::Result<SlurmFacts> ParseSlurm(string_view text, std::int64_t zone_offset_s) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == string_view::npos) return base::Invalid("nothing but blanks");
  if (text[first] == '{') return ParseSlurmJson(text);
  return ParseSlurmText(text, zone_offset_s);
}

}  // namespace strata::l4_sched
