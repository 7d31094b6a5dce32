#include "rolling_model.hpp"

#include <algorithm>

namespace rolling {

namespace {

Ticks clamp(Wide value) { return static_cast<Ticks>(std::clamp<Wide>(value, INT64_MIN, INT64_MAX)); }

Wide floor_to(Wide value, Ticks hop) {
  const Wide rest = value % hop;
  return value - rest - (rest < 0 ? hop : 0);
}

Totals totals_of(const std::vector<std::int64_t>& values) {
  if (values.empty()) return {};
  Totals totals{.min = values.front(), .max = values.front(), .first = values.front(), .last = values.back()};
  for (const std::int64_t value : values) {
    ++totals.count;
    totals.sum += value;
    totals.min = std::min(totals.min, value);
    totals.max = std::max(totals.max, value);
  }
  return totals;
}

template <class Records, class Record>
void insert_by_time(Records& records, Record record) {
  const auto behind = std::upper_bound(records.begin(), records.end(), record.at,
                                       [](Ticks at, const auto& other) { return at < other.at; });
  records.insert(behind, record);
}

/// The oldest instant that a window still keeps.
Wide kept_from(const Window& window, Ticks settled) {
  if (settled == no_time || window.kind == Kind::records || window.kind == Kind::lifetime) return no_time;
  const Wide oldest = Wide{settled} - window.size;
  if (window.kind == Kind::exact) return oldest;
  return floor_to(window.kind == Kind::pre_cut ? oldest - window.hop : oldest, window.hop);
}

}  // namespace

Ticks Model::settled() const {
  return watermark_ == no_time ? no_time : clamp(Wide{watermark_} - config_.time_travel);
}

bool Model::begins_anew(Ticks last, Ticks at) const {
  return config_.retain != for_ever && Wide{at} - last >= config_.retain;
}

Judged Model::judge(const Known& known, Ticks at) const {
  const bool is_forgotten = !known.settled.empty() && begins_anew(at, known.settled.front().at);
  Judged judged;
  for (const Window& window : config_.windows) {
    ++(at >= kept_from(window, settled()) && !is_forgotten ? judged.hit : judged.missed);
  }
  return judged;
}

Judged Model::push(std::int64_t key, Ticks at, std::int64_t value) {
  Known& known = keys_[key];
  Judged judged;
  if (at < settled()) {
    judged = judge(known, at);
    if (judged.hit > 0) {
      if (!known.settled.empty() && begins_anew(known.settled.back().at, at)) known.settled.clear();
      insert_by_time(known.settled, Record{at, value});
    }
  } else {
    insert_by_time(known.pending, Record{at, value});
  }
  newest_ = std::max(newest_, at);
  move_to(clamp(Wide{newest_} - config_.bound));
  return judged;
}

void Model::move_to(Ticks watermark) {
  watermark_ = std::max(watermark_, watermark);
  for (auto& [key, known] : keys_) {
    while (!known.pending.empty() && known.pending.front().at < settled()) {
      const Record record = known.pending.front();
      known.pending.erase(known.pending.begin());
      if (!known.settled.empty() && begins_anew(known.settled.back().at, record.at)) known.settled.clear();
      known.settled.push_back(record);
    }
    if (!known.settled.empty() && begins_anew(known.settled.back().at, settled())) known.settled.clear();
  }
}

Model::Records Model::visible(const Known& known, Ticks as_of, Ticks end) const {
  Records records = known.settled;
  for (const Record& record : known.pending) {
    if (record.at >= std::max(end, settled())) break;
    if (!records.empty() && begins_anew(records.back().at, record.at)) records.clear();
    records.push_back(record);
  }
  if (!records.empty() && begins_anew(records.back().at, as_of)) records.clear();
  return records;
}

Part Model::part(const Window& window, const Records& records, Ticks end) const {
  const bool is_past = end < settled();
  Wide low = no_time;
  Wide high = end;
  bool is_whole = true;
  std::vector<std::int64_t> values;
  if (window.kind == Kind::records) {
    auto behind =
        std::find_if(records.begin(), records.end(), [&](const Record& one) { return one.at >= end; });
    const auto seen = std::min<std::ptrdiff_t>(window.records, behind - records.begin());
    for (auto one = behind - seen; one != behind; ++one) values.push_back(one->value);
    return {totals_of(values), seen > 0 ? (behind - seen)->at : end, end, !is_past};
  }
  if (window.kind == Kind::lifetime) {
    if (is_past) low = high;
    is_whole = !is_past;
  } else {
    if (window.kind == Kind::pre_cut || (is_past && window.kind == Kind::tail))
      high = floor_to(high, window.hop);
    low = (window.kind == Kind::pre_cut ? high : Wide{end}) - window.size;
    if (window.kind == Kind::tail) low = floor_to(low, window.hop);
    is_whole = !is_past || window.kind != Kind::tail;
    low = std::max<Wide>(low, no_time);
    if (low < kept_from(window, settled())) {
      low = std::min(kept_from(window, settled()), high);
      is_whole = false;
    }
  }
  for (const Record& record : records) {
    if (record.at >= low && record.at < high) values.push_back(record.value);
  }
  return {totals_of(values), clamp(low), clamp(high), is_whole};
}

Answer Model::read(std::int64_t key, Ticks as_of) const {
  Answer answer;
  answer.is_past = as_of < settled();
  const auto found = keys_.find(key);
  const Known nobody;
  const Known& known = found == keys_.end() ? nobody : found->second;
  const Ticks ends[] = {as_of, clamp(Wide{as_of} + 1)};
  const Records records[] = {visible(known, as_of, ends[0]), visible(known, as_of, ends[1])};
  for (const Window& window : config_.windows) {
    const std::size_t asking = window.includes_asking ? 1 : 0;
    answer.parts.push_back(part(window, records[asking], ends[asking]));
    if (records[asking].empty()) continue;
    answer.is_there = true;
    if (records[asking].back().at < ends[asking])
      answer.event_time = std::max(answer.event_time, records[asking].back().at);
  }
  return answer;
}

}  // namespace rolling
