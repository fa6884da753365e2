// SPDX-License-Identifier: Apache-2.0
// Prometheus text 0.0.4 and OpenMetrics 1.0, one pass. A line whose `name{labels}` bytes are known
// costs a hash, a look-up and a number; labels are decoded only when new. Buckets, _sum and _count
// of one label set become one histogram at the end of the page, _created becomes a start time. Bad
// lines are counted, the rest is kept. A NaN quantile is "no observation": absent, not refused.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <unordered_map>

#include "wire/exposition.h"
#include "wire/sink.h"

namespace strata::wire {
namespace {

using std::string_view;

// One histogram being put together.
struct Group {
  std::uint64_t key = 0;
  string_view name, unit, labels;
  model::Histogram histogram;  // counts cumulative until Finish
  bool typed = true, has_inf = false, sorted = true, bad = false;
  std::uint64_t inf = 0;
  std::size_t line = 0;
};

// Sorts, checks and takes apart the cumulative counts. False when the set is no histogram.
bool Decumulate(Group* group) {
  model::Histogram& h = group->histogram;
  if (group->bad || !group->has_inf) return false;
  if (!group->sorted) {
    std::vector<std::pair<double, std::uint64_t>> pairs;
    for (std::size_t i = 0; i < h.bounds.size(); ++i) pairs.emplace_back(h.bounds[i], h.counts[i]);
    std::sort(pairs.begin(), pairs.end());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i > 0 && pairs[i].first == pairs[i - 1].first) return false;
      h.bounds[i] = pairs[i].first;
      h.counts[i] = pairs[i].second;
    }
  }
  h.counts.push_back(group->inf);
  std::uint64_t below = 0;
  for (std::uint64_t& count : h.counts) {
    const std::uint64_t cumulative = count;
    if (cumulative < below) return false;
    count = cumulative - below;
    below = cumulative;
  }
  h.count = group->inf;
  return true;
}

class TextReader {
 public:
  TextReader(string_view text, bool openmetrics, const Context& context, model::Batch* batch,
             TextFacts* facts)
      : sink_(context, batch, "text"), text_(text), openmetrics_(openmetrics), facts_(facts) {
    if (context.resource != nullptr) resource_ = *context.resource;
    if (!context.origin.empty()) resource_.set("strata.origin", context.origin);
  }

  base::Status Read() {
    for (std::size_t at = 0; at < text_.size() && !ended_;) {
      const void* newline = std::memchr(text_.data() + at, '\n', text_.size() - at);
      const std::size_t end =
          newline != nullptr
              ? static_cast<std::size_t>(static_cast<const char*>(newline) - text_.data())
              : text_.size();
      line_ = text_.substr(at, end - at);
      at = end + 1;
      ++facts_->lines;
      Line();
      if (ended_ && text_.substr(std::min(at, text_.size())).find_first_not_of(" \r\n\t") !=
                        string_view::npos) {
        Bad("text after # EOF");
      }
    }
    ApplyCreated();
    FlushPending();
    FlushGroups();
    sink_.namer()->take_fresh(&sink_.batch()->series);
    if (facts_->samples == 0 && facts_->bad_lines > 0) {
      return base::Invalid("no exposition: " + sink_.batch()->refused.example());
    }
    return {};
  }

 private:
  struct Mark {  // a counter sample that a _created line may date
    std::uint64_t labels = 0;
    std::size_t begin = 0, end = 0;
  };
  struct Start {
    std::uint64_t labels = 0, start_ns = 0;
  };
  struct Pending {  // an untyped _sum or _count: part of a histogram, or a sample of its own
    std::uint64_t group_key = 0;
    Role role;
    string_view labels;
    double value = 0;
    std::int64_t at = 0;
    bool is_sum = false;
  };

  void Bad(string_view what, Reason reason = Reason::malformed) {
    ++facts_->bad_lines;
    std::string example;
    if (sink_.batch()->refused.example().empty()) {
      example = "line " + std::to_string(facts_->lines) + ": " + std::string(what) + ": " +
                std::string(line_.substr(0, 80));
    }
    sink_.Refuse(reason, example);
  }

  void Line() {
    string_view& line = line_;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    while (!line.empty() && IsBlank(line[0])) line.remove_prefix(1);
    if (line.empty()) return;
    if (line[0] == '#') {
      Comment();
    } else {
      Sample();
    }
  }

  // ---- # TYPE, # UNIT, # EOF; HELP and other comments say nothing about numbers.
  void Comment() {
    string_view s = line_.substr(1);
    while (!s.empty() && IsBlank(s[0])) s.remove_prefix(1);
    if (s == "EOF" && openmetrics_) {
      ended_ = true;
      return;
    }
    const bool type = s.starts_with("TYPE") && s.size() > 4 && IsBlank(s[4]);
    const bool unit = s.starts_with("UNIT") && s.size() > 4 && IsBlank(s[4]);
    if (!type && !unit) return;
    s.remove_prefix(5);
    while (!s.empty() && IsBlank(s[0])) s.remove_prefix(1);
    string_view name;
    if (!s.empty() && s[0] == '"') {
      const std::size_t close = CloseQuote(s, 1);
      if (close == string_view::npos) return Bad("a quote that does not end");
      name = Own(s.substr(1, close - 1));
      s.remove_prefix(close + 1);
    } else {
      std::size_t n = 0;
      while (n < s.size() && !IsBlank(s[n])) ++n;
      name = s.substr(0, n);
      s.remove_prefix(n);
    }
    while (!s.empty() && IsBlank(s[0])) s.remove_prefix(1);
    while (!s.empty() && IsBlank(s.back())) s.remove_suffix(1);
    if (name.empty() || name.size() > kMaxNameBytes) return Bad("a family without a usable name");
    last_name_ = {};
    if (unit) return families_.SetUnit(name, UnitOf(s));
    ++facts_->families;
    const Families::Seen seen = families_.Add(name, TypeOf(s));
    if (seen != Families::Seen::dates_current) ApplyCreated();
    if (seen == Families::Seen::again) FlushGroups();  // the page holds a second scrape
  }

  // The bytes of a quoted name without its escapes; lives as long as the reader.
  string_view Own(string_view quoted) {
    if (quoted.find('\\') == string_view::npos) return quoted;
    return owned_.emplace_back(Unescape(quoted));
  }

  std::uint64_t NameHash(const Role& role) const {
    std::uint64_t h = base::Mix(sink_.seed(), base::Hash64(role.series_name));
    h = base::Mix(h, static_cast<std::uint64_t>(role.kind) * 2 + (role.kind_known ? 1 : 0));
    return role.unit.empty() ? h : base::Mix(h, base::Hash64(role.unit));
  }

  // ---- samples
  void Sample() {
    const string_view line = line_;
    std::size_t p = 0;
    string_view name;
    bool labelled = false;
    if (line[0] == '{') {
      p = 1;
      Label label;
      if (NextLabel(line, &p, &label) != Step::label || !label.name)
        return Bad("braces without a quoted metric name");
      name = Own(label.key);
      labelled = true;
    } else {
      while (p < line.size() && IsNameByte(line[p])) ++p;
      name = line.substr(0, p);
      if (name.empty() || IsDigit(name[0])) return Bad("no metric name");
      while (p < line.size() && IsBlank(line[p])) ++p;
      if (p < line.size() && line[p] == '{') {
        labelled = true;
        ++p;
      } else if (p == name.size()) {
        return Bad("no value");
      }
    }
    if (name.size() > kMaxNameBytes) return Bad("a name that is too long", Reason::oversize);
    if (name != last_name_) {
      role_ = families_.RoleOf(name);
      role_.hash = NameHash(role_);
      last_name_ = name;
    }
    const bool part = role_.what == Role::bucket || role_.what == Role::sum ||
                      role_.what == Role::count ||
                      (role_.what == Role::created && role_.created_of == Type::histogram);
    if (part) {
      Part(p, labelled);
    } else {
      Plain(p, labelled);
    }
  }

  // Value and optional time from `p` on. False when the line is bad (counted). *at is final.
  bool ValueAndTime(std::size_t p, string_view* value, std::int64_t* at, bool* admitted) {
    const string_view line = line_;
    while (p < line.size() && IsBlank(line[p])) ++p;
    std::size_t from = p;
    while (p < line.size() && !IsBlank(line[p])) ++p;
    *value = line.substr(from, p - from);
    while (p < line.size() && IsBlank(line[p])) ++p;
    *at = sink_.context().now_ns;
    *admitted = true;
    if (value->empty()) {
      Bad("no value");
      return false;
    }
    if (p >= line.size() || line[p] == '#') return true;  // an exemplar is skipped
    from = p;
    while (p < line.size() && !IsBlank(line[p])) ++p;
    const string_view time = line.substr(from, p - from);
    while (p < line.size() && IsBlank(line[p])) ++p;
    if (p < line.size() && line[p] != '#') {
      Bad("text after the time");
      return false;
    }
    return Time(time, at, admitted);
  }

  bool Time(string_view token, std::int64_t* at, bool* admitted) {
    std::uint64_t ns = 0;
    if (openmetrics_) {
      double number = 0;
      if (!ParseDouble(token, &number) || !std::isfinite(number)) {
        Bad("a time that is no number");
        return false;
      }
      ns = SecondsToNs(token);
    } else {
      std::int64_t ms = 0;
      const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), ms);
      if (end != token.data() + token.size() || error == std::errc::invalid_argument) {
        Bad("a time that is no whole number of milliseconds");
        return false;
      }
      ns = error == std::errc() && ms > 0 && ms < 9'223'372'036'854
               ? static_cast<std::uint64_t>(ms) * 1'000'000
               : 0;
    }
    *admitted = sink_.Admit(ns, at);
    return true;
  }

  // A number that is a sample by itself. `p` stands behind the opening brace or at the value.
  void Plain(std::size_t p, bool labelled) {
    string_view labels;
    std::size_t behind = p;
    if (labelled) {
      // The last brace of the line is the closing one unless an exemplar follows; if the guess is
      // wrong the bytes are unknown and the labels are walked.
      const std::size_t close = line_.rfind('}');
      if (close == string_view::npos || close < p) return Bad("labels that do not end");
      labels = line_.substr(p, close - p);
      behind = close + 1;
    }
    std::uint64_t labels_hash = base::Hash64(labels);
    const std::vector<model::Target>* targets = nullptr;
    if (role_.what != Role::created)
      targets = sink_.namer()->find(base::Mix(role_.hash, labels_hash));
    model::Attributes attributes;
    if (targets == nullptr && labelled) {
      std::size_t close = p;
      if (role_.what == Role::created ? !SkipLabels(line_, &close)
                                      : !ReadLabels(line_, &close, &attributes))
        return;
      labels = line_.substr(p, close - p);
      behind = close + 1;
      labels_hash = base::Hash64(labels);
    }
    string_view token;
    std::int64_t at = 0;
    bool admitted = true;
    double value = 0;
    if (!ValueAndTime(behind, &token, &at, &admitted)) return;
    if (!ParseDouble(token, &value)) return Bad("a value that is no number");
    ++facts_->samples;
    if (role_.what == Role::created) {
      if (const std::uint64_t ns = SecondsToNs(token); ns != 0)
        starts_.push_back({labels_hash, ns});
      return;
    }
    if (!admitted || (std::isnan(value) && role_.quantile)) return;
    if (targets == nullptr)
      targets = &Resolve(role_, base::Mix(role_.hash, labels_hash), attributes);
    const std::size_t begin = sink_.batch()->samples.size();
    sink_.Number(*targets, at, 0, value);
    if (role_.what == Role::counter)
      marks_.push_back({labels_hash, begin, sink_.batch()->samples.size()});
  }

  const std::vector<model::Target>& Resolve(const Role& role, std::uint64_t key,
                                            const model::Attributes& attributes) {
    if (const auto* known = sink_.namer()->find(key)) return *known;
    model::RawMetric raw;
    raw.name = role.series_name;
    raw.unit = role.unit;
    raw.kind = role.kind;
    raw.kind_known = role.kind_known;
    raw.attributes = &attributes;
    raw.resource = &resource_;
    raw.source = "scrape";
    return sink_.namer()->Resolve(key, raw, &sink_.batch()->refused);
  }

  bool SkipLabels(string_view s, std::size_t* p) {
    Label label;
    Step step = Step::label;
    while (step == Step::label) step = NextLabel(s, p, &label);
    if (step == Step::bad) Bad("labels that do not follow the format");
    return step == Step::end;
  }

  // All labels of `s` from *p to the closing brace, where *p ends. False when refused (counted).
  bool ReadLabels(string_view s, std::size_t* p, model::Attributes* out) {
    Label label;
    for (Step step = NextLabel(s, p, &label); step != Step::end; step = NextLabel(s, p, &label)) {
      if (step == Step::bad || label.name)
        return Bad("labels that do not follow the format"), false;
      if (label.key.size() > model::kMaxKeyBytes || label.value.size() > model::kMaxValueBytes) {
        return Bad("a label that is too long", Reason::oversize), false;
      }
      const std::string key = label.key_quoted ? Unescape(label.key) : std::string(label.key);
      if (out->has(key)) return Bad("a label that is given twice"), false;
      if (out->size() >= model::kMaxAttributes)
        return Bad("too many labels", Reason::label_limit), false;
      if (key.starts_with("strata.") && !sink_.context().trusted)
        return Bad("a reserved label", Reason::reserved), false;
      out->set(key, label.value.find('\\') == string_view::npos ? std::string(label.value)
                                                                : Unescape(label.value));
    }
    return true;
  }

  // ---- histograms: a bucket, _sum, _count or _created line
  void Part(std::size_t p, bool labelled) {
    const std::size_t from = p;
    std::size_t le_begin = string_view::npos, le_end = 0;
    string_view le;
    if (labelled) {
      Label label;
      for (Step step = NextLabel(line_, &p, &label); step != Step::end;
           step = NextLabel(line_, &p, &label)) {
        if (step == Step::bad) return Bad("labels that do not follow the format");
        if (label.key != "le" || role_.what != Role::bucket || le_begin != string_view::npos)
          continue;
        le = label.value;
        le_begin = label.begin;
        le_end = label.end;
      }
    }
    const string_view labels = line_.substr(from, p - from);
    if (role_.what == Role::bucket && le_begin == string_view::npos) {
      if (role_.typed) return Bad("a bucket without le");
      return Unpaired(from, labelled);
    }
    string_view rest = labels;
    if (le_begin != string_view::npos) rest = Without(labels, le_begin - from, le_end - from);
    while (!rest.empty() && (rest.back() == ',' || IsBlank(rest.back()))) rest.remove_suffix(1);
    const std::uint64_t key = base::Mix(HistogramHash(), base::Hash64(rest));
    string_view token;
    std::int64_t at = 0;
    bool admitted = true;
    if (!ValueAndTime(labelled ? p + 1 : p, &token, &at, &admitted)) return;
    if (role_.typed || role_.what == Role::bucket) {
      AddPart(key, labels, le, token, at, admitted);
    } else {
      Defer(key, labels, token, at, admitted);
    }
  }

  std::uint64_t HistogramHash() const {
    if (role_.what != Role::created) return role_.hash;
    Role as = role_;  // _created finds the group by the hash its parts have
    as.kind = model::Kind::histogram;
    return NameHash(as);
  }

  // The labels without the bytes [begin, end) of le, so that all parts of a set look alike.
  string_view Without(string_view labels, std::size_t begin, std::size_t end) {
    string_view before = labels.substr(0, begin), after = labels.substr(end);
    while (!before.empty() && (before.back() == ',' || IsBlank(before.back())))
      before.remove_suffix(1);
    while (!after.empty() && (after[0] == ',' || IsBlank(after[0]))) after.remove_prefix(1);
    if (after.empty()) return before;
    if (before.empty()) return after;
    scratch_.assign(before).append(",").append(after);
    return scratch_;
  }

  Group& GroupOf(std::uint64_t key, string_view labels) {
    if (last_group_ < groups_.size() && groups_[last_group_].key == key)
      return groups_[last_group_];
    const auto [it, fresh] = group_index_.try_emplace(key, groups_.size());
    last_group_ = it->second;
    if (fresh) {
      Group& group = groups_.emplace_back();
      group.key = key;
      group.name = role_.series_name;
      group.unit = role_.unit;
      group.labels = labels;
      group.typed = role_.typed;
      group.line = facts_->lines;
      group.histogram.sum = group.histogram.min = group.histogram.max =
          std::numeric_limits<double>::quiet_NaN();
      group.histogram.bounds.reserve(bucket_hint_);
      group.histogram.counts.reserve(bucket_hint_ + 1);
    }
    return groups_[last_group_];
  }

  void AddPart(std::uint64_t key, string_view labels, string_view le, string_view token,
               std::int64_t at, bool admitted) {
    double value = 0;
    std::uint64_t count = 0;
    const bool counted = role_.what == Role::bucket || role_.what == Role::count;
    if (counted ? !ParseCount(token, &count) : !ParseDouble(token, &value)) {
      GroupOf(key, labels).bad = true;
      return Bad(counted ? "a bucket or count that is no whole number"
                         : "a value that is no number");
    }
    double bound = 0;
    if (role_.what == Role::bucket && (!ParseDouble(le, &bound) || std::isnan(bound))) {
      GroupOf(key, labels).bad = true;
      return Bad("a bucket bound that is no number");
    }
    ++facts_->samples;
    Group& group = GroupOf(key, labels);
    model::Histogram& h = group.histogram;
    group.bad = group.bad || !admitted;
    if (role_.what != Role::created) h.ts = at;
    switch (role_.what) {
      case Role::sum: h.sum = value; break;
      case Role::count: h.count = count; break;
      case Role::created: h.start_ts = static_cast<std::int64_t>(SecondsToNs(token)); break;
      default:
        if (std::isinf(bound) && bound > 0) {
          group.bad = group.bad || (group.has_inf && group.inf != count);
          group.has_inf = true;
          group.inf = count;
        } else if (h.bounds.size() >= kMaxBuckets) {
          group.bad = true;
        } else {
          group.sorted = group.sorted && (h.bounds.empty() || h.bounds.back() < bound);
          h.bounds.push_back(bound);
          h.counts.push_back(count);
        }
    }
  }

  // An untyped _bucket without le is a plain number under its own name.
  void Unpaired(std::size_t p, bool labelled) {
    const Role kept = role_;
    role_ = Role{};
    role_.typed = role_.kind_known = false;
    role_.series_name = last_name_;
    role_.hash = NameHash(role_);
    Plain(p, labelled);
    role_ = kept;
  }

  void Defer(std::uint64_t key, string_view labels, string_view token, std::int64_t at,
             bool admitted) {
    Pending pending;
    if (!ParseDouble(token, &pending.value)) return Bad("a value that is no number");
    ++facts_->samples;
    if (!admitted) return;
    pending.group_key = key;
    pending.is_sum = role_.what == Role::sum;
    pending.labels = labels;
    pending.at = at;
    pending.role.typed = pending.role.kind_known = false;
    pending.role.series_name = last_name_;
    pending.role.hash = NameHash(pending.role);
    pending_.push_back(pending);
  }

  void FlushPending() {
    for (const Pending& pending : pending_) {
      const auto it = group_index_.find(pending.group_key);
      if (it != group_index_.end()) {
        model::Histogram& h = groups_[it->second].histogram;
        if (pending.is_sum) {
          h.sum = pending.value;
        } else {
          h.count = pending.value >= 0 && pending.value < 1.8e19
                        ? static_cast<std::uint64_t>(pending.value)
                        : 0;
        }
        continue;
      }
      const std::uint64_t key = base::Mix(pending.role.hash, base::Hash64(pending.labels));
      const std::vector<model::Target>* targets = sink_.namer()->find(key);
      if (targets == nullptr) {
        model::Attributes attributes;
        if (!LabelsOf(pending.labels, &attributes)) continue;
        targets = &Resolve(pending.role, key, attributes);
      }
      sink_.Number(*targets, pending.at, 0, pending.value);
    }
    pending_.clear();
  }

  // Labels as they stood between the braces.
  bool LabelsOf(string_view labels, model::Attributes* out) {
    const std::string closed = std::string(labels) + "}";
    std::size_t p = 0;
    line_ = labels;
    return ReadLabels(closed, &p, out);
  }

  void FlushGroups() {
    for (Group& group : groups_) Finish(&group);
    groups_.clear();
    group_index_.clear();
    last_group_ = 0;
  }

  void Finish(Group* group) {
    model::Histogram& h = group->histogram;
    if (h.ts == 0) return;  // only a _created line
    bucket_hint_ = std::max(bucket_hint_, h.bounds.size());
    if (!Decumulate(group)) {
      sink_.Refuse(Reason::malformed,
                   "line " + std::to_string(group->line) + ": buckets of " +
                       std::string(group->name) +
                       " that are no histogram (no +Inf, not rising, or a bad part)");
      return;
    }
    h.start_ts =
        sink_.Start(static_cast<std::uint64_t>(std::max<std::int64_t>(h.start_ts, 0)), h.ts);
    const std::vector<model::Target>* targets = sink_.namer()->find(group->key);
    if (targets == nullptr) {
      model::Attributes attributes;
      if (!LabelsOf(group->labels, &attributes)) return;
      attributes.erase("le");
      Role role;
      role.kind = model::Kind::histogram;
      role.series_name = group->name;
      role.unit = group->unit;
      targets = &Resolve(role, group->key, attributes);
    }
    sink_.Histogram(*targets, std::move(h));
  }

  // Start times of the counters of the family that ends here.
  void ApplyCreated() {
    if (!starts_.empty() && !marks_.empty()) {
      const auto by_labels = [](const auto& a, const auto& b) { return a.labels < b.labels; };
      std::sort(starts_.begin(), starts_.end(), by_labels);
      for (const Mark& mark : marks_) {
        const auto it =
            std::lower_bound(starts_.begin(), starts_.end(), Start{mark.labels, 0}, by_labels);
        if (it == starts_.end() || it->labels != mark.labels) continue;
        model::Samples& samples = sink_.batch()->samples;
        for (std::size_t i = mark.begin; i < mark.end; ++i)
          samples.start_ts[i] = sink_.Start(it->start_ns, samples.ts[i]);
      }
    }
    starts_.clear();
    marks_.clear();
  }

  Sink sink_;
  string_view text_, line_;
  bool openmetrics_ = false, ended_ = false;
  TextFacts* facts_;
  model::Attributes resource_;
  Families families_;
  std::deque<std::string> owned_;
  string_view last_name_;
  Role role_;
  std::vector<Mark> marks_;
  std::vector<Start> starts_;
  std::vector<Group> groups_;
  std::unordered_map<std::uint64_t, std::size_t> group_index_;
  std::size_t last_group_ = 0, bucket_hint_ = 0;
  std::vector<Pending> pending_;
  std::string scratch_;
};

bool EndsWithEof(string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return text == "# EOF" || text.ends_with("\n# EOF");
}

}  // namespace

base::Status DecodePrometheusText(string_view text, bool openmetrics, const Context& context,
                                  model::Batch* batch, TextFacts* facts) {
  TextFacts own;
  return TextReader(text, openmetrics || EndsWithEof(text), context, batch,
                    facts != nullptr ? facts : &own)
      .Read();
}

}  // namespace strata::wire
