// SPDX-License-Identifier: Apache-2.0
// Strict OpenMetrics 1.0: the grammar and the rules between lines (families, groups, types,
// histograms, exemplars) of the specification. Says the first offence with its line. Not on any hot
// path.
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "wire/decode.h"
#include "wire/exposition.h"

namespace strata::wire {
namespace {

using std::string_view;

using Labels = std::map<std::string, std::string, std::less<>>;

bool IsName(string_view s, bool colons) {
  if (s.empty() || IsDigit(s[0])) return false;
  for (const char c : s) {
    if (!IsNameByte(c) || (c == ':' && !colons)) return false;
  }
  return true;
}

// realnumber of the ABNF.
bool IsReal(string_view s) {
  std::size_t p = 0, whole = 0, fraction = 0;
  const auto digits = [&] {
    const std::size_t from = p;
    while (p < s.size() && IsDigit(s[p])) ++p;
    return p - from;
  };
  if (p < s.size() && (s[p] == '+' || s[p] == '-')) ++p;
  whole = digits();
  if (p < s.size() && s[p] == '.') {
    ++p;
    fraction = digits();
  }
  if (whole + fraction == 0) return false;
  if (p < s.size() && (s[p] == 'e' || s[p] == 'E')) {
    ++p;
    if (p < s.size() && (s[p] == '+' || s[p] == '-')) ++p;
    if (digits() == 0) return false;
  }
  return p == s.size();
}

bool ToNumber(string_view s, double* value) {
  const bool word = s == "NaN" || s == "Inf" || s == "+Inf" || s == "-Inf" || s == "nan" ||
                    s == "inf" || s == "+inf" || s == "-inf";
  return (word || IsReal(s)) && ParseDouble(s, value);
}

// `{a="b",c="d"}` from *p (on the brace); *p ends behind it.
bool ReadLabels(string_view s, std::size_t* p, Labels* labels) {
  ++*p;
  if (*p < s.size() && s[*p] == '}') return ++*p, true;
  while (true) {
    const std::size_t from = *p;
    while (*p < s.size() && IsNameByte(s[*p])) ++*p;
    const string_view name = s.substr(from, *p - from);
    if (!IsName(name, false) || s.substr(*p, 2) != "=\"") return false;
    const std::size_t close = CloseQuote(s, *p + 2);
    if (close == string_view::npos) return false;
    if (!labels->emplace(name, Unescape(s.substr(*p + 2, close - *p - 2))).second) return false;
    *p = close + 1;
    if (*p >= s.size()) return false;
    if (s[*p] == '}') return ++*p, true;
    if (s[*p] != ',') return false;
    ++*p;
  }
}

std::size_t CodePoints(string_view s) {
  std::size_t n = 0;
  for (const char c : s) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

struct Sample {
  std::string name;
  Labels labels;
  double value = 0;
  std::optional<double> time;
  bool exemplar = false;
};

// nullptr, or what is wrong.
const char* ParseExemplar(string_view s) {
  Labels labels;
  std::size_t p = 0;
  if (s.empty() || s[0] != '{' || !ReadLabels(s, &p, &labels)) return "an exemplar without labels";
  std::size_t length = 0;
  for (const auto& [key, value] : labels) length += CodePoints(key) + CodePoints(value);
  if (length > 128) return "an exemplar's labels beyond 128 characters";
  if (p >= s.size() || s[p] != ' ') return "an exemplar without a value";
  const string_view rest = s.substr(p + 1);
  const std::size_t space = rest.find(' ');
  double value = 0;
  if (!ToNumber(rest.substr(0, space), &value)) return "an exemplar's value that is no number";
  if (space != string_view::npos && !IsReal(rest.substr(space + 1)))
    return "an exemplar's time that is no number";
  return nullptr;
}

const char* ParseSample(string_view line, Sample* sample) {
  std::size_t p = 0;
  while (p < line.size() && IsNameByte(line[p])) ++p;
  sample->name = line.substr(0, p);
  if (!IsName(sample->name, true)) return "no metric name";
  if (p < line.size() && line[p] == '{' && !ReadLabels(line, &p, &sample->labels))
    return "labels that do not follow the grammar";
  if (p >= line.size() || line[p] != ' ') return "no value";
  string_view rest = line.substr(p + 1);
  if (const std::size_t hash = rest.find(" # "); hash != string_view::npos) {
    if (const char* offence = ParseExemplar(rest.substr(hash + 3))) return offence;
    sample->exemplar = true;
    rest = rest.substr(0, hash);
  }
  const std::size_t space = rest.find(' ');
  if (!ToNumber(rest.substr(0, space), &sample->value)) return "a value that is no number";
  if (space == string_view::npos) return nullptr;
  double time = 0;
  if (!IsReal(rest.substr(space + 1)) || !ParseDouble(rest.substr(space + 1), &time))
    return "a time that is no number";
  sample->time = time;
  return nullptr;
}

// The suffixes that sample names of a type may have.
const std::vector<string_view>& Suffixes(Type type) {
  static const std::vector<string_view> kPlain{""}, kCounter{"_total", "_created"}, kInfo{"_info"},
      kHistogram{"_bucket", "_count", "_sum", "_created"},
      kGaugeHistogram{"_bucket", "_gcount", "_gsum"}, kSummary{"", "_count", "_sum", "_created"};
  switch (type) {
    case Type::counter: return kCounter;
    case Type::info: return kInfo;
    case Type::histogram: return kHistogram;
    case Type::gauge_histogram: return kGaugeHistogram;
    case Type::summary: return kSummary;
    default: return kPlain;
  }
}

class Checker {
 public:
  base::Status Check(string_view text) {
    bool eof = false;
    std::size_t number = 0;
    while (!text.empty()) {
      ++number;
      const std::size_t end = text.find('\n');
      const string_view line = text.substr(0, end);
      text = end == string_view::npos ? string_view() : text.substr(end + 1);
      const char* offence = nullptr;
      if (eof) {
        offence = "text after # EOF";
      } else if (line == "# EOF") {
        eof = true;
        offence = EndFamily();
      } else {
        offence = line.starts_with("#") ? Metadata(line) : Line(line);
      }
      if (offence != nullptr)
        return base::Invalid("line " + std::to_string(number) + ": " + offence);
    }
    return eof ? base::Status()
               : base::Invalid("line " + std::to_string(number + 1) + ": no # EOF at the end");
  }

 private:
  struct Group {  // the samples of one label set within a family
    Labels labels;
    std::optional<double> last_time;
    bool timed = false, any = false;
    std::set<std::pair<std::string, Labels>> seen;
  };
  struct Buckets {  // of one label set at one time
    std::optional<double> last_bound, last_count, count, sum;
    bool inf = false, negative = false;
  };

  const char* Metadata(string_view line) {
    if (!line.starts_with("# ")) return "a comment that is no metadata";
    const string_view keyword = line.substr(2, 5);
    const string_view rest = line.size() > 7 ? line.substr(7) : string_view();
    if (keyword != "HELP " && keyword != "TYPE " && keyword != "UNIT ")
      return "metadata other than HELP, TYPE, UNIT";
    const std::size_t space = rest.find(' ');
    const string_view name = rest.substr(0, space);
    if (space == string_view::npos || !IsName(name, true))
      return "metadata without name and content";
    const string_view content = rest.substr(space + 1);
    if (name != family_ || in_samples_) {
      if (name == family_ && in_samples_) return "metadata after the samples of its family";
      if (const char* offence = StartFamily(name)) return offence;
    }
    if (!told_.insert(std::string(keyword)).second) return "metadata given twice";
    if (keyword == "UNIT ") unit_ = content;
    if (keyword != "TYPE ") return CheckUnit();
    type_ = TypeOf(content);
    if (type_ == Type::unknown && content != "unknown") return "a type that does not exist";
    if (const char* offence = Claim()) return offence;
    return CheckUnit();
  }

  const char* CheckUnit() const {
    if (unit_.empty()) return nullptr;
    if (type_ == Type::info || type_ == Type::state_set) return "a unit on an info or stateset";
    const bool ends = family_.size() > unit_.size() + 1 && family_.ends_with(unit_) &&
                      family_[family_.size() - unit_.size() - 1] == '_';
    return ends ? nullptr : "a unit that the name does not end with";
  }

  const char* StartFamily(string_view name) {
    if (const char* offence = EndFamily()) return offence;
    family_ = name;
    type_ = Type::unknown;
    unit_.clear();
    told_.clear();
    in_samples_ = claimed_ = false;
    groups_.clear();
    group_ = nullptr;
    if (taken_.contains(family_)) return "a family name that is taken";
    return nullptr;
  }

  // Takes the names that the family's samples may have.
  const char* Claim() {
    claimed_ = true;
    if (!taken_.insert(family_).second) return "a family name that is taken";
    for (const string_view suffix : Suffixes(type_)) {
      if (!suffix.empty() && !taken_.insert(family_ + std::string(suffix)).second)
        return "a family whose sample names are taken";
    }
    return nullptr;
  }

  const char* EndFamily() {
    if (!family_.empty() && !claimed_) {
      if (const char* offence = Claim()) return offence;
    }
    return EndBuckets();
  }

  const char* Line(string_view line) {
    Sample sample;
    if (line.empty()) return "an empty line";
    if (const char* offence = ParseSample(line, &sample)) return offence;
    std::string suffix;
    if (!Belongs(sample.name, &suffix)) {
      if (const char* offence = StartFamily(sample.name)) return offence;
    }
    if (!claimed_) {
      if (const char* offence = Claim()) return offence;
    }
    in_samples_ = true;
    if (const char* offence = CheckType(suffix, sample)) return offence;
    return CheckGroup(suffix, sample);
  }

  bool Belongs(const std::string& name, std::string* suffix) const {
    if (family_.empty() || !name.starts_with(family_)) return false;
    *suffix = name.substr(family_.size());
    for (const string_view known : Suffixes(type_)) {
      if (*suffix == known) return true;
    }
    suffix->clear();
    return false;
  }

  const char* CheckType(const std::string& suffix, const Sample& s) const {
    const bool bucket = suffix == "_bucket";
    if (s.exemplar && !(bucket || (type_ == Type::counter && suffix == "_total")))
      return "an exemplar where none may be";
    const bool counts = suffix == "_total" || bucket || suffix == "_count" || suffix == "_gcount" ||
                        suffix == "_sum";
    if (counts && !(s.value >= 0)) return "a counter that is negative or NaN";
    if (suffix == "_gsum" && std::isnan(s.value)) return "a sum that is NaN";
    if (bucket && !s.labels.contains("le")) return "a bucket without le";
    if (type_ == Type::info && s.value != 1) return "an info whose value is not 1";
    if (type_ == Type::state_set) {
      if (!s.labels.contains(family_)) return "a stateset without its label";
      if (s.value != 0 && s.value != 1) return "a stateset whose value is neither 0 nor 1";
    }
    if (type_ == Type::summary && suffix.empty()) {
      const auto quantile = s.labels.find("quantile");
      double q = 0;
      if (quantile == s.labels.end() || !ToNumber(quantile->second, &q) || !(q >= 0 && q <= 1))
        return "a summary without a quantile in 0..1";
      if (s.value < 0) return "a quantile that is negative";
    }
    return nullptr;
  }

  const char* CheckGroup(const std::string& suffix, const Sample& s) {
    Labels labels = s.labels;
    if (suffix == "_bucket") labels.erase("le");
    if (type_ == Type::summary && suffix.empty()) labels.erase("quantile");
    if (type_ == Type::state_set) labels.erase(family_);
    bool new_moment = group_ == nullptr || group_->labels != labels;
    if (new_moment) {
      if (const char* offence = EndBuckets()) return offence;
      const auto [it, fresh] = groups_.try_emplace(labels);
      if (!fresh) return "a label set whose samples are not together";
      group_ = &it->second;
      group_->labels = labels;
    }
    if (group_->any && group_->timed != s.time.has_value())
      return "samples with and without time in one label set";
    if (group_->any && s.time && *s.time < *group_->last_time) return "a time that goes back";
    if (s.time && group_->last_time && *s.time != *group_->last_time) {
      if (const char* offence = EndBuckets()) return offence;
    }
    if (!s.time && !group_->seen.emplace(s.name, s.labels).second) return "a sample given twice";
    group_->any = true;
    group_->timed = s.time.has_value();
    group_->last_time = s.time;
    return type_ == Type::histogram || type_ == Type::gauge_histogram ? AddBucket(suffix, s)
                                                                      : nullptr;
  }

  const char* AddBucket(const std::string& suffix, const Sample& s) {
    if (suffix == "_created") return nullptr;
    open_ = true;
    if (suffix == "_count" || suffix == "_gcount") return buckets_.count = s.value, nullptr;
    if (suffix == "_sum" || suffix == "_gsum") return buckets_.sum = s.value, nullptr;
    const std::string& le = s.labels.find("le")->second;
    double bound = 0;
    if (!(le == "+Inf" || IsReal(le)) || !ParseDouble(le, &bound))
      return "a bucket bound that is no number or +Inf";
    if (buckets_.last_bound && bound <= *buckets_.last_bound)
      return "bucket bounds that do not rise";
    if (buckets_.last_count && s.value < *buckets_.last_count) return "bucket counts that go down";
    buckets_.last_bound = bound;
    buckets_.last_count = s.value;
    buckets_.inf = buckets_.inf || le == "+Inf";
    buckets_.negative = buckets_.negative || bound < 0;
    return nullptr;
  }

  const char* EndBuckets() {
    if (!open_) return nullptr;
    open_ = false;
    const Buckets b = buckets_;
    buckets_ = Buckets{};
    if (!b.inf) return "a histogram without the +Inf bucket";
    if (b.count.has_value() != b.sum.has_value())
      return "a histogram with only one of sum and count";
    if (b.count && *b.count != *b.last_count) return "a count that is not the +Inf bucket";
    if (type_ == Type::histogram && b.negative && b.sum) return "a sum beside negative buckets";
    if (type_ == Type::gauge_histogram && !b.negative && b.sum && *b.sum < 0)
      return "a negative sum without negative buckets";
    return nullptr;
  }

  std::string family_, unit_;
  Type type_ = Type::unknown;
  std::set<std::string> told_, taken_;
  bool in_samples_ = false, claimed_ = false, open_ = false;
  std::map<Labels, Group> groups_;
  Group* group_ = nullptr;
  Buckets buckets_;
};

}  // namespace

base::Status CheckOpenMetrics(string_view text) { return Checker().Check(text); }

}  // namespace strata::wire
