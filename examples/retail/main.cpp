// A year of a shop: customer velocity and spend, refunds apart, payments without a customer counted.
#include <cstdio>
#include <span>

#include "accounting.hpp"
#include "data.hpp"
#include "replay.hpp"
#include "features.hpp"
#include "ledger.hpp"

namespace {

using support::grouped;

std::string pounds(std::int64_t milli_gbp) {
  const std::int64_t pence = milli_gbp < 0 ? -milli_gbp / 10 : milli_gbp / 10;
  const std::string places = std::to_string(100 + pence % 100).substr(1);
  return (milli_gbp < 0 ? "-" : "") + grouped(pence / 100) + "." + places;
}

void print_velocity(const char* title, const std::vector<VelocityRow>& rows) {
  support::Table table(title,
                       {"customer", "window ends", "lines", "invoices", "spend GBP", "dearest line GBP"});
  for (const VelocityRow& row : rows) {
    table.add({std::to_string(row.key), support::to_minute(row.window.end), grouped(row.value.lines),
               grouped(row.value.invoices), pounds(row.value.spend), pounds(row.value.dearest)});
  }
  table.print();
}

void print_refunds(const std::vector<RefundRow>& rows) {
  support::Table table("Largest refunds of a customer in a day",
                       {"customer", "day", "lines", "refunded GBP"});
  for (const RefundRow& row : rows) {
    table.add({std::to_string(row.key), support::to_minute(row.window.start).substr(0, 10),
               grouped(row.value.lines), pounds(row.value.milli_gbp)});
  }
  table.print();
}

void print_unknown(const std::vector<UnknownRow>& rows) {
  support::Table table("Payments without a customer", {"kind", "lines", "sum GBP"});
  const char* const kinds[] = {"sale", "cancel", "adjust"};
  for (const UnknownRow& row : rows) {
    table.add({kinds[static_cast<int>(row.key)], grouped(row.value.lines), pounds(row.value.milli_gbp)});
  }
  table.print();
}

void print_report(const FeatureReport& report) {
  print_velocity("Busiest hour of a customer (sliding 1 h, every 5 min)", report.hour.top(5));
  print_velocity("Heaviest day of a customer (sliding 24 h, every 1 h)", report.day.top(5));
  print_refunds(report.refunds.top(5));
  print_unknown(report.unknown);
}

int run(std::span<const Payment> payments) {
  support::Golden golden;

  FeatureReport report;
  auto features = build_features(report);
  if (!features.ok()) return support::fail(features.status());
  std::printf("%s", features->pipeline.text().c_str());
  const double seconds = support::replay_in_batches(features->pipeline, features->payments, payments);
  print_report(report);
  support::print_accounting(features->pipeline, golden,
                            {"payments", "velocity_1h", "velocity_24h", "refunds", "unknown_customer"});

  FeatureReport singly;
  auto again = build_features(singly);
  if (!again.ok()) return support::fail(again.status());
  support::print_speed(payments.size(), seconds,
                       support::replay_one_by_one(again->pipeline, again->payments, payments));
  golden.check("rows one by one against rows by batch", singly.rows, report.rows);
  golden.check("their checksum", singly.checksum, report.checksum);

  Ledger ledger;
  auto books = build_ledger(ledger);
  if (!books.ok()) return support::fail(books.status());
  support::replay_in_batches(books->pipeline, books->payments, payments);
  check_ledger(ledger, golden);
  return golden.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  const auto payments = load_payments(support::data_file(argc, argv, "online-retail/online_retail.csv.gz"));
  if (!payments.ok()) return support::fail(payments.status());
  std::printf("online-retail: %s invoice lines of one year\n\n", grouped(payments->size()).c_str());
  return run(*payments);
}
