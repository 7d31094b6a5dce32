// A till asks before it books: look-up, score, push. Of customers it knows a model says the risk, of others, and when the stream has stood still, a rule. A screen on another thread shows the same rows meanwhile. The model learns from rows that the same pipeline makes of the past, and
// the rows that were served are compared with rows that are made again.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <weir/view/compare.hpp>

#include "accounting.hpp"
#include "data.hpp"
#include "features.hpp"
#include "golden.hpp"
#include "scorer.hpp"
#include "table.hpp"

namespace {

using support::fixed;
using support::grouped;
using Payments = std::span<const Payment>;
using Label = weir::Label<std::uint32_t>;
using TrainingRow = weir::TrainingRow<std::uint32_t, CustomerFeatures>;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One question per line of a known customer: what was known when the till asked?
std::vector<Label> labels_of(Payments payments) {
  std::vector<Label> labels;
  for (const Payment& payment : payments) {
    if (is_known(payment)) labels.push_back({.key = payment.customer, .as_of = payment.at});
  }
  return labels;
}

std::vector<bool> outcomes_of(Payments payments) {
  std::vector<bool> outcomes;
  for (const Payment& payment : payments) {
    if (is_known(payment)) outcomes.push_back(is_refund(payment));
  }
  return outcomes;
}

/// What a line is scored by. The model learned from rows of customers that were known, and is asked of such rows only.
struct Judge {
  Scorer model;
  double rule = 0;  ///< how often lines came back of customers nobody knew

  [[nodiscard]] static bool asks_model(weir::ReadStatus status) { return status == weir::ReadStatus::fresh; }
  [[nodiscard]] double score(const weir::Lookup<CustomerFeatures>& known) const {
    return asks_model(known.status) ? model.score(*known) : rule;  // missing or stale: the row is not what is so now
  }
};

Judge train(const std::vector<TrainingRow>& rows, const std::vector<bool>& outcomes) {
  Judge judge;
  for (const double rate : {0.01, 0.003, 0.001}) {
    for (std::size_t at = 0; at < rows.size(); ++at) {
      if (Judge::asks_model(rows[at].status)) judge.model.learn(rows[at].value, outcomes[at], rate);
    }
  }
  double lines = 0, refunds = 0;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    if (Judge::asks_model(rows[at].status)) continue;
    lines += 1;
    refunds += outcomes[at] ? 1 : 0;
  }
  judge.rule = lines == 0 ? 0 : refunds / lines;
  return judge;
}

void write_csv(const std::vector<TrainingRow>& rows, const std::vector<bool>& outcomes, const std::string& path) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return;
  std::fprintf(file, "customer,as_of_s,is_refund");
  for (const std::string_view name : weir_field_names(static_cast<const CustomerFeatures*>(nullptr)))
    std::fprintf(file, ",%.*s", static_cast<int>(name.size()), name.data());
  for (std::size_t at = 0; at < rows.size(); ++at) {
    std::fprintf(file, "\n%u,%lld,%d", rows[at].key, static_cast<long long>(weir::ticks(rows[at].as_of) / 1'000'000),
                 outcomes[at] ? 1 : 0);
    std::apply([&](const auto&... field) { (std::fprintf(file, ",%.17g", static_cast<double>(field)), ...); },
               weir_fields(rows[at].value));
  }
  std::fprintf(file, "\n");
  std::fclose(file);
}

/// Lines that were scored one way, and how many of them came back.
struct Branch {
  std::int64_t lines = 0;
  std::int64_t refunds = 0;

  void add(bool is_refund) {
    ++lines;
    refunds += is_refund ? 1 : 0;
  }
};

struct Served {
  std::vector<TrainingRow> rows;
  std::vector<Scored> scores;
  Branch by_model;
  Branch by_rule;
  weir::ViewStats reads;
};

/// The till at work: asks, scores, then books.
Served serve(weir::Pipeline& pipeline, const Fraud& fraud, Payments payments, const Judge& judge) {
  Served served;
  weir::Lookup<CustomerFeatures> known;
  for (const Payment& payment : payments) {
    if (is_known(payment)) {
      pipeline.lookup(fraud.customer, payment.customer, {.as_of = payment.at}, known);
      served.scores.push_back({judge.score(known), is_refund(payment)});
      (Judge::asks_model(known.status) ? served.by_model : served.by_rule).add(is_refund(payment));
      served.rows.push_back({.label = served.rows.size(),
                             .key = payment.customer,
                             .as_of = payment.at,
                             .status = known.status,
                             .definition = known.definition,
                             .value = *known});
    }
    pipeline.push(fraud.payments, payment);
  }
  served.reads = fraud.customer.stats();
  return served;
}

/// A screen in the back office: goes round the customers on a thread of its own for as long as the pipeline lives.
class Screen {
 public:
  Screen(weir::Reader<std::uint32_t, CustomerFeatures> reader, Payments payments)
      : thread_([this, payments, reader = std::move(reader)]() mutable { show(reader, payments); }) {}
  /// Waits for the end of the pipeline.
  void join() { thread_.join(); }

  [[nodiscard]] std::uint64_t shown() const { return shown_; }
  /// Rows that are not those of one instant: with more refunds than lines, or more lines in an hour than in a day.
  [[nodiscard]] std::uint64_t torn() const { return torn_; }

 private:
  void show(weir::Reader<std::uint32_t, CustomerFeatures>& reader, Payments payments) {
    weir::Lookup<CustomerFeatures> found;
    for (std::size_t at = 0;; at = (at + 7919) % payments.size()) {
      reader.lookup(payments[at].customer, {}, found);
      if (!found.has_value()) return;  // the pipeline is gone
      if (found.status == weir::ReadStatus::missing) continue;
      ++shown_;
      const bool is_whole = found->refunds_1h <= found->lines_1h && found->lines_1h <= found->lines_24h &&
                            found->lines_24h <= found->lines_30d && found->lines_30d <= found->lines_ever;
      torn_ += is_whole ? 0 : 1;
    }
  }

  std::uint64_t shown_ = 0;
  std::uint64_t torn_ = 0;
  std::thread thread_;
};

void print_riskiest(const Served& served) {
  std::vector<std::size_t> order(served.rows.size());
  for (std::size_t at = 0; at < order.size(); ++at) order[at] = at;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return served.scores[a].score > served.scores[b].score;
  });
  support::Table table("Lines with the highest refund risk", {"customer", "when", "risk", "came back", "lines 30 d",
                                                              "refunds 30 d", "share", "mean line GBP"});
  std::uint32_t last = 0;
  std::size_t shown = 0;
  for (const std::size_t at : order) {
    const TrainingRow& row = served.rows[at];
    if (row.key == last) continue;
    last = row.key;
    table.add({std::to_string(row.key), support::to_minute(row.as_of), fixed(served.scores[at].score, 3),
               served.scores[at].outcome ? "yes" : "no", grouped(row.value.lines_30d), grouped(row.value.refunds_30d),
               fixed(row.value.refund_share_30d, 2), fixed(row.value.mean_30d / 1000, 2)});
    if (++shown == 5) break;
  }
  table.print();
}

/// The golden values of the data's README: the trailing day at every line that has a customer.
void check_last_day(Payments payments, support::Golden& golden) {
  Day day = build_day();
  weir::Pipeline pipeline = std::move(day.graph).build().value();
  std::int64_t sum = 0, most = 0, dearest = 0;
  weir::Lookup<DayFeatures> found;
  for (std::size_t at = 0; at < payments.size();) {
    std::size_t end = at;
    while (end < payments.size() && payments[end].at == payments[at].at) ++end;
    pipeline.push(day.payments, payments.subspan(at, end - at));
    for (; at < end; ++at) {
      if (!is_known(payments[at])) continue;
      pipeline.lookup(day.customer, payments[at].customer, {.as_of = payments[at].at}, found);
      sum += found->lines;
      most = std::max(most, found->lines);
      dearest = std::max(dearest, found->spend);
    }
  }
  golden.check("sum of the trailing days' lines", sum, 21'177'334);
  golden.check("most lines in a trailing day", most, 543);
  golden.check("highest net spend in a trailing day", dearest, 168'469'600);
}

/// Which lines each branch scored, counted from the data by another program. A till that goes on when the stream does not
/// comes to the rule, too.
void check_branches(const Served& served, weir::Pipeline& pipeline, const Fraud& fraud, const Payment& last, const Judge& judge,
                    support::Golden& golden) {
  golden.check("lines scored by the model", served.by_model.lines, 106'636);
  golden.check("of these came back", served.by_model.refunds, 2'435);
  golden.check("lines scored by the rule", served.by_rule.lines, 20'167);
  golden.check("of these came back", served.by_rule.refunds, 10);
  const std::chrono::hours six_days{6 * 24}, eight_days{8 * 24};
  const auto soon = pipeline.lookup(fraud.customer, last.customer, {.as_of = last.at + six_days});
  const auto late = pipeline.lookup(fraud.customer, last.customer, {.as_of = last.at + eight_days});
  golden.check("six days after the last line the model is asked", judge.score(soon) == judge.model.score(*soon) ? 1 : 0, 1);
  golden.check("eight days after it the row is stale", late.status == weir::ReadStatus::stale ? 1 : 0, 1);
  golden.check("and the rule is asked", judge.score(late) == judge.rule ? 1 : 0, 1);
}

/// The definition of the features is the one that was reviewed. If it is to be another, the file is replaced in the same change.
void check_definition(const Fraud& fraud, support::Golden& golden) {
  const std::string description = fraud.customer.describe();
  std::ifstream file("examples/fraud/customer_features.json");
  const std::string reviewed{std::istreambuf_iterator<char>(file), {}};
  if (description != reviewed) std::ofstream("build/examples/customer_features.json") << description;
  golden.check("the definition differs from customer_features.json", description != reviewed ? 1 : 0, 0);
}

int run(Payments payments) {
  support::Golden golden;
  check_last_day(payments, golden);
  const std::size_t cut = payments.size() * 7 / 10;
  const Payments past = payments.first(cut);
  const Payments live = payments.subspan(cut);

  auto start = std::chrono::steady_clock::now();
  Fraud trainer = build_fraud();
  const std::vector<Label> labels = labels_of(past);
  const auto rows = weir::point_in_time(std::move(trainer.graph), trainer.customer, labels,
                                        weir::history(trainer.payments, past));
  if (!rows.ok()) return support::fail(rows.status());
  std::printf("training set: %s rows of %s lines in %.2f s\n", grouped(rows->size()).c_str(),
              grouped(past.size()).c_str(), seconds_since(start));
  const std::vector<bool> outcomes = outcomes_of(past);
  const Judge judge = train(*rows, outcomes);
  write_csv(*rows, outcomes, "build/examples/fraud_training.csv");

  Fraud fraud = build_fraud(Readers::on_other_threads);
  check_definition(fraud, golden);
  auto pipeline = std::move(fraud.graph).build();
  if (!pipeline.ok()) return support::fail(pipeline.status());
  std::printf("%s", pipeline->text().c_str());
  pipeline->push(fraud.payments, past);  // backfill; the live stream goes on where the past ends
  auto reader = pipeline->reader(fraud.customer);
  if (!reader.ok()) return support::fail(reader.status());
  Screen screen(*std::move(reader), live);
  start = std::chrono::steady_clock::now();
  const Served served = serve(*pipeline, fraud, live, judge);
  const double seconds = seconds_since(start);
  print_riskiest(served);
  std::printf("\nserved %s reads and %s lines in %.2f s: %s fresh, %s stale, %s new customers; area under curve %s\n",
              grouped(served.reads.reads).c_str(), grouped(live.size()).c_str(), seconds,
              grouped(served.reads.fresh).c_str(), grouped(served.reads.stale).c_str(),
              grouped(served.reads.missing).c_str(), fixed(area_under_curve(served.scores), 3).c_str());
  std::printf("scored by the model: %s lines, %s came back; by the rule, which says %s: %s lines, %s came back\n",
              grouped(served.by_model.lines).c_str(), grouped(served.by_model.refunds).c_str(), fixed(judge.rule, 4).c_str(),
              grouped(served.by_rule.lines).c_str(), grouped(served.by_rule.refunds).c_str());
  check_branches(served, *pipeline, fraud, live.back(), judge, golden);
  support::print_accounting(*pipeline, golden, {"payments", "customer"});
  { const weir::Pipeline gone = *std::move(pipeline); }
  screen.join();
  std::printf("\nthe screen on another thread showed %s rows meanwhile\n", grouped(screen.shown()).c_str());
  golden.check("rows on the screen that were torn", screen.torn(), 0);

  Fraud again = build_fraud();
  const auto made_again = weir::point_in_time(std::move(again.graph), again.customer, labels_of(live),
                                              weir::history(again.payments, payments));
  if (!made_again.ok()) return support::fail(made_again.status());
  const weir::SkewReport skew = weir::compare(*made_again, served.rows);
  std::printf("\nSkew between rows that were served and rows made again from history\n%s", skew.text().c_str());
  golden.check("rows that differ", skew.mismatched, 0);
  golden.check("rows that are missing", skew.missing, 0);
  golden.check("rows that are extra", skew.extra, 0);
  golden.check("rows of another definition", skew.redefined, 0);
  return golden.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  const auto payments = load_payments(support::data_file(argc, argv, "online-retail/online_retail.csv.gz"));
  if (!payments.ok()) return support::fail(payments.status());
  return run(*payments);
}
