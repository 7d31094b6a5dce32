#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/fields.hpp>
#include <weir/time/instant.hpp>

#include "csv.hpp"

/// What the till wrote: a sale, a cancellation (goods that came back), or an adjustment of the books.
enum class Kind : std::uint8_t { sale, cancel, adjust };

/// One line of an invoice.
struct Payment {
  std::uint32_t customer = 0;  ///< 0: the till did not know
  std::uint32_t invoice = 0;
  Kind kind = Kind::sale;
  std::int64_t milli_gbp = 0;  ///< quantity x price, exact; negative for what came back
  weir::EventTime at{};
};
WEIR_FIELDS(Payment, customer, invoice, kind, milli_gbp, at);

inline bool is_known(const Payment& payment) { return payment.customer != 0; }
inline bool is_unknown(const Payment& payment) { return payment.customer == 0; }
inline bool is_sale(const Payment& payment) { return payment.kind == Kind::sale; }
inline bool is_refund(const Payment& payment) { return payment.kind == Kind::cancel; }

/// "536365" is a sale, "C536379" a cancellation, "A563185" an adjustment; no two kinds share a number.
inline bool read_invoice(std::string_view cell, Payment& payment) {
  if (!cell.empty() && (cell.front() == 'C' || cell.front() == 'A')) {
    payment.kind = cell.front() == 'C' ? Kind::cancel : Kind::adjust;
    cell.remove_prefix(1);
  }
  return support::read_integer(cell, payment.invoice);
}

/// event_time_s,invoice,kind,stock_code,quantity,unit_price_gbp,customer_id,country
inline bool read_payment(const support::Cells& cells, Payment& payment) {
  std::int64_t seconds = 0, quantity = 0, price = 0;
  if (!support::read_integer(cells[0], seconds) || !read_invoice(cells[1], payment)) return false;
  if (!support::read_integer(cells[4], quantity) || !support::read_thousandths(cells[5], price)) return false;
  if (!cells[6].empty() && !support::read_integer(cells[6], payment.customer)) return false;
  payment.milli_gbp = quantity * price;
  payment.at = weir::EventTime{std::chrono::seconds{seconds}};
  return true;
}

inline absl::StatusOr<std::vector<Payment>> load_payments(const std::string& path) {
  return support::read_csv<Payment>(path, 8, read_payment);
}
