#include <array>
#include <cstdio>

#include "covert/kit/report.hpp"

namespace sluice::covert {

namespace {

constexpr char kLegend[] =
    "\n"
    "Rates in bits per second with their 95 % interval; 0 (< x): nothing found, more than x would have shown.\n"
    "control: the same two programs outside of any sandbox, without the guard; flow: two subjects with a flow from "
    "the\n"
    "low receiver up to the high sender; apart: two subjects without a flow. Bandwidth in the manner of TCSEC: high "
    "is\n"
    "over 100 bit/s, acceptable is under 1, under 0.1 needs no audit.\n";

std::string cell(const std::string& text, std::size_t width) {
  return text.size() >= width ? text + " " : text + std::string(width - text.size(), ' ');
}

std::string line(const std::string& number, const std::string& name, const std::string& kind,
                 const std::string& control, const std::string& flow, const std::string& apart,
                 const std::string& verdict) {
  return cell(number, 4) + cell(name, 22) + cell(kind, 9) + cell(control, 10) + cell(flow, 22) + cell(apart, 22) +
         verdict + "\n";
}

std::string short_rate(const Outcome& outcome) {
  if (outcome.state != Outcome::State::measured || !outcome.estimate.found) return as_text(outcome);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", outcome.estimate.rate);
  return text.data();
}

}  // namespace

std::string as_text(const Outcome& outcome) {
  std::array<char, 80> text{};
  switch (outcome.state) {
    case Outcome::State::measured:
      if (outcome.estimate.found) {
        std::snprintf(text.data(), text.size(), "%.3g [%.3g, %.3g]", outcome.estimate.rate, outcome.estimate.low,
                      outcome.estimate.high);
      } else {
        std::snprintf(text.data(), text.size(), "0 (< %.2g)", outcome.estimate.high);
      }
      return text.data();
    case Outcome::State::refused:
      return "refused";
    case Outcome::State::not_applicable:
      return "-";
    case Outcome::State::failed:
      return "failed";
  }
  return "?";
}

std::string as_table(const Report& report) {
  std::string text = line("", "means", "kind", "control", "flow", "apart", "verdict");
  int number = 0;
  for (const Row& row : report.rows) {
    if (row.means->number != number) {
      number = row.means->number;
      text += cell(std::to_string(number), 4) + title_of_class(number) + "\n";
    }
    text += line("", row.means->name, row.means->kind == Kind::storage ? "storage" : "timing",
                 short_rate(row.in(Setting::control)), as_text(row.in(Setting::flow)), as_text(row.in(Setting::apart)),
                 describe(row));
  }
  return text + kLegend;
}

}  // namespace sluice::covert
