// SPDX-License-Identifier: Apache-2.0
#include "wire/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace strata::wire {

using std::string_view;

std::size_t CloseQuote(string_view s, std::size_t p) {
  while (true) {
    const std::size_t quote = s.find('"', p);
    if (quote == string_view::npos) return quote;
    std::size_t slashes = 0;
    while (quote > slashes && s[quote - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) return quote;
    p = quote + 1;
  }
}

Step NextLabel(string_view s, std::size_t* p, Label* label) {
  while (*p < s.size() && (IsBlank(s[*p]) || s[*p] == ',')) ++*p;
  if (*p >= s.size()) return Step::bad;
  if (s[*p] == '}') return Step::end;
  *label = Label{};
  label->begin = *p;
  if (s[*p] == '"') {
    const std::size_t close = CloseQuote(s, *p + 1);
    if (close == string_view::npos) return Step::bad;
    label->key = s.substr(*p + 1, close - *p - 1);
    label->key_quoted = true;
    *p = close + 1;
  } else {
    const std::size_t from = *p;
    while (*p < s.size() && IsNameByte(s[*p]) && s[*p] != ':') ++*p;
    label->key = s.substr(from, *p - from);
    if (label->key.empty() || IsDigit(label->key[0])) return Step::bad;
  }
  while (*p < s.size() && IsBlank(s[*p])) ++*p;
  if (*p < s.size() && label->key_quoted && (s[*p] == ',' || s[*p] == '}')) {
    label->name = true;
    label->end = *p;
    return Step::label;
  }
  if (*p >= s.size() || s[*p] != '=') return Step::bad;
  for (++*p; *p < s.size() && IsBlank(s[*p]);) ++*p;
  if (*p >= s.size() || s[*p] != '"') return Step::bad;
  const std::size_t close = CloseQuote(s, *p + 1);
  if (close == string_view::npos) return Step::bad;
  label->value = s.substr(*p + 1, close - *p - 1);
  *p = label->end = close + 1;
  while (*p < s.size() && IsBlank(s[*p])) ++*p;
  return *p < s.size() && (s[*p] == ',' || s[*p] == '}') ? Step::label : Step::bad;
}

std::string Unescape(string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\' || i + 1 == s.size()) {
      out.push_back(s[i]);
      continue;
    }
    const char next = s[++i];
    if (next == 'n') {
      out.push_back('\n');
    } else if (next == '\\' || next == '"') {
      out.push_back(next);
    } else {
      out.push_back('\\');
      out.push_back(next);
    }
  }
  return out;
}

bool ParseDouble(string_view token, double* value) {
  if (!token.empty() && token[0] == '+') token.remove_prefix(1);
  if (token.empty() || token[0] == '+') return false;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), *value);
  if (end != token.data() + token.size()) return false;
  if (error == std::errc::result_out_of_range && token.size() < 64) {  // 1e400, 1e-400
    char text[64] = {};
    std::memcpy(text, token.data(), token.size());
    *value = std::strtod(text, nullptr);
    return true;
  }
  return error == std::errc();
}

bool ParseCount(string_view token, std::uint64_t* count) {
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), *count);
  if (error == std::errc() && end == token.data() + token.size()) return true;
  double value = 0;
  if (!ParseDouble(token, &value) || !(value >= 0) || value >= 1.8e19 || value != std::floor(value))
    return false;
  *count = static_cast<std::uint64_t>(value);
  return true;
}

std::uint64_t SecondsToNs(string_view token) {
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), seconds);
  string_view rest(end, static_cast<std::size_t>(token.data() + token.size() - end));
  const bool plain =
      error == std::errc() && seconds < 9'000'000'000ULL &&
      (rest.empty() || (rest[0] == '.' && std::all_of(rest.begin() + 1, rest.end(), IsDigit)));
  if (!plain) {
    double value = 0;
    if (!ParseDouble(token, &value) || !(value > 0) || value > 9.2e9) return 0;
    return static_cast<std::uint64_t>(std::llround(value * 1e6)) * 1000;  // a double holds no more
  }
  std::uint64_t fraction = 0;
  for (std::size_t i = 1; i <= 9; ++i)
    fraction = fraction * 10 + (i < rest.size() ? rest[i] - '0' : 0);
  return seconds * 1'000'000'000ULL + fraction;
}

Type TypeOf(string_view word) {
  static constexpr std::pair<string_view, Type> kTypes[] = {
      {"counter", Type::counter},
      {"gauge", Type::gauge},
      {"histogram", Type::histogram},
      {"summary", Type::summary},
      {"gaugehistogram", Type::gauge_histogram},
      {"info", Type::info},
      {"stateset", Type::state_set}};
  for (const auto& [name, type] : kTypes) {
    if (name == word) return type;
  }
  return Type::unknown;
}

string_view UnitOf(string_view word) {
  static constexpr std::pair<string_view, string_view> kUnits[] = {
      {"seconds", "s"}, {"bytes", "By"}, {"ratio", "1"}, {"celsius", "Cel"},
      {"joules", "J"},  {"watts", "W"},  {"volts", "V"}, {"amperes", "A"},
      {"meters", "m"},  {"grams", "g"},  {"hertz", "Hz"}};
  for (const auto& [name, ucum] : kUnits) {
    if (name == word) return ucum;
  }
  return word;
}

string_view Strip(string_view name, string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix)
             ? name.substr(0, name.size() - suffix.size())
             : string_view();
}

namespace {

// The name that _created hangs on.
string_view BaseOf(const Family& family) {
  if (family.type == Type::counter) {
    const string_view base = Strip(family.name, "_total");
    return base.empty() ? family.name : base;
  }
  return family.type == Type::histogram || family.type == Type::summary ? family.name
                                                                        : string_view();
}

bool RoleInFamily(const Family& family, string_view name, Role* role) {
  role->unit = family.unit;
  role->series_name = name;
  const string_view suffix = name.substr(family.name.size());
  const auto as = [&](Role::What what, model::Kind kind) {
    role->what = what;
    role->kind = kind;
    return true;
  };
  if (suffix == "_created" && (family.type == Type::counter || family.type == Type::histogram ||
                               family.type == Type::summary)) {
    role->created_of = family.type;
    role->series_name = family.name;
    return as(Role::created, model::Kind::gauge);
  }
  switch (family.type) {
    case Type::counter:
      return suffix.empty() || suffix == "_total" ? as(Role::counter, model::Kind::counter) : false;
    case Type::gauge: return suffix.empty();
    case Type::state_set: return suffix.empty() ? as(Role::number, model::Kind::state) : false;
    case Type::info: return suffix.empty() || suffix == "_info";
    case Type::gauge_histogram:
      return suffix == "_bucket" || suffix == "_gcount" || suffix == "_gsum" || suffix == "_sum" ||
             suffix == "_count";
    case Type::summary:
      role->quantile = suffix.empty();
      if (suffix.empty()) return true;
      return suffix == "_sum" || suffix == "_count" ? as(Role::counter, model::Kind::counter)
                                                    : false;
    case Type::histogram:
      role->series_name = family.name;
      if (suffix == "_bucket") return as(Role::bucket, model::Kind::histogram);
      if (suffix == "_sum") return as(Role::sum, model::Kind::histogram);
      if (suffix == "_count") return as(Role::count, model::Kind::histogram);
      return false;
    case Type::unknown: return false;
  }
  return false;
}

// No TYPE line speaks of it.
Role Guess(string_view name) {
  Role role;
  role.typed = false;
  role.kind_known = false;
  role.series_name = name;
  if (name.ends_with("_total")) {
    role.what = Role::counter;
    role.kind = model::Kind::counter;
    role.kind_known = true;
    return role;
  }
  static constexpr std::pair<string_view, Role::What> kParts[] = {
      {"_bucket", Role::bucket}, {"_sum", Role::sum}, {"_count", Role::count}};
  for (const auto& [suffix, what] : kParts) {
    const string_view base = Strip(name, suffix);
    if (base.empty()) continue;
    role.what = what;
    role.series_name = base;
    role.kind = model::Kind::histogram;
    role.kind_known = true;
  }
  return role;
}

}  // namespace

Families::Seen Families::Add(string_view name, Type type) {
  const string_view of = Strip(name, "_created");
  const bool dates_current = type == Type::gauge && !of.empty() && of == BaseOf(current_);
  Family& family = families_[name];
  const bool again = family.type == Type::histogram;
  family.name = name;
  family.type = type;
  if (dates_current) return Seen::dates_current;
  current_ = family;
  return again ? Seen::again : Seen::fresh;
}

void Families::SetUnit(string_view name, string_view unit) {
  families_[name].name = name;
  families_[name].unit = unit;
  if (current_.name == name) current_.unit = unit;
}

const Family* Families::Known(string_view name) const {
  if (name.empty()) return nullptr;
  const auto it = families_.find(name);
  return it != families_.end() ? &it->second : nullptr;
}

Role Families::RoleOf(string_view name) const {
  Role role;
  const auto in = [&](const Family* family) {
    role = Role{};
    return family != nullptr && name.starts_with(family->name) &&
           RoleInFamily(*family, name, &role);
  };
  // The family the line stands under, the family of exactly this name, then those it could be a
  // part of.
  const bool exact_elsewhere =
      name != current_.name && Known(name) != nullptr && Known(name)->type != Type::unknown;
  if (!current_.name.empty() && !exact_elsewhere && in(&current_)) return role;
  const string_view created = Strip(name, "_created");
  if (!created.empty()) {
    if (in(Known(created))) return role;
    const auto counter = families_.find(std::string(created) + "_total");
    if (counter != families_.end() && counter->second.type == Type::counter) {
      role = Role{};
      role.what = Role::created;
      role.created_of = Type::counter;
      role.series_name = created;
      return role;
    }
  }
  if (in(Known(name))) return role;
  for (const string_view suffix :
       {"_bucket", "_sum", "_count", "_total", "_info", "_gcount", "_gsum"}) {
    if (in(Known(Strip(name, suffix)))) return role;
  }
  return Guess(name);
}

}  // namespace strata::wire
