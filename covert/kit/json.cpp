#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <thread>

#include "covert/kit/report.hpp"
#include "trusted/launcher/operator_text.hpp"

namespace sluice::covert {

namespace {

std::string quoted(const std::string& text) { return "\"" + launcher::json_text(text) + "\""; }

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

const char* name_of(Outcome::State state) {
  switch (state) {
    case Outcome::State::measured:
      return "measured";
    case Outcome::State::refused:
      return "refused";
    case Outcome::State::not_applicable:
      return "not-applicable";
    case Outcome::State::failed:
      return "failed";
  }
  return "?";
}

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::closed:
      return "closed";
    case Verdict::none_found:
      return "none-found";
    case Verdict::found:
      return "found";
    case Verdict::control_failed:
      return "control-failed";
    case Verdict::not_to_be_tried:
      return "cannot-be-tried";
    case Verdict::failed:
      return "failed";
  }
  return "?";
}

std::string object(const Outcome& outcome) {
  std::string text = "{\"state\":" + quoted(name_of(outcome.state));
  if (!outcome.why.empty()) text += ",\"why\":" + quoted(outcome.why);
  if (outcome.state == Outcome::State::measured) {
    const Estimate& found = outcome.estimate;
    text += ",\"found\":" + std::string(found.found ? "true" : "false") + ",\"rate\":" + number(found.rate) +
            ",\"low\":" + number(found.low) + ",\"high\":" + number(found.high) +
            ",\"bits_per_symbol\":" + number(found.bits_per_symbol) + ",\"baseline\":" + number(found.baseline) +
            ",\"p_value\":" + number(found.p_value) + ",\"symbols\":" + std::to_string(found.symbols) +
            ",\"symbols_per_second\":" + number(found.symbols_per_second);
  }
  return text + "}";
}

std::string object(const Row& row) {
  const Means& means = *row.means;
  std::string text = "  {\"class\":" + std::to_string(means.number) +
                     ",\"title\":" + quoted(title_of_class(means.number)) + ",\"name\":" + quoted(means.name) +
                     ",\"what\":" + quoted(means.what) + ",\"needs\":" + quoted(means.needs) +
                     ",\"kind\":" + quoted(means.kind == Kind::storage ? "storage" : "timing");
  for (const Setting setting : kSettings) text += ",\n   " + quoted(name_of(setting)) + ":" + object(row.in(setting));
  return text + ",\n   \"verdict\":" + quoted(name_of(row.verdict)) + ",\"rate\":" + number(row.rate()) +
         ",\"text\":" + quoted(describe(row)) + "}";
}

}  // namespace

std::string as_json(const Report& report) {
  utsname host{};
  ::uname(&host);
  std::string text = "{\"version\":1,\"kernel\":" + quoted(host.release) +
                     ",\"processors\":" + std::to_string(std::thread::hardware_concurrency()) +
                     ",\"privileged\":" + (::geteuid() == 0 ? "true" : "false") +
                     ",\"seconds\":" + number(report.seconds) + ",\"limit\":" + number(report.limit) +
                     ",\"controls_caught\":" + (report.controls_caught() ? "true" : "false") +
                     ",\"within_limit\":" + (report.within_limit() ? "true" : "false") + ",\"means\":[\n";
  for (std::size_t i = 0; i < report.rows.size(); ++i) {
    text += object(report.rows[i]) + (i + 1 < report.rows.size() ? ",\n" : "\n");
  }
  return text + "]}\n";
}

}  // namespace sluice::covert
